import { PLAIN_RULES, type Rule } from './rules.ts';
import type { Configuration } from './schema.ts';
import { isTreeMap, type Tree } from './tree.ts';

const RULES: Readonly<Record<string, Readonly<Record<string, Rule<unknown>>>>> = PLAIN_RULES;
/** All that there are; those without a rule may stand there without settings. */
const SECTIONS = [...Object.keys(RULES), 'cassandra', 'keystore', 'bucketstore', 'regions'];

/**
 * Settings that are no more than plain ones, all of them right, as the schema would give them; `undefined` for all else,
 * mistakes included, for the schema to read. Loading that takes some 70 ms of CPU, most of it for `zod`.
 */
export function readPlain(tree: Tree): Configuration | undefined {
  if (!isTreeMap(tree)) return undefined;
  const read: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const [name, section] of Object.entries(tree)) {
    if (!isTreeMap(section)) return undefined;
    if (!SECTIONS.includes(name)) return undefined;
    const rules = RULES[name] ?? {};
    const values: Record<string, unknown> = {};
    for (const [key, text] of Object.entries(section)) {
      const value = Object.hasOwn(rules, key) && typeof text === 'string' ? rules[key]?.parse(text) : undefined;
      if (value === undefined) return undefined;
      values[key] = value;
    }
    read[name] = values;
  }
  return parseRead(read);
}

/** Each value is what the rule of its setting gave, and the schema takes the same rules. */
function parseRead(read: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Configuration {
  return read as Configuration;
}
