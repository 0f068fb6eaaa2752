import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Key, KeyValue } from '../../src/stores/cassandra/cells.ts';
import { LISTING, OBJECT, REFERENCE } from '../../src/stores/cassandra/tables.ts';
import {
  bytes,
  type CellsSubject,
  head,
  newName,
  newPartition,
  put,
  readHead,
  readRows,
  textOf,
} from './cells-steps.ts';
import { OPTIONS } from './drafts.ts';
import { ODD_KEYS } from './odd-keys.ts';

/** Byte strings of which one is easily taken for another. */
const ODD_BYTES = [[], [0], [0, 0], [0xff], [0xff, 0xff], [0, 0xff], [0x80]].map((key) => Uint8Array.from(key));
/** Rows of one write. */
const WRITE_ROWS = 50;

/** What `Cells` say of rows that are written without a transaction. */
export function cellsRows(subject: CellsSubject): void {
  describeOrder(subject);
  describeManyRows(subject);
  describeDeletes(subject);
  describeKeys(subject);
}

function describeOrder(subject: CellsSubject): void {
  test('of two writes of a row the one with the greater timestamp stays, whatever order they come in', async () => {
    const cells = subject.open();
    for (const timestamps of [
      [1, 2],
      [2, 1],
      [Number.MAX_SAFE_INTEGER - 1, 5],
    ]) {
      const partition = newPartition();
      for (const timestamp of timestamps) await put(cells, partition, { a: `at ${timestamp}` }, timestamp);
      expect(await readRows(cells, partition)).toEqual([`a=at ${Math.max(...timestamps)}`]);
    }
  });

  test('a deletion is a write: it hides what is older, and what is newer stays', async () => {
    const [cells, partition] = [subject.open(), newPartition()];
    await put(cells, partition, { a: 'old', b: 'new' }, 5);
    await put(cells, partition, { a: undefined }, 6);
    await put(cells, partition, { b: undefined }, 4);
    await put(cells, partition, { a: 'late', c: undefined }, 5);
    expect(await readRows(cells, partition)).toEqual(['b=new']);
    await put(cells, partition, { a: 'newer' }, 7);
    expect(await readRows(cells, partition)).toEqual(['a=newer', 'b=new']);
  });

  test('at equal timestamps a deletion wins, and of two values always the same', async () => {
    const cells = subject.open();
    for (const values of [
      ['a', 'b'],
      ['b', 'a'],
    ]) {
      const partition = newPartition();
      for (const value of values) await put(cells, partition, { row: value }, 3);
      expect(await readRows(cells, partition)).toEqual(['row=b']);
      await put(cells, partition, { row: undefined }, 3);
      await put(cells, partition, { row: 'c' }, 3);
      expect(await readRows(cells, partition)).toEqual([]);
    }
  });
}

function describeManyRows(subject: CellsSubject): void {
  test('a write of many rows writes them all at its timestamp', async () => {
    const [cells, partition] = [subject.open(), newPartition()];
    const names = Array.from({ length: 300 }, (_, index) => `row-${String(index).padStart(4, '0')}`);
    await put(cells, partition, Object.fromEntries(names.map((name) => [name, name])), 1_234);
    const rows = await cells.readRows(REFERENCE, partition, { limit: 1_000 }, { ...OPTIONS, withTimestamps: true });
    expect(rows.map(({ key, value, timestamp }) => `${key[0]} ${textOf(value)} ${timestamp}`)).toEqual(
      names.map((name) => `${name} ${name} 1234`),
    );
    await put(cells, partition, Object.fromEntries(names.map((name) => [name, undefined])), 1_235);
    expect(await readRows(cells, partition)).toEqual([]);
  });

  test('nothing to write is nothing written', async () => {
    const [cells, partition] = [subject.open(), newPartition()];
    await cells.write(REFERENCE, partition, [], { timestamp: 1 }, OPTIONS);
    await cells.copy(REFERENCE, partition, [], OPTIONS);
    expect(await readRows(cells, partition)).toEqual([]);
  });

  test('a value may be empty, or a mebibyte', async () => {
    const [cells, partition] = [subject.open(), newPartition()];
    const value = new Uint8Array(randomBytes(1024 * 1024));
    const rows = [
      { key: ['empty'], value: new Uint8Array() },
      { key: ['large'], value },
    ];
    await cells.write(REFERENCE, partition, rows, { timestamp: 1 }, OPTIONS);
    const [empty, large] = await cells.readRows(REFERENCE, partition, { limit: 2 }, OPTIONS);
    expect(empty?.value.length).toBe(0);
    expect(Buffer.compare(large?.value ?? new Uint8Array(), value)).toBe(0);
  });

  test('timestamps are told when they are asked for, and copied rows keep theirs', async () => {
    const [cells, from, to] = [subject.open(), newPartition(), newPartition()];
    await put(cells, from, { a: 'one' }, 10);
    await put(cells, from, { b: 'two' }, 20);
    const plain = await cells.readRows(REFERENCE, from, { limit: 9 }, OPTIONS);
    expect(plain.map(({ timestamp }) => timestamp)).toEqual([0, 0]);
    const rows = await cells.readRows(REFERENCE, from, { limit: 9 }, { ...OPTIONS, withTimestamps: true });
    expect(rows.map(({ timestamp }) => timestamp)).toEqual([10, 20]);
    await put(cells, to, { a: 'newer' }, 11);
    await put(cells, to, { b: 'older' }, 19);
    await cells.copy(REFERENCE, to, rows, OPTIONS);
    expect(await readRows(cells, to)).toEqual(['a=newer', 'b=two']);
    await put(cells, to, { b: undefined }, 20);
    expect(await readRows(cells, to)).toEqual(['a=newer']);
  });
}

