import { describe, expect, test } from 'vitest';
import type { Table } from '../../src/stores/cassandra/cells.ts';
import { ACCESS_KEY, BUCKET_STATE, REFERENCE } from '../../src/stores/cassandra/tables.ts';
import { cellsRows } from './cells-rows.ts';
import { cellsScans } from './cells-scans.ts';
import { cellsSlices } from './cells-slices.ts';
import { bytes, type CellsSubject, head, newPartition, readHead, readRows, SERIAL } from './cells-steps.ts';
import { atOnce, must, OPTIONS } from './drafts.ts';

/** Transactions of one partition at a time; and rounds of them. */
const CONTENDERS = 32;
const ROUNDS = 3;
/** How long a head that expires is there, in seconds, and how long a test waits for that, in milliseconds. */
const TTL_SECONDS = 2;
const EXPIRY_MS_MAX = 20_000;

/** Every sentence of `Cells`. */
export function cellsContract(subject: CellsSubject): void {
  describe(`Cells of ${subject.engine}`, () => {
    // With rows beside it, without, and with a key of one column.
    describe.each([REFERENCE, BUCKET_STATE, ACCESS_KEY])('a head of $name', (table) => {
      describeHeads(subject, table);
      describeEndsOfHeads(subject, table);
    });
    describeRowsOfTransactions(subject);
    describeContention(subject);
    cellsRows(subject);
    cellsSlices(subject);
    cellsScans(subject);
    describeSignals(subject);
  });
}

function describeHeads(subject: CellsSubject, table: Table): void {
  test('a partition has no head until a transaction that expects none gives it one', async () => {
    const [cells, partition] = [subject.open(), newPartition(table)];
    expect(await cells.readHead(table, partition, OPTIONS)).toBeUndefined();
    expect(await cells.transact(table, partition, { ifSequence: 7, head: head(8) }, OPTIONS)).toBe('refused');
    expect(await cells.transact(table, partition, { ifSequence: undefined, head: head(4, 'a') }, OPTIONS)).toBe(
      'applied',
    );
    expect(await readHead(cells, table, partition)).toBe('4 a');
    expect(await readHead(cells, table, partition, SERIAL)).toBe('4 a');
    expect(await cells.transact(table, partition, { ifSequence: undefined, head: head(5, 'b') }, OPTIONS)).toBe(
      'refused',
    );
    expect(await readHead(cells, table, partition, SERIAL)).toBe('4 a');
  });

  test('a transaction is applied at the sequence that it names, and at no other', async () => {
    const [cells, partition] = [subject.open(), newPartition(table)];
    await cells.transact(table, partition, { ifSequence: undefined, head: head(10) }, OPTIONS);
    for (const ifSequence of [9, 11, undefined]) {
      expect(await cells.transact(table, partition, { ifSequence, head: head(12, 'no') }, OPTIONS)).toBe('refused');
    }
    expect(await cells.transact(table, partition, { ifSequence: 10, head: head(14, 'yes') }, OPTIONS)).toBe('applied');
    expect(await cells.transact(table, partition, { ifSequence: 10, head: head(14, 'no') }, OPTIONS)).toBe('refused');
    expect(await readHead(cells, table, partition, SERIAL)).toBe('14 yes');
  });

  test('a head may be any bytes, or none, at any sequence', async () => {
    const [cells, partition] = [subject.open(), newPartition(table)];
    const all = Uint8Array.from({ length: 70_000 }, (_, index) => index);
    let ifSequence: number | undefined;
    for (const [sequence, value] of [
      [0, new Uint8Array()],
      [1, Uint8Array.of(0)],
      [2 ** 32 - 1, Uint8Array.of(255, 0)],
      [2 ** 32, all],
      [Number.MAX_SAFE_INTEGER, new Uint8Array()],
    ] as const) {
      const transaction = { ifSequence, head: { sequence, value } };
      expect(await cells.transact(table, partition, transaction, OPTIONS)).toBe('applied');
      const found = must(await cells.readHead(table, partition, OPTIONS));
      expect(found.sequence).toBe(sequence);
      expect(Buffer.compare(found.value, value)).toBe(0);
      ifSequence = sequence;
    }
  });
}

