import { BlockList, isIP } from 'node:net';
import { codePoints, type Glob, matchGlob } from './glob.ts';
import { malformedPolicy, quoted } from './malformed-policy.ts';
import { everyOf, type Match, matchIf } from './match.ts';
import type { ConditionContext } from './policy-request.ts';
import { expand, isFixed, parseTemplate, type Template } from './template.ts';

/** One value of a condition. */
export interface Expected {
  /** Whether it says the same for every request and limits them to one value, or to one range. */
  readonly isFixed: boolean;
  matches(value: string, request: ConditionContext): Match;
}

interface Operator {
  /** Whether the condition holds where no value matches. */
  readonly negated: boolean;
  parse(text: string, options: { readonly variables: boolean }): Expected;
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2}))?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ARN_PARTS = 6;
/** Not one within a policy variable. */
const ARN_COLON = /:(?![^{]*\})/;
/** Ranges that are wider hold for so many that they are public. Source: as `isPublicPolicy`. */
const NARROW_PREFIX_BITS = { ipv4: 8, ipv6: 32 };
const FULL_PREFIX_BITS = { ipv4: 32, ipv6: 128 };

/** Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ...bothWays('String', 'Equals', string({ wildcards: false, foldsCase: false })),
  ...bothWays('String', 'EqualsIgnoreCase', string({ wildcards: false, foldsCase: true })),
  ...bothWays('String', 'Like', string({ wildcards: true, foldsCase: false })),
  ...comparisons('Numeric', parseNumber),
  ...comparisons('Date', parseDate),
  ...bothWays('Arn', 'Equals', arn),
  ...bothWays('Arn', 'Like', arn),
  ['Bool', { negated: false, parse: boolean }],
  ['BinaryEquals', { negated: false, parse: binary }],
  ['IpAddress', { negated: false, parse: address }],
  ['NotIpAddress', { negated: true, parse: address }],
]);

/** The operator of this name, without what may stand before or after it; `Null` is none. */
export function findOperator(name: string): Operator | undefined {
  return OPERATORS.get(name);
}

function bothWays(type: string, relation: string, parse: Operator['parse']): [string, Operator][] {
  return [
    [`${type}${relation}`, { negated: false, parse }],
    [`${type}Not${relation}`, { negated: true, parse }],
  ];
}

function string({ wildcards, foldsCase }: { wildcards: boolean; foldsCase: boolean }): Operator['parse'] {
  return (text, { variables }) => {
    const template = parseTemplate(text, { wildcards, variables });
    return {
      isFixed: isFixed(template),
      matches: (value, request) =>
        matchTemplate(template, request, (glob) =>
          foldsCase ? matchGlob(folded(glob), value.toLowerCase()) : matchGlob(glob, value),
        ),
    };
  };
}

function matchTemplate(template: Template, request: ConditionContext, test: (glob: Glob) => boolean): Match {
  const glob = expand(template, request);
  if (glob === 'depends') return 'depends';
  return matchIf(glob !== undefined && test(glob));
}

/** A pattern without wildcards, in lower case. */
function folded(glob: Glob): Glob {
  return codePoints(
    glob
      .map((point) => String.fromCodePoint(point))
      .join('')
      .toLowerCase(),
  );
}

function comparisons(type: string, parse: (text: string) => number | undefined): [string, Operator][] {
  const relation = (holds: (value: number, expected: number) => boolean): Operator['parse'] => {
    return (text) => {
      const expected = parse(text);
      if (expected === undefined) throw malformedPolicy(`Invalid value for a ${type} condition: ${quoted(text)}`);
      return {
        isFixed: false,
        matches(value) {
          const number = parse(value);
          return matchIf(number !== undefined && holds(number, expected));
        },
      };
    };
  };
  return [
    ...bothWays(
      type,
      'Equals',
      relation((value, expected) => value === expected),
    ),
    [`${type}LessThan`, { negated: false, parse: relation((value, expected) => value < expected) }],
    [`${type}LessThanEquals`, { negated: false, parse: relation((value, expected) => value <= expected) }],
    [`${type}GreaterThan`, { negated: false, parse: relation((value, expected) => value > expected) }],
    [`${type}GreaterThanEquals`, { negated: false, parse: relation((value, expected) => value >= expected) }],
  ];
}

function parseNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined;
}

/** Milliseconds since 1970 of a date of ISO 8601, or of a number of seconds. */
function parseDate(text: string): number | undefined {
  const seconds = parseNumber(text);
  if (seconds !== undefined) return seconds * 1000;
  const ms = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function boolean(text: string): Expected {
  const expected = text.toLowerCase();
  if (expected !== 'true' && expected !== 'false') {
    throw malformedPolicy(`A Bool condition takes true or false, not ${quoted(text)}`);
  }
  return { isFixed: false, matches: (value) => matchIf(value.toLowerCase() === expected) };
}

function binary(text: string): Expected {
  if (!BASE64.test(text)) throw malformedPolicy(`A BinaryEquals condition takes base64, not ${quoted(text)}`);
  const bytes = Buffer.from(text, 'base64');
  return { isFixed: false, matches: (value) => matchIf(bytes.equals(Buffer.from(value))) };
}

function address(text: string): Expected {
  const [host = '', bits, ...more] = text.split('/');
  const family = familyOf(host);
  const prefix = bits === undefined ? undefined : parsePrefix(bits);
  const prefixBits = prefix ?? (family === undefined ? 0 : FULL_PREFIX_BITS[family]);
  const isBad = more.length > 0 || (bits !== undefined && prefix === undefined);
  if (family === undefined || isBad || prefixBits > FULL_PREFIX_BITS[family]) {
    throw malformedPolicy(`Invalid IP address or CIDR range: ${quoted(text)}`);
  }
  const range = new BlockList();
  range.addSubnet(host, prefixBits, family);
  return {
    isFixed: prefixBits >= NARROW_PREFIX_BITS[family],
    // BlockList takes an address of version 4 for one of version 6 too, so that ::/1 would hold for each.
    matches: (value) => matchIf(familyOf(value) === family && range.check(value, family)),
  };
}

function familyOf(host: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(host);
  if (version === 0) return undefined;
  return version === 4 ? 'ipv4' : 'ipv6';
}

function parsePrefix(bits: string): number | undefined {
  return /^\d{1,3}$/.test(bits) ? Number(bits) : undefined;
}

/** Each of the six parts of an ARN is matched by itself, so that no wildcard reaches into the next. */
function arn(text: string, { variables }: { readonly variables: boolean }): Expected {
  const parts = splitArn(text, ARN_COLON);
  if (parts === undefined) throw malformedPolicy(`Invalid ARN in a condition: ${quoted(text)}`);
  const templates = parts.map((part) => parseTemplate(part, { wildcards: true, variables }));
  return {
    isFixed: templates.every(isFixed),
    matches(value, request) {
      const found = splitArn(value, ':');
      if (found === undefined) return 'no';
      return everyOf(templates.entries(), ([index, template]) =>
        matchTemplate(template, request, (glob) => matchGlob(glob, found[index] ?? '')),
      );
    },
  };
}

function splitArn(text: string, colon: string | RegExp): readonly string[] | undefined {
  const parts = text.split(colon);
  if (parts.length < ARN_PARTS) return undefined;
  return [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(':')];
}
