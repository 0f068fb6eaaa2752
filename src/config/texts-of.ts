import type { Tree } from './tree.ts';

/** A value of a program as the configuration file has it: every scalar is a text, and what is `undefined` is not there. */
export function textsOf(value: unknown): Tree {
  if (Array.isArray(value)) return value.map(textsOf);
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([key, each]) => [key, textsOf(each)]));
}
