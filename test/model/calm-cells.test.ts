import { describe, expect, test } from 'vitest';
import type { Key, Table } from '../../src/stores/cassandra/cells.ts';
import { CalmCells } from './calm-cells.ts';

const TABLE: Table = {
  name: 'rows',
  partition: [{ name: 'p', type: 'text' }],
  clustering: [
    { name: 'n', type: 'bigint' },
    { name: 'k', type: 'blob' },
    { name: 't', type: 'text' },
  ],
};
const P = ['p'];
const options = { signal: AbortSignal.timeout(60_000) };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function rowKey(n: number, k: readonly number[], t: string): Key {
  return [n, Uint8Array.from(k), t];
}

function open(): { cells: CalmCells; clock: { nowMs: number } } {
  const clock = { nowMs: 1_000 };
  return { cells: new CalmCells({ nowMs: () => clock.nowMs }), clock };
}

async function valuesOf(cells: CalmCells, slice: Parameters<CalmCells['readRows']>[2]): Promise<string> {
  const rows = await cells.readRows(TABLE, P, slice, options);
  return rows.map(({ value }) => new TextDecoder().decode(value)).join(' ');
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

describe('Calm cells', () => {
  const KEYS = [
    rowKey(-5, [], ''),
    rowKey(2, [0], 'b'),
    rowKey(2, [0, 0], ''),
    rowKey(2, [0, 1], ''),
    rowKey(2, [0xff], '\uffff'),
    rowKey(2, [0xff], '\u{10000}'),
    rowKey(10, [], 'a'),
  ];

  test('sort rows by size, bytes and UTF-8, and cut slices by the first columns of a key', async () => {
    const { cells } = open();
    const rows = KEYS.map((key, index) => ({ key, value: bytes(String(index)) }));
    await cells.write(TABLE, P, rows.toReversed(), { timestamp: 1 }, options);
    const bound = (key: Key, isInclusive: boolean): { key: Key; isInclusive: boolean } => ({ key, isInclusive });
    expect(await valuesOf(cells, { limit: 100 })).toBe('0 1 2 3 4 5 6');
    expect(await valuesOf(cells, { limit: 3, isReverse: true })).toBe('6 5 4');
    expect(await valuesOf(cells, { from: bound([2], true), limit: 2 })).toBe('1 2');
    expect(await valuesOf(cells, { from: bound([2], false), limit: 9 })).toBe('6');
    expect(await valuesOf(cells, { to: bound([2], false), limit: 9 })).toBe('0');
    expect(await valuesOf(cells, { to: bound([2], true), limit: 9, isReverse: true })).toBe('5 4 3 2 1 0');
    expect(await valuesOf(cells, { from: bound([2, Uint8Array.of(0)], false), limit: 9 })).toBe('2 3 4 5 6');
    expect(
      await valuesOf(cells, { from: bound(KEYS[3] ?? [], false), to: bound(KEYS[6] ?? [], false), limit: 9 }),
    ).toBe('4 5');
  });

  test('keep of each cell the greatest timestamp, then a deletion, then the greater value', async () => {
    const { cells } = open();
    const key = rowKey(1, [], '');
    const steps = [
      { value: 'b', timestamp: 5, after: 'b' },
      { value: 'z', timestamp: 4, after: 'b' },
      { value: 'c', timestamp: 5, after: 'c' },
      { value: 'a', timestamp: 5, after: 'c' },
      { value: undefined, timestamp: 5, after: '' },
      { value: 'd', timestamp: 5, after: '' },
      { value: 'e', timestamp: 6, after: 'e' },
    ];
    for (const { value, timestamp, after } of steps) {
      await cells.write(
        TABLE,
        P,
        [{ key, value: value === undefined ? undefined : bytes(value) }],
        { timestamp },
        options,
      );
      expect(await valuesOf(cells, { limit: 1 })).toBe(after);
    }
    await cells.deletePartition(TABLE, P, { timestamp: 6 }, options);
    expect(await valuesOf(cells, { limit: 1 })).toBe('');
    await cells.write(TABLE, P, [{ key, value: bytes('f') }], { timestamp: 7 }, options);
    expect(await cells.readRows(TABLE, P, { limit: 1 }, { ...options, withTimestamps: true })).toEqual([
      { key, value: bytes('f'), timestamp: 7 },
    ]);
  });

  test('apply a transaction only at the sequence that it names, and let heads expire', async () => {
    const { cells, clock } = open();
    const head = (sequence: number, text: string): { sequence: number; value: Uint8Array } => ({
      sequence,
      value: bytes(text),
    });
    expect(await cells.transact(TABLE, P, { ifSequence: 4, head: head(8, 'x') }, options)).toBe('refused');
    expect(await cells.transact(TABLE, P, { ifSequence: undefined, head: head(4, 'a') }, options)).toBe('applied');
    await cells.createHead(TABLE, P, head(0, 'first'), options);
    const rows = [{ key: rowKey(1, [], ''), value: bytes('row') }];
    expect(await cells.transact(TABLE, P, { ifSequence: 4, head: head(8, 'b'), ttlSeconds: 10, rows }, options)).toBe(
      'applied',
    );
    expect(await cells.readHead(TABLE, P, options)).toEqual(head(8, 'b'));
    expect(await collect(cells.scanHeads(TABLE, options))).toEqual([{ partition: P, head: head(8, 'b') }]);
    clock.nowMs += 10_000;
    expect(await cells.readHead(TABLE, P, options)).toBeUndefined();
    expect(await valuesOf(cells, { limit: 1 })).toBe('row');
    expect(await cells.transact(TABLE, P, { ifSequence: undefined, head: head(2, 'c') }, options)).toBe('applied');
    expect(await cells.transact(TABLE, P, { ifSequence: 2, head: undefined }, options)).toBe('applied');
    expect(await cells.readHead(TABLE, P, options)).toBeUndefined();
    expect(await collect(cells.scanRows(TABLE, options))).toHaveLength(1);
  });
});
