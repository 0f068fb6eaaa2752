import { expect, test } from 'vitest';
import { BUCKET_STATE, REFERENCE } from '../../src/stores/cassandra/tables.ts';
import { bytes, type CellsSubject, head, newName, put, textOf } from './cells-steps.ts';
import { collect, OPTIONS } from './drafts.ts';

/** What `Cells` say of scans. */
export function cellsScans(subject: CellsSubject): void {
  test('a scan of heads gives each partition that has one, once', async () => {
    const [cells, store] = [subject.open(), newName()];
    const subjects = Array.from({ length: 600 }, (_, index) => `s-${index}`);
    for (let start = 0; start < subjects.length; start += 100) {
      const some = subjects.slice(start, start + 100);
      await Promise.all(some.map((name) => cells.createHead(REFERENCE, [store, name], head(1, name), OPTIONS)));
    }
    const rows = [1, 2, 3].map((number) => ({ key: [String(number)], value: bytes('row') }));
    await cells.write(REFERENCE, [store, 's-0'], rows, { timestamp: 1 }, OPTIONS);
    await cells.write(REFERENCE, [store, 'headless'], rows, { timestamp: 1 }, OPTIONS);
    await cells.transact(REFERENCE, [store, 's-1'], { ifSequence: 1, head: undefined }, OPTIONS);
    const ofStore = (await collect(cells.scanHeads(REFERENCE, OPTIONS))).filter(
      ({ partition }) => partition[0] === store,
    );
    expect(ofStore.map(({ partition }) => String(partition[1])).toSorted()).toEqual(
      subjects.filter((name) => name !== 's-1').toSorted(),
    );
    for (const { partition, head: found } of ofStore) {
      expect(`${found.sequence} ${textOf(found.value)}`).toBe(`1 ${partition[1]}`);
    }
  });

  test('a scan of heads knows partitions that are nothing else', async () => {
    const [cells, store] = [subject.open(), newName()];
    for (const name of ['a', 'b', 'c']) await cells.createHead(BUCKET_STATE, [store, name], head(1, name), OPTIONS);
    await cells.transact(BUCKET_STATE, [store, 'b'], { ifSequence: 1, head: undefined }, OPTIONS);
    const found = (await collect(cells.scanHeads(BUCKET_STATE, OPTIONS))).filter(
      ({ partition }) => partition[0] === store,
    );
    expect(found.map(({ partition, head: one }) => `${partition[1]} ${textOf(one.value)}`).toSorted()).toEqual([
      'a a',
      'c c',
    ]);
  });

  test('a scan of rows gives each of them once, and no head', async () => {
    const [cells, store] = [subject.open(), newName()];
    const names = Array.from({ length: 300 }, (_, index) => `r-${String(index).padStart(3, '0')}`);
    for (const partition of ['a', 'b']) {
      await put(cells, [store, partition], Object.fromEntries(names.map((name) => [name, name])), 1);
    }
    await put(cells, [store, 'a'], { 'r-000': undefined }, 2);
    await cells.createHead(REFERENCE, [store, 'only a head'], head(1), OPTIONS);
    const found = (await collect(cells.scanRows(REFERENCE, OPTIONS))).filter(({ partition }) => partition[0] === store);
    const wanted = ['a', 'b'].flatMap((partition) => names.map((name) => `${partition} ${name}`)).slice(1);
    expect(found.map(({ partition, row }) => `${partition[1]} ${row.key[0]}`).toSorted()).toEqual(wanted);
    for (const { row } of found) expect(textOf(row.value)).toBe(row.key[0]);
  });
}
