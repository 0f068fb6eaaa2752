import { LISTING_KINDS, listingWorkload } from './listing-workloads.ts';
import { MULTIPART_LOAD, multipartWorkload } from './multipart-workload.ts';
import { OBJECT_LOADS, objectWorkload } from './object-workloads.ts';
import type { Workload } from './workload.ts';

/** All workloads, with listings over so many keys each. */
export function allWorkloads(listingSizes: readonly number[]): readonly Workload[] {
  return [
    ...OBJECT_LOADS.map(objectWorkload),
    multipartWorkload(MULTIPART_LOAD),
    ...listingSizes.flatMap((keysCount) => LISTING_KINDS.map((kind) => listingWorkload({ kind, keysCount }))),
  ];
}

/**
 * Those that the words select: `put-4k` selects one, `put` all whose names begin with it. Gives the first word that
 * selects none instead.
 */
export function selectWorkloads(
  workloads: readonly Workload[],
  words: readonly string[],
): readonly Workload[] | { readonly unknown: string } {
  const selects = (word: string, name: string) => name === word || name.startsWith(`${word}-`);
  const unknown = words.find((word) => !workloads.some(({ name }) => selects(word, name)));
  if (unknown !== undefined) return { unknown };
  return workloads.filter(({ name }) => words.some((word) => selects(word, name)));
}
