import type { z } from 'zod';
import { nearest } from './nearest.ts';
import type { Problem } from './resolve.ts';
import { type Configuration, configurationSchema } from './schema.ts';
import { keysKnownAt } from './settings.ts';
import { isTreeMap, type Tree } from './tree.ts';

export interface ParsedSettings {
  readonly settings: Configuration | undefined;
  readonly problems: readonly Problem[];
  readonly notes: readonly Problem[];
}

/**
 * The settings in a tree, checked by the schema. The original took what it did not know without a word, so its files may hold anything: that is told, and left out.
 */
export function parseSettings(tree: Tree, isOriginal: boolean): ParsedSettings {
  const parsed = configurationSchema.safeParse(tree);
  if (parsed.success) return { settings: parsed.data, problems: [], notes: [] };
  const unknown = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [],
  );
  if (!isOriginal || unknown.length === 0) {
    return { settings: undefined, problems: parsed.error.issues.flatMap(asProblems), notes: [] };
  }
  const known = parseSettings(
    unknown.reduce((rest, path) => withoutSetting(rest, path), tree),
    isOriginal,
  );
  const notes = unknown.map((path) => ({
    path,
    message: `${unknownKey(path.slice(0, -1), String(path.at(-1)))}; it has no effect`,
    atKey: true,
  }));
  return { ...known, notes: [...notes, ...known.notes] };
}

function withoutSetting(tree: Tree, path: readonly PropertyKey[]): Tree {
  const [first = '', ...rest] = path.map(String);
  if (Array.isArray(tree)) {
    return tree.map((each, index) => (`${index}` === first ? withoutSetting(each, rest) : each));
  }
  if (!isTreeMap(tree)) return tree;
  const entries = Object.entries(tree).flatMap(([key, value]): [string, Tree][] => {
    if (key !== first) return [[key, value]];
    return rest.length === 0 ? [] : [[key, withoutSetting(value, rest)]];
  });
  return Object.fromEntries(entries);
}

function asProblems(issue: z.core.$ZodIssue): Problem[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...issue.path, key],
        message: unknownKey(issue.path, key),
        atKey: true,
      }));
    case 'invalid_key':
      return [{ path: issue.path, message: issue.issues[0]?.message ?? issue.message, atKey: true }];
    case 'invalid_type':
      return [{ path: issue.path, message: issue.expected === 'object' ? 'must be a map of settings' : issue.message }];
    case 'invalid_union': {
      // A form that fits as far as to settings of its own says what is wrong there.
      const meant = issue.errors.find((issues) => issues.some(({ path }) => path.length > 1)) ?? [];
      const problems = meant.flatMap(asProblems).map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
      return problems.length > 0 ? problems : [{ path: issue.path, message: issue.message }];
    }
    default:
      return [{ path: issue.path, message: issue.message }];
  }
}

function unknownKey(path: readonly PropertyKey[], key: string): string {
  const known = keysKnownAt(path);
  if (known.length === 0) return 'is not known here';
  const meant = nearest(key, known);
  return meant === undefined
    ? `is not known here: there is ${known.join(', ')}`
    : `is not known: did you mean ${meant}?`;
}
