import { type BucketId, type ObjectKey, parseUploadId } from '../../domain/names.ts';
import type { UploadAddress } from '../../domain/upload.ts';
import { readChoice, writeChoice } from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { StoreError } from '../store.ts';
import type { Key, Row, RowChange } from './cells.ts';
import { bufferOf, type KeyState } from './key-head.ts';
import { type ListedRecord, type MarkerRecord, readListed, writeListed } from './version-rows.ts';

/**
 * The rows of a range by what they show, in the first clustering column: keys whose current version is an object;
 * keys that a delete marker hides; open uploads; completed uploads.
 */
export const LIVE = 0;
export const HIDDEN = 1;
export const OPEN_UPLOAD = 2;
export const COMPLETED_UPLOAD = 3;
export const ROW_KINDS = [LIVE, HIDDEN, OPEN_UPLOAD, COMPLETED_UPLOAD] as const;

/** One cell of a listing. */
export type ListingCell =
  /** The key is being changed: only its head can tell. `timestamp` is the cell's own. */
  | { readonly kind: 'mark'; readonly timestamp: number }
  | { readonly kind: 'live'; readonly record: ListedRecord; readonly hasOlder: boolean }
  | { readonly kind: 'hidden'; readonly record: MarkerRecord; readonly hasOlder: boolean }
  | { readonly kind: 'upload' }
  /** There is nothing here any more. No tombstone: it costs a page less, and goes when its range is written anew. */
  | { readonly kind: 'dead' };

const CELL_KINDS = ['mark', 'live', 'hidden', 'upload', 'dead'] as const;
const NO_UPLOAD = '';
const DEAD: ListingCell = { kind: 'dead' };

/** Timestamps of the rows of uploads, whose ids are used once: shown, then dead. */
export const UPLOAD_SHOWN = 1;
export const UPLOAD_DEAD = 2;

export function encodeCell(cell: ListingCell): Buffer {
  const row = new RowWriter();
  writeChoice(row, CELL_KINDS, cell.kind);
  if (cell.kind === 'mark') row.integer(cell.timestamp);
  if (cell.kind === 'live' || cell.kind === 'hidden') writeListed(row.byte(cell.hasOlder ? 1 : 0), cell.record);
  return row.finish();
}

export function decodeCell(value: Uint8Array): ListingCell {
  const row = new RowReader(bufferOf(value));
  const kind = readChoice(row, CELL_KINDS);
  if (kind === 'mark') return { kind, timestamp: row.integer() };
  if (kind === 'upload' || kind === 'dead') return { kind };
  const hasOlder = row.byte() === 1;
  const record = readListed(row);
  if (kind === 'live' && record.kind === 'object') return { kind, record, hasOlder };
  if (kind === 'hidden' && record.kind === 'delete-marker') return { kind, record, hasOlder };
  throw new StoreError('corrupt', 'A row of a listing shows a version of the wrong kind.');
}

/** The row that says that a key is being changed. */
export function markRow(key: ObjectKey, timestamp: number): RowChange {
  return { key: listingKey(LIVE, key), value: encodeCell({ kind: 'mark', timestamp }) };
}

/** The rows that show a key as its head has it. */
export function settledRows(key: ObjectKey, { head }: KeyState): readonly RowChange[] {
  const { current, olderCount, wasHidden } = head;
  const hasOlder = olderCount > 0;
  const live: ListingCell = current?.kind === 'object' ? { kind: 'live', record: current, hasOlder } : DEAD;
  const rows = [{ key: listingKey(LIVE, key), value: encodeCell(live) }];
  if (!wasHidden) return rows;
  const hidden: ListingCell = current?.kind === 'delete-marker' ? { kind: 'hidden', record: current, hasOlder } : DEAD;
  return [...rows, { key: listingKey(HIDDEN, key), value: encodeCell(hidden) }];
}

/** The row of an upload under `kind`, shown or dead. */
export function uploadRow(
  kind: typeof OPEN_UPLOAD | typeof COMPLETED_UPLOAD,
  at: { readonly key: string; readonly uploadId: string },
  cell: 'upload' | 'dead',
): RowChange {
  return { key: listingKey(kind, at.key, at.uploadId), value: encodeCell({ kind: cell }) };
}

export function listingKey(kind: number, key: string | Uint8Array, uploadId: string = NO_UPLOAD): Key {
  return [kind, typeof key === 'string' ? Buffer.from(key) : key, uploadId];
}

/** The object key of a row. */
export function parseListedKey(row: Row): ObjectKey {
  const bytes = row.key[1];
  if (!(bytes instanceof Uint8Array)) throw new StoreError('corrupt', 'A row of a listing has no key.');
  return bufferOf(bytes).toString('utf8') as ObjectKey;
}

/** The upload that a row points at. */
export function uploadAddressOf(bucketId: BucketId, row: Row): UploadAddress {
  return { bucketId, key: parseListedKey(row), uploadId: parseUploadId(String(row.key[2])) };
}
