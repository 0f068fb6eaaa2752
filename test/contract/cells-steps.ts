import { randomBytes } from 'node:crypto';
import type { Cells, Head, Key, ReadOptions, Slice, Table } from '../../src/stores/cassandra/cells.ts';
import { REFERENCE } from '../../src/stores/cassandra/tables.ts';
import { OPTIONS } from './drafts.ts';

/** What has cells, as the suite sees it. */
export interface CellsSubject {
  /** Names it in the names of the tests. */
  readonly engine: string;
  /** All that it gives hold the same partitions; the suite makes its own. */
  open(): Cells;
}

export const SERIAL: ReadOptions = { ...OPTIONS, isSerial: true };

/** A name that no other test has. */
export function newName(): string {
  return `of-${randomBytes(6).toString('hex')}`;
}

/** A partition that no other test has, of a table whose columns are texts. */
export function newPartition(table: Table = REFERENCE): Key {
  return table.partition.map(newName);
}

export function head(sequence: number, text = ''): Head {
  return { sequence, value: bytes(text) };
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

export function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString();
}

/** Such as `4 a`: sequence and text. */
export async function readHead(
  cells: Cells,
  table: Table,
  partition: Key,
  options: ReadOptions = OPTIONS,
): Promise<string | undefined> {
  const found = await cells.readHead(table, partition, options);
  return found && `${found.sequence} ${textOf(found.value)}`;
}

/** Writes rows of `REFERENCE`; those without a text are deleted. */
export async function put(
  cells: Cells,
  partition: Key,
  rows: Readonly<Record<string, string | undefined>>,
  timestamp: number,
): Promise<void> {
  const changes = Object.entries(rows).map(([name, text]) => ({
    key: [name],
    value: text === undefined ? undefined : bytes(text),
  }));
  await cells.write(REFERENCE, partition, changes, { timestamp }, OPTIONS);
}

/** Rows of `REFERENCE`, such as `name=text`. */
export async function readRows(
  cells: Cells,
  partition: Key,
  slice: Slice = { limit: 1_000 },
): Promise<readonly string[]> {
  const rows = await cells.readRows(REFERENCE, partition, slice, OPTIONS);
  return rows.map(({ key, value }) => `${key[0]}=${textOf(value)}`);
}
