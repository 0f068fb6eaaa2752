import type { BucketId, ObjectKey } from '../../domain/names.ts';
import { parseBucketId } from '../../domain/names.ts';
import { ID_DIGITS } from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import type { MetaStep, MetaTables } from './meta-tables.ts';
import { descending, KEY_NUMBER_MAX, numberKey, objectRowKey } from './row-keys.ts';
import type { RowRange, Table } from './table.ts';
import { readVersion, type VersionRow, writeVersion } from './version-rows.ts';

/** What stands of a key: its current version, and where the others are. */
export interface Head {
  readonly version: VersionRow;
  readonly rest: OlderVersions;
}

/** The versions of a key that are not current. */
export interface OlderVersions {
  /** The first part of their keys; 0 until there was one. */
  readonly group: number;
  readonly count: number;
  /** The sequence of the null version, if it is among them; else 0. */
  readonly nullSequence: number;
}

export const NO_OLDER: OlderVersions = { group: 0, count: 0, nullSequence: 0 };

export function readHead(tables: MetaTables, bucketId: BucketId, key: ObjectKey): Head | undefined {
  const rowKey = objectRowKey(bucketId, key);
  const row = tables.current.get(rowKey) ?? tables.deleted.get(rowKey);
  return row === undefined ? undefined : decodeHead(row);
}

export function decodeHead(value: Buffer): Head {
  const row = new RowReader(value);
  const rest = readOlder(row);
  return { rest, version: readVersion(row) };
}

export function readOlder(row: RowReader): OlderVersions {
  return { group: row.integer(), count: row.integer(), nullSequence: row.integer() };
}

export function encodeHead({ version, rest }: Head): Buffer {
  const row = new RowWriter().integer(rest.group).integer(rest.count).integer(rest.nullSequence);
  writeVersion(row, version);
  return row.finish();
}

/** Puts a head in place of `before`, in the table that its current version asks for; none where there is no version. */
export function putHead(
  { tables, change }: MetaStep,
  at: { readonly bucketId: BucketId; readonly key: ObjectKey },
  before: Head | undefined,
  after: Head | undefined,
): void {
  const rowKey = objectRowKey(at.bucketId, at.key);
  const tableBefore = before === undefined ? undefined : tableOf(tables, before.version);
  const tableAfter = after === undefined ? undefined : tableOf(tables, after.version);
  if (tableBefore !== undefined && tableBefore !== tableAfter) change.remove(tableBefore, rowKey);
  if (tableAfter !== undefined && after !== undefined) change.put(tableAfter, rowKey, encodeHead(after));
}

/** A version that is not current, with its place. */
export interface OlderRow {
  readonly bucketId: BucketId;
  readonly key: ObjectKey;
  readonly version: VersionRow;
}

export function encodeOlder({ bucketId, key, version }: OlderRow): Buffer {
  const row = new RowWriter().hex(bucketId).text(key);
  writeVersion(row, version);
  return row.finish();
}

export function decodeOlder(value: Buffer): OlderRow {
  const row = new RowReader(value);
  return { ...readOlderPlace(row), version: readVersion(row) };
}

export function readOlderPlace(row: RowReader): { bucketId: BucketId; key: ObjectKey } {
  return { bucketId: parseBucketId(row.hex(ID_DIGITS)), key: parseKeyText(row.text()) };
}

export function olderKey(group: number, sequence: number): Buffer {
  return numberKey(group, descending(sequence));
}

/** The older versions of a group, newest first, whose sequences are below `belowSequence`. */
export function olderRange(group: number, belowSequence = KEY_NUMBER_MAX): RowRange {
  return { start: numberKey(group, descending(belowSequence) + 1), end: numberKey(group + 1) };
}

/** A key that came from a row. */
export function parseKeyText(text: string): ObjectKey {
  return text as ObjectKey;
}

function tableOf(tables: MetaTables, version: VersionRow): Table {
  return version.kind === 'object' ? tables.current : tables.deleted;
}
