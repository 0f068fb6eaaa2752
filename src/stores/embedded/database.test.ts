import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OPTIONS } from '../../../test/contract/drafts.ts';
import { makeTempDir } from '../../../test/support/temp-dir.ts';
import { type EmbeddedDatabase, openDatabase } from './database.ts';
import { recoverDatabase } from './recovery.ts';
import type { Table } from './table.ts';

const WRITE = { ...OPTIONS, needsSpace: false };
const KEY = Buffer.from('key');
const ONE = Buffer.from('one');
const TWO = Buffer.from('two');

test('a step that throws changes nothing, and the steps of the same commit are not harmed', async () => {
  await using fixture = await openFixture();
  const { database, table } = fixture;
  const failure = new Error('no such thing');
  const steps = await Promise.allSettled([
    database.write((change) => change.put(table, Buffer.from('before'), ONE), WRITE),
    database.write((change) => {
      change.put(table, KEY, ONE);
      throw failure;
    }, WRITE),
    database.write((change) => change.put(table, Buffer.from('after'), ONE), WRITE),
  ]);
  expect(steps.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(steps[1]).toHaveProperty('reason', failure);
  expect(database.read(() => table.get(KEY))).toBeUndefined();
  expect(database.read(() => table.has(Buffer.from('before')) && table.has(Buffer.from('after')))).toBe(true);
});

test('a step sees the steps before it and not its own change, and its changes are applied in order', async () => {
  await using fixture = await openFixture();
  const { database, table } = fixture;
  const seen: (string | undefined)[] = [];
  const step = (value: Buffer) => () =>
    database.write((change) => {
      change.put(table, KEY, TWO);
      change.remove(table, KEY);
      change.put(table, KEY, value);
      seen.push(table.get(KEY)?.toString());
    }, WRITE);
  await Promise.all([step(ONE)(), step(TWO)()]);
  expect(seen).toEqual([undefined, 'one']);
  expect(database.read(() => table.get(KEY)?.toString())).toBe('two');
});

test('a read sees what another handle committed just before, in the same turn of the event loop', async () => {
  await using fixture = await openFixture();
  const { database, table } = fixture;
  await using other = await openDatabase({ directory: fixture.directory, durability: 'strict' });
  const otherTable = other.openTables((open) => open('rows'));
  for (let round = 0; round < 50; round++) {
    const value = Buffer.from(String(round));
    database.read(() => table.get(KEY));
    await other.write((change) => change.put(otherTable, KEY, value), WRITE);
    expect(database.read(() => table.get(KEY))?.equals(value)).toBe(true);
  }
});

test('a step whose signal fired while it waited does not run', async () => {
  await using fixture = await openFixture();
  const { database, table } = fixture;
  const controller = new AbortController();
  const reason = new Error('the client went away');
  const writing = database.write((change) => change.put(table, KEY, ONE), { ...WRITE, signal: controller.signal });
  controller.abort(reason);
  await expect(writing).rejects.toBe(reason);
  expect(database.read(() => table.has(KEY))).toBe(false);
});

test('below the watermark a step that needs space is storage-full, and one that frees it is not', async () => {
  await using fixture = await openFixture();
  const { directory } = fixture;
  await using full = await openDatabase({ directory, durability: 'strict', diskFreeBytesMin: Number.MAX_SAFE_INTEGER });
  const table = full.openTables((open) => open('rows'));
  const refused = { name: 'StoreError', kind: 'storage-full', message: expect.stringMatching(/\d+ bytes are free/) };
  await expect(full.write(() => undefined, { ...OPTIONS, needsSpace: true })).rejects.toMatchObject(refused);
  await expect(full.checkWritable(OPTIONS)).rejects.toMatchObject(refused);
  await full.write((change) => change.remove(table, KEY), WRITE);
});

test('after a failure every call fails, the directory is marked, and the next start writes it anew', async () => {
  await using dir = await makeTempDir();
  const directory = join(dir.path, 'data');
  {
    const told: unknown[] = [];
    await using database = await openDatabase({
      directory,
      durability: 'strict',
      diskFreeBytesMin: 0,
      onFatal: (error) => told.push(error),
    });
    const table = database.openTables((open) => open('rows'));
    await database.write((change) => change.put(table, KEY, ONE), WRITE);
    const failure = database.fail('The disk said no.', new Error('EIO'));
    expect(failure).toMatchObject({ name: 'StoreError', kind: 'in-doubt' });
    database.fail('And again.', undefined);
    expect(told).toEqual([failure]);
    expect(await database.failed).toBe(failure);
    await expect(database.write(() => undefined, WRITE)).rejects.toBe(failure);
    expect(() => database.read(() => table.get(KEY))).toThrow(failure);
  }
  await expect(openDatabase({ directory, durability: 'strict' })).rejects.toMatchObject({ kind: 'unavailable' });
  expect(await recoverDatabase({ directory })).toBe('rewritten');
  expect(await recoverDatabase({ directory })).toBe('sound');
  expect((await readdir(directory)).toSorted()).toEqual(['metadata.mdb', 'metadata.mdb-users']);
  await using database = await openDatabase({ directory, durability: 'strict' });
  const table = database.openTables((open) => open('rows'));
  expect(database.read(() => table.get(KEY)?.toString())).toBe('one');
});

test('the file of the metadata is put in its place as a whole, by one of those who open a directory first', async () => {
  await using dir = await makeTempDir();
  const options = { directory: dir.path, durability: 'strict', diskFreeBytesMin: 0 } as const;
  const [one, other] = await Promise.all([openDatabase(options), openDatabase(options)]);
  await using _one = one;
  await using _other = other;
  expect((await readdir(dir.path)).toSorted()).toEqual(['metadata.mdb', 'metadata.mdb-lock', 'metadata.mdb-users']);
  const [ours, theirs] = [one, other].map((database) => database.openTables((open) => open('rows')));
  if (ours !== undefined) await one.write((change) => change.put(ours, KEY, ONE), WRITE);
  expect(other.read(() => theirs?.get(KEY)?.toString())).toBe('one');
});

test('what a first start left that was cut off while it made the file is removed by the next', async () => {
  await using dir = await makeTempDir();
  for (const name of ['metadata.mdb.0123456789abcdef.new', 'metadata.mdb.0123456789abcdef.new-lock'])
    await writeFile(join(dir.path, name), 'x'.repeat(512));
  expect(await recoverDatabase({ directory: dir.path })).toBe('sound');
  expect(await readdir(dir.path)).toEqual([]);
});

test('a file that is none of LMDB is refused with a sentence', async () => {
  await using dir = await makeTempDir();
  await writeFile(join(dir.path, 'metadata.mdb'), 'x'.repeat(8192));
  await expect(openDatabase({ directory: dir.path, durability: 'strict' })).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('cannot be opened'),
  });
});

