import { z } from 'zod';
import { DURATION, type Rule, ruleOfInteger, ruleOfOne, ruleOfText, TRUTH } from './rules.ts';
import { parseDurationMs } from './units.ts';

/** Most entries under names of the user's own: regions, storage classes of one region, keys, data centres. */
const NAMED_MAX = 10_000;

/** What one scalar of the configuration may be: `parse` gives its value, or `undefined` where it is none. */
export function scalar<Value>(
  expected: string,
  parse: (text: string) => Value | undefined,
  show: 'shown' | 'secret' = 'shown',
) {
  const error = (issue: { input?: unknown }) =>
    `${issue.input === undefined ? 'is missing: it ' : ''}must be ${expected}`;
  return described(z.string({ error }), expected).transform((text, context): Value => {
    const value = parse(text);
    if (value !== undefined) return value;
    const got = show === 'secret' ? '' : `, not ${JSON.stringify(text)}`;
    context.addIssue({ code: 'custom', message: `must be ${expected}${got}` });
    return z.NEVER;
  });
}

/** With what it must be, for the published JSON schema. */
function described<Schema extends z.ZodType>(schema: Schema, expected: string): Schema {
  return schema.meta({ description: `Must be ${expected}.` });
}

/** A list, or one text with its items separated by commas, as a variable or a flag has it; at most `max` items. */
export function listOf<Value>(items: string, max: number, parseItem: (text: string) => Value | undefined) {
  const expected = `${items}, in a list or separated by commas`;
  return z
    .union([described(z.string(), expected), z.array(z.string())], { error: `must be ${expected}` })
    .transform((given, context): readonly Value[] => {
      const texts = (typeof given === 'string' ? given.split(',') : given).map((text) => text.trim());
      if (texts.length > max) return refuse(context, `has more than ${max} entries`);
      const values = texts.map(parseItem).filter((value) => value !== undefined);
      if (values.length < texts.length) return refuse(context, `must be ${expected}, not ${JSON.stringify(given)}`);
      return values;
    });
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

export const scalarBy = <Value>({ expected, parse }: Rule<Value>) => scalar(expected, parse);

export function oneOf<const Value extends string>(...values: readonly Value[]) {
  return scalarBy(ruleOfOne(...values));
}

export function integer(min: number, max: number) {
  return scalarBy(ruleOfInteger(min, max));
}

export const textOf = (expected: string) => scalarBy(ruleOfText(expected));
export const boolean = scalarBy(TRUTH);
export const duration = scalarBy(DURATION);
export const durationOf = (minMs: number) =>
  scalar(`a duration of at least ${minMs / 1000}s, such as 5m`, (text) => {
    const ms = parseDurationMs(text);
    return ms !== undefined && ms >= minMs ? ms : undefined;
  });

/** Entries under names of the user's own. */
export function named<Schema extends z.ZodType>(what: string, schema: Schema, parseName: (text: string) => unknown) {
  const name = z.string().refine((text) => parseName(text) !== undefined, { error: `is not a valid ${what}` });
  return z
    .record(name, schema, { error: `must be a map from each ${what} to its settings` })
    .refine((entries) => Object.keys(entries).length <= NAMED_MAX, { error: `has more than ${NAMED_MAX} entries` });
}