function describeDeletes(subject: CellsSubject): void {
  test('deletePartition deletes every row up to its timestamp, and hides what comes late', async () => {
    const [cells, partition, beside] = [subject.open(), newPartition(), newPartition()];
    await put(cells, partition, { a: 'at 4', b: 'at 4' }, 4);
    await put(cells, partition, { b: 'at 6' }, 6);
    await put(cells, beside, { a: 'beside' }, 4);
    await cells.deletePartition(REFERENCE, partition, { timestamp: 5 }, OPTIONS);
    await put(cells, partition, { c: 'late' }, 5);
    expect(await readRows(cells, partition)).toEqual(['b=at 6']);
    expect(await readRows(cells, beside)).toEqual(['a=beside']);
    await put(cells, partition, { c: 'new' }, 6);
    expect(await readRows(cells, partition)).toEqual(['b=at 6', 'c=new']);
  });
}

function describeKeys(subject: CellsSubject): void {
  test('no key of a row is special, and none equals another', async () => {
    const [cells, partition] = [subject.open(), [newName(), 'bucket', 'range']];
    const keys: Key[] = [
      ...ODD_KEYS.map((key) => [0, Buffer.from(key), '']),
      ...ODD_KEYS.map((key) => [1, new Uint8Array(), key]),
      ...ODD_BYTES.map((key) => [2, key, '']),
      ...[Number.MIN_SAFE_INTEGER, -1, 2 ** 32, Number.MAX_SAFE_INTEGER].map((kind) => [kind, new Uint8Array(), '']),
    ];
    for (let start = 0; start < keys.length; start += WRITE_ROWS) {
      const rows = keys
        .slice(start, start + WRITE_ROWS)
        .map((key, index) => ({ key, value: bytes(String(start + index)) }));
      await cells.write(LISTING, partition, rows, { timestamp: 1 }, OPTIONS);
    }
    const found = await cells.readRows(LISTING, partition, { limit: keys.length + 1 }, OPTIONS);
    expect(found).toHaveLength(keys.length);
    for (const { key, value } of found) {
      expect(key.map(plain)).toEqual(keys[Number(textOf(value))]?.map(plain));
    }
  });

  test('no key of a partition is special, and none equals another', async () => {
    const [cells, store] = [subject.open(), newName()];
    const partitions: Key[] = [
      ...ODD_KEYS.map((key) => [store, 'by-key', Buffer.from(key)]),
      ...ODD_KEYS.map((key) => [store, key, Buffer.from('by bucket')]),
      ...ODD_BYTES.map((key) => [store, 'bytes', key]),
    ];
    await Promise.all(partitions.map((partition, index) => cells.createHead(OBJECT, partition, head(index), OPTIONS)));
    const heads = await Promise.all(partitions.map((partition) => readHead(cells, OBJECT, partition)));
    expect(heads).toEqual(partitions.map((_, index) => `${index} `));
  });
}

function plain(value: KeyValue): string | number {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
