import type { DiskEvent } from './disk-events.ts';
import { changeOf, type FileChange } from './simulated-file.ts';

/**
 * What a power cut leaves of the changes that no sync had settled. A file system promises nothing of them but that a
 * change of a directory is there as a whole or not at all, and that a sector is.
 *
 * Source: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014, section 3.
 */
export interface Survivors {
  /** Of the changes of one file's bytes, in their order. */
  ofFile(pending: readonly DiskEvent[]): readonly FileChange[];
  /** Of the changes of all directories, in their order. */
  ofNames<Change>(pending: readonly Change[]): readonly Change[];
}

/**
 * - `all kept`, `all dropped`: the cache was written, or nothing of it.
 * - `in order`: of each file the first changes, the last of them torn; of all directories the first changes, as a
 *   file system with a journal has it.
 * - `any order`: any of them, writes torn at sectors, files that have grown without their bytes.
 * - `names only`, `bytes only`: the journal before the data, or the data before the journal.
 */
export const WAYS = ['all kept', 'all dropped', 'any order', 'in order', 'names only', 'bytes only'] as const;

export type Way = (typeof WAYS)[number];

/** What disks write as one: 512 bytes, or 4 KiB on newer ones. */
const SECTORS_BYTES = [512, 4096] as const;
/** How much of the cache was written when the power failed, as a share. */
const KEPT_SHARES = [0.1, 0.5, 0.9] as const;
/** Of writes that are lost in any order, those whose length is kept all the same. */
const GROWN_SHARE = 0.3;
/** Of writes in any order, those of which some sectors alone survive. */
const TORN_SHARE = 0.3;

/** `random`: numbers in [0, 1). */
export function survivorsOf(way: Way, random: () => number): Survivors {
  const all = { ofFile: allOf, ofNames: everything };
  switch (way) {
    case 'all kept':
      return all;
    case 'all dropped':
      return { ofFile: nothing, ofNames: nothing };
    case 'names only':
      return { ...all, ofFile: nothing };
    case 'bytes only':
      return { ...all, ofNames: nothing };
    case 'in order':
      return inOrder(random);
    case 'any order':
      return inAnyOrder(random);
  }
}

function inOrder(random: () => number): Survivors {
  const countOf = (pending: readonly unknown[]) => Math.floor(random() * (pending.length + 1));
  return {
    ofFile(pending) {
      const count = countOf(pending);
      const torn = pending[count];
      const changes = allOf(pending.slice(0, count));
      if (torn?.kind !== 'write') return changes;
      const kept = Math.floor(random() * (torn.rest.length / SECTORS_BYTES[0]));
      return [...changes, ...sectorsOf(torn, SECTORS_BYTES[0]).slice(0, kept)];
    },
    ofNames: (pending) => pending.slice(0, countOf(pending)),
  };
}

function inAnyOrder(random: () => number): Survivors {
  const keptShare = pick(KEPT_SHARES, random);
  const isKept = () => random() < keptShare;
  return {
    ofFile: (pending) =>
      pending.flatMap((event) => {
        if (event.kind !== 'write') return isKept() ? [changeOf(event)] : [];
        if (random() < TORN_SHARE) return sectorsOf(event, pick(SECTORS_BYTES, random)).filter(isKept);
        if (isKept()) return [changeOf(event)];
        return random() < GROWN_SHARE ? [grownBy(event)] : [];
      }),
    ofNames: (pending) => pending.filter(isKept),
  };
}

/** A write as the sectors of the disk that it touches. */
function sectorsOf({ offset, rest }: DiskEvent, sectorBytes: number): FileChange[] {
  const sectors: FileChange[] = [];
  for (let at = 0; at < rest.length; ) {
    const end = Math.min(rest.length, at + sectorBytes - ((offset + at) % sectorBytes));
    sectors.push({ kind: 'write', offset: offset + at, bytes: rest.subarray(at, end) });
    at = end;
  }
  return sectors;
}

/** The length of a write without its bytes: zeros, where nothing stood. */
function grownBy({ offset, rest }: DiskEvent): FileChange {
  return { kind: 'write', offset: offset + rest.length, bytes: Buffer.alloc(0) };
}

function allOf(pending: readonly DiskEvent[]): readonly FileChange[] {
  return pending.map(changeOf);
}

function everything<Change>(pending: readonly Change[]): readonly Change[] {
  return pending;
}

function nothing(): readonly never[] {
  return [];
}

function pick<T>(items: readonly [T, ...T[]], random: () => number): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}
