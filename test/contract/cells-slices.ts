import { beforeAll, describe, expect, test } from 'vitest';
import type { Cells, Key, Slice, SliceBound } from '../../src/stores/cassandra/cells.ts';
import { LISTING, REFERENCE } from '../../src/stores/cassandra/tables.ts';
import { bytes, type CellsSubject, newName, newPartition, put, readRows, textOf } from './cells-steps.ts';
import { OPTIONS } from './drafts.ts';

/** Slices that are asked for at one time. */
const SLICES_AT_ONCE = 32;
/** More rows than a cluster gives at once, and how many one write has. */
const MANY_ROWS = 5_600;
const WRITE_ROWS = 700;
const ALL = { limit: 1_000 };

/** The rows of `LISTING` that slices are cut from, in their order: by number, by bytes, by UTF-8. */
const KEYS: readonly Key[] = [-1, 2, 10].flatMap((kind) =>
  [[], [0], [0, 0], [0x61], [0x61, 0], [0xff], [0xff, 0xff]].flatMap((key) =>
    ['', 'a', '\uffff', '\u{10000}'].map((upload): Key => [kind, Uint8Array.from(key), upload]),
  ),
);
/** What slices begin and end at: whole keys and first columns of keys, of rows that are there and that are not. */
const BOUND_KEYS: readonly Key[] = [
  [-2],
  [2],
  [3],
  [10],
  [2, new Uint8Array()],
  [2, Uint8Array.of(0)],
  [2, Uint8Array.of(0x61, 0x01)],
  [10, Uint8Array.of(0xff, 0xff)],
  [-1, Uint8Array.of(0), ''],
  [2, Uint8Array.of(0xff), '\uffff'],
  [2, Uint8Array.of(0xff), 'not there'],
  [10, Uint8Array.of(0xff, 0xff, 0xff), ''],
];

/** What `Cells` say of slices. */
export function cellsSlices(subject: CellsSubject): void {
  const partition = [newName(), 'bucket', 'range'];
  let cells: Cells;
  beforeAll(async () => {
    cells = subject.open();
    const rows = KEYS.map((key, index) => ({ key, value: bytes(String(index)) }));
    await cells.write(LISTING, partition, rows.toReversed(), { timestamp: 1 }, OPTIONS);
  });

  async function read(slice: Slice): Promise<readonly number[]> {
    const rows = await cells.readRows(LISTING, partition, slice, OPTIONS);
    return rows.map(({ value }) => Number(textOf(value)));
  }

  test('rows come in the order of their keys: numbers by size, blobs by bytes, texts by UTF-8', async () => {
    const indexes = KEYS.map((_, index) => index);
    expect(await read(ALL)).toEqual(indexes);
    expect(await read({ ...ALL, isReverse: true })).toEqual(indexes.toReversed());
  });

  describe.each([false, true])('reverse: %s', (isReverse) => {
    test('a slice is what lies between its bounds, whole keys or their first columns, with them or without', async () => {
      const bounds = [undefined, ...BOUND_KEYS.flatMap(bothWays)];
      const slices = bounds.flatMap((from) => bounds.map((to): Slice => ({ ...ALL, from, to, isReverse })));
      for (let start = 0; start < slices.length; start += SLICES_AT_ONCE) {
        const some = slices.slice(start, start + SLICES_AT_ONCE);
        const found = await Promise.all(some.map(read));
        for (const [index, slice] of some.entries()) expect(found[index], describeSlice(slice)).toEqual(cut(slice));
      }
    });

    test('a limit ends a slice, from whichever end it begins', async () => {
      const from = { key: [2], isInclusive: true };
      const whole = cut({ ...ALL, from, isReverse });
      for (const limit of [1, 2, whole.length - 1, whole.length, whole.length + 1]) {
        expect(await read({ from, limit, isReverse })).toEqual(whole.slice(0, limit));
      }
    });
  });

  test('a partition without rows has none in any slice', async () => {
    const nowhere = [newName(), 'bucket', 'range'];
    const slice = { from: { key: [0], isInclusive: true }, limit: 1 };
    expect(await cells.readRows(LISTING, nowhere, slice, OPTIONS)).toEqual([]);
  });

  test('one call gives as many rows as it is asked for', async () => {
    const many = newPartition();
    const names = Array.from({ length: MANY_ROWS }, (_, index) => `row-${String(index).padStart(5, '0')}`);
    for (let start = 0; start < names.length; start += WRITE_ROWS) {
      await put(cells, many, Object.fromEntries(names.slice(start, start + WRITE_ROWS).map((name) => [name, ''])), 1);
    }
    const rows = names.map((name) => `${name}=`);
    expect(await readRows(cells, many, { limit: 5_000 })).toEqual(rows.slice(0, 5_000));
    expect(await readRows(cells, many, { limit: 5_500 })).toEqual(rows.slice(0, 5_500));
    expect(await readRows(cells, many, { limit: 5_500, isReverse: true })).toEqual(rows.toReversed().slice(0, 5_500));
    const unlimited = { limit: Number.POSITIVE_INFINITY };
    expect(await cells.readRows(REFERENCE, many, unlimited, OPTIONS)).toHaveLength(MANY_ROWS);
  });
}

function bothWays(key: Key): readonly SliceBound[] {
  return [true, false].map((isInclusive) => ({ key, isInclusive }));
}

/** The indexes of the rows of a slice. */
function cut({ from, to, isReverse = false }: Slice): readonly number[] {
  const indexes = [...KEYS.entries()].flatMap(([index, key]) => {
    const isAfter = from === undefined || compare(key, from.key) > (from.isInclusive ? -1 : 0);
    const isBefore = to === undefined || compare(key, to.key) < (to.isInclusive ? 1 : 0);
    return isAfter && isBefore ? [index] : [];
  });
  return isReverse ? indexes.toReversed() : indexes;
}

/** By the columns that the bound has: -1, 0 or 1. */
function compare(key: Key, bound: Key): number {
  for (const [index, value] of bound.entries()) {
    const own = key[index];
    const order = typeof own === 'number' ? Math.sign(own - Number(value)) : Buffer.compare(blobOf(own), blobOf(value));
    if (order !== 0) return order;
  }
  return 0;
}

function blobOf(value: Key[number] | undefined): Buffer {
  return Buffer.from(typeof value === 'string' ? Buffer.from(value) : value instanceof Uint8Array ? value : []);
}

function describeSlice({ from, to }: Slice): string {
  const bound = (given: SliceBound | undefined): string =>
    given === undefined ? 'none' : `${given.isInclusive ? 'with' : 'without'} ${given.key.map(String).join(' ')}`;
  return `from ${bound(from)} to ${bound(to)}`;
}