test('metadata that outgrow the space reserved for them are mapped anew, in every handle', async () => {
  await using dir = await makeTempDir();
  const options = { directory: dir.path, durability: 'relaxed', mapSizeBytes: 1024 ** 2, diskFreeBytesMin: 0 } as const;
  await using one = await openDatabase(options);
  await using other = await openDatabase(options);
  const tables = [one, other].map((database) => database.openTables((open) => open('rows')));
  const value = Buffer.alloc(4000, 7);
  for (let index = 0; index < 2000; index++) {
    const [database, table] = index % 2 === 0 ? [one, tables[0]] : [other, tables[1]];
    if (table !== undefined) await database.write((change) => change.put(table, Buffer.from(`${index}`), value), WRITE);
  }
  for (const [index, database] of [one, other].entries()) {
    const table = tables[index];
    expect(database.read(() => [...(table?.keys({ start: Buffer.of(0), end: Buffer.of(255) }) ?? [])])).toHaveLength(
      2000,
    );
  }
});

interface Fixture extends AsyncDisposable {
  readonly directory: string;
  readonly database: EmbeddedDatabase;
  readonly table: Table;
}

async function openFixture(): Promise<Fixture> {
  const dir = await makeTempDir();
  const database = await openDatabase({ directory: dir.path, durability: 'strict', diskFreeBytesMin: 0 });
  const table = database.openTables((open) => open('rows'));
  return {
    directory: dir.path,
    database,
    table,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}
