import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Table } from './cells.ts';
import { MIGRATIONS, readMigration, STORE_KINDS, type StoreKind, versionOf } from './migrations.ts';
import { TABLES } from './tables.ts';

const CREATE = /^CREATE TABLE IF NOT EXISTS (?<name>\w+) \((?<columns>.*?), PRIMARY KEY (?<key>\(.*?\)) \) WITH /;

/** A table as its statement makes it: columns and types, and its key. */
function declared(statement: string): { readonly name: string; readonly columns: string; readonly key: string } {
  const found = CREATE.exec(statement.replaceAll(/\s+/g, ' '))?.groups ?? {};
  const { name = '', columns = '', key = '' } = found;
  return { name, columns: columns.trim(), key };
}

/** The same of a table as the engine uses it. */
function used({ name, partition, clustering, isHeadless }: Table): ReturnType<typeof declared> {
  const isStatic = clustering.length > 0 ? ' static' : '';
  const columns = [
    ...[...partition, ...clustering].map((column) => `${column.name} ${column.type}`),
    ...(isHeadless === true ? [] : [`seq bigint${isStatic}`, `head blob${isStatic}`]),
    ...(clustering.length > 0 ? ['value blob'] : []),
  ];
  const key = [`(${partition.map((column) => column.name).join(', ')})`, ...clustering.map((column) => column.name)];
  return { name, columns: columns.join(', '), key: `(${key.join(', ')})` };
}

async function statementsOf(kind: StoreKind): Promise<readonly string[]> {
  const own = MIGRATIONS.filter((migration) => migration.kind === kind);
  return (await Promise.all(own.map(readMigration))).flat();
}

describe.each(STORE_KINDS)('The tables of a %s', (kind) => {
  test('are made as they are used', async () => {
    expect((await statementsOf(kind)).map(declared)).toEqual(TABLES[kind].map(used));
  });

  test('are made by statements that may run again', async () => {
    for (const statement of await statementsOf(kind)) expect(statement).toContain('IF NOT EXISTS');
  });
});

test('blocks are never repaired by a read, and keep a checksum of what is compressed', async () => {
  const block = (await statementsOf('blobstore')).find((statement) => declared(statement).name === 's3_block');
  expect(block).toContain(`read_repair = 'NONE'`);
  expect(block).toMatch(/compression = \{'class': '\w+Compressor'/);
  expect(block).not.toContain('crc_check_chance');
});

test('each migration is a file, each file a migration, and their numbers rise', async () => {
  const files = await readdir(new URL('./schema', import.meta.url));
  const names = MIGRATIONS.map(({ number, kind }) => `${String(number).padStart(4, '0')}-${kind}.cql`);
  expect(files.toSorted()).toEqual(names.toSorted());
  for (const kind of STORE_KINDS) {
    const numbers = MIGRATIONS.filter((migration) => migration.kind === kind).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: versionOf(kind) }, (_, index) => index + 1));
  }
});