function describeEndsOfHeads(subject: CellsSubject, table: Table): void {
  test('a head that was taken away is none, and the next one expects none', async () => {
    const [cells, partition] = [subject.open(), newPartition(table)];
    await cells.transact(table, partition, { ifSequence: undefined, head: head(1) }, OPTIONS);
    expect(await cells.transact(table, partition, { ifSequence: 2, head: undefined }, OPTIONS)).toBe('refused');
    expect(await cells.transact(table, partition, { ifSequence: 1, head: undefined }, OPTIONS)).toBe('applied');
    expect(await cells.readHead(table, partition, OPTIONS)).toBeUndefined();
    expect(await cells.transact(table, partition, { ifSequence: 1, head: head(2) }, OPTIONS)).toBe('refused');
    expect(await cells.transact(table, partition, { ifSequence: undefined, head: head(3) }, OPTIONS)).toBe('applied');
    expect(await readHead(cells, table, partition)).toBe('3 ');
  });

  test('a head with a time to live expires, and the next one expects none', async () => {
    const [cells, partition] = [subject.open(), newPartition(table)];
    await cells.transact(table, partition, { ifSequence: undefined, head: head(1) }, OPTIONS);
    const transaction = { ifSequence: 1, head: head(2, 'gone soon'), ttlSeconds: TTL_SECONDS };
    expect(await cells.transact(table, partition, transaction, OPTIONS)).toBe('applied');
    await expect.poll(() => cells.readHead(table, partition, OPTIONS), { timeout: EXPIRY_MS_MAX }).toBeUndefined();
    expect(await cells.transact(table, partition, { ifSequence: 2, head: head(3) }, OPTIONS)).toBe('refused');
    expect(await cells.transact(table, partition, { ifSequence: undefined, head: head(4) }, OPTIONS)).toBe('applied');
    expect(await readHead(cells, table, partition)).toBe('4 ');
  });

  test('createHead gives a first head, and never overwrites that of a transaction', async () => {
    const [cells, partition] = [subject.open(), newPartition(table)];
    await cells.createHead(table, partition, head(5, 'first'), OPTIONS);
    await cells.createHead(table, partition, head(5, 'first'), OPTIONS);
    expect(await readHead(cells, table, partition)).toBe('5 first');
    expect(await cells.transact(table, partition, { ifSequence: undefined, head: head(6) }, OPTIONS)).toBe('refused');
    expect(await cells.transact(table, partition, { ifSequence: 5, head: head(6) }, OPTIONS)).toBe('applied');
    await cells.createHead(table, partition, head(9, 'z'), OPTIONS);
    expect(await readHead(cells, table, partition, SERIAL)).toBe('6 ');
    expect(await cells.transact(table, partition, { ifSequence: 6, head: head(7) }, OPTIONS)).toBe('applied');
  });
}

function describeRowsOfTransactions(subject: CellsSubject): void {
  test('a transaction writes and deletes its rows together with its head', async () => {
    const [cells, partition] = [subject.open(), newPartition()];
    const first = [1, 2, 3].map((number) => ({ key: [`row-${number}`], value: bytes(`first ${number}`) }));
    await cells.transact(REFERENCE, partition, { ifSequence: undefined, head: head(1), rows: first }, OPTIONS);
    expect(await readRows(cells, partition)).toEqual(['row-1=first 1', 'row-2=first 2', 'row-3=first 3']);
    const rows = [
      { key: ['row-1'], value: undefined },
      { key: ['row-2'], value: bytes('second') },
      { key: ['row-4'], value: bytes('') },
      { key: ['row-5'], value: undefined },
    ];
    const transaction = { ifSequence: 1, head: head(2), rows };
    expect(await cells.transact(REFERENCE, partition, transaction, OPTIONS)).toBe('applied');
    expect(await readRows(cells, partition)).toEqual(['row-2=second', 'row-3=first 3', 'row-4=']);
  });

  test('a transaction that is refused writes none of its rows', async () => {
    const [cells, partition] = [subject.open(), newPartition()];
    const rows = [{ key: ['a'], value: bytes('kept') }];
    await cells.transact(REFERENCE, partition, { ifSequence: undefined, head: head(1), rows }, OPTIONS);
    const change = [
      { key: ['a'], value: undefined },
      { key: ['b'], value: bytes('never') },
    ];
    for (const ifSequence of [undefined, 2]) {
      const transaction = { ifSequence, head: head(3), rows: change };
      expect(await cells.transact(REFERENCE, partition, transaction, OPTIONS)).toBe('refused');
    }
    expect(await readRows(cells, partition)).toEqual(['a=kept']);
    expect(await readHead(cells, REFERENCE, partition, SERIAL)).toBe('1 ');
  });

  test('rows outlive a head that expires or was taken away', async () => {
    const [cells, partition] = [subject.open(), newPartition()];
    const rowsOf = (name: string) => [{ key: [name], value: bytes('stays') }];
    await cells.transact(REFERENCE, partition, { ifSequence: undefined, head: head(1), rows: rowsOf('a') }, OPTIONS);
    const last = { ifSequence: 1, head: undefined, rows: rowsOf('b') };
    expect(await cells.transact(REFERENCE, partition, last, OPTIONS)).toBe('applied');
    const short = { ifSequence: undefined, head: head(2), ttlSeconds: 1, rows: rowsOf('c') };
    expect(await cells.transact(REFERENCE, partition, short, OPTIONS)).toBe('applied');
    await expect.poll(() => cells.readHead(REFERENCE, partition, OPTIONS), { timeout: EXPIRY_MS_MAX }).toBeUndefined();
    expect(await readRows(cells, partition)).toEqual(['a=stays', 'b=stays', 'c=stays']);
  });

  test('a partition with nothing but a head has no rows, and one with nothing but rows no head', async () => {
    const [cells, partition, other] = [subject.open(), newPartition(), newPartition()];
    await cells.transact(REFERENCE, partition, { ifSequence: undefined, head: head(1) }, OPTIONS);
    expect(await readRows(cells, partition)).toEqual([]);
    await cells.write(REFERENCE, other, [{ key: ['a'], value: bytes('b') }], { timestamp: 1 }, OPTIONS);
    expect(await cells.readHead(REFERENCE, other, OPTIONS)).toBeUndefined();
    expect(await cells.transact(REFERENCE, other, { ifSequence: undefined, head: head(1) }, OPTIONS)).toBe('applied');
    expect(await readRows(cells, other)).toEqual(['a=b']);
  });
}

function describeContention(subject: CellsSubject): void {
  test(`of ${CONTENDERS} transactions at one sequence exactly one is applied, head and rows`, async () => {
    const [partition, reader] = [newPartition(), subject.open()];
    for (let round = 0; round < ROUNDS; round++) {
      const outcomes = await atOnce(CONTENDERS, (index) => {
        const name = `${round}-${index}`;
        const rows = [{ key: [name], value: bytes('won') }];
        const ifSequence = round === 0 ? undefined : round;
        return subject
          .open()
          .transact(REFERENCE, partition, { ifSequence, head: head(round + 1, name), rows }, OPTIONS);
      });
      const winners = outcomes.flatMap((outcome, index) => (outcome === 'applied' ? [`${round}-${index}`] : []));
      expect(winners).toHaveLength(1);
      expect(await readHead(reader, REFERENCE, partition, SERIAL)).toBe(`${round + 1} ${winners[0]}`);
      const rows = await readRows(reader, partition);
      expect(rows).toHaveLength(round + 1);
      expect(rows).toContain(`${winners[0]}=won`);
    }
  });

  test('transactions of different partitions leave each other alone', async () => {
    const cells = subject.open();
    const partitions = Array.from({ length: CONTENDERS }, () => newPartition());
    const outcomes = await Promise.all(
      partitions.map((partition, index) =>
        cells.transact(REFERENCE, partition, { ifSequence: undefined, head: head(1, String(index)) }, OPTIONS),
      ),
    );
    expect(new Set(outcomes)).toEqual(new Set(['applied']));
    const heads = await Promise.all(partitions.map((partition) => readHead(cells, REFERENCE, partition)));
    expect(heads).toEqual(partitions.map((_, index) => `1 ${index}`));
  });
}

function describeSignals(subject: CellsSubject): void {
  test('no call begins whose signal has fired: each ends with its reason', async () => {
    const [cells, partition] = [subject.open(), newPartition()];
    const reason = new Error('enough');
    const options = { signal: AbortSignal.abort(reason) };
    const rows = [{ key: ['a'], value: bytes('b') }];
    const calls: readonly (() => Promise<unknown>)[] = [
      () => cells.readHead(REFERENCE, partition, options),
      () => cells.readRows(REFERENCE, partition, { limit: 1 }, options),
      () => cells.write(REFERENCE, partition, rows, { timestamp: 1 }, options),
      () =>
        cells.copy(
          REFERENCE,
          partition,
          rows.map((row) => ({ ...row, timestamp: 1 })),
          options,
        ),
      () => cells.createHead(REFERENCE, partition, head(1), options),
      () => cells.deletePartition(REFERENCE, partition, { timestamp: 1 }, options),
      () => cells.transact(REFERENCE, partition, { ifSequence: undefined, head: head(1), rows }, options),
    ];
    for (const call of calls) await expect(call()).rejects.toBe(reason);
    expect(await cells.readHead(REFERENCE, partition, OPTIONS)).toBeUndefined();
    expect(await readRows(cells, partition)).toEqual([]);
  });
}
