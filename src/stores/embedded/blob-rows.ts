import { type BlobId, parseBlobId, type StorageClass } from '../../domain/names.ts';
import type { BlobAddress } from '../../domain/object-version.ts';
import {
  ID_DIGITS,
  parseStorageClassRow,
  readBlob,
  readChoice,
  writeBlob,
  writeChoice,
} from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { numberKey, prefixRange } from './row-keys.ts';
import type { RowRange } from './table.ts';

/** Why a blob is kept: a version has it, or a part of an upload or of the manifest that came of it. */
export type Holder =
  | { readonly kind: 'version'; readonly sequence: number }
  | { readonly kind: 'part'; readonly upload: number; readonly partNumber: number };

/** What stands of a blob that nothing refers to. */
export interface BlobRecord {
  readonly kind: 'intended' | 'reclaimable';
  readonly atMs: number;
  readonly storageClass: StorageClass;
  /** 0 for an intent: its length is not known. */
  readonly sizeBytes: number;
}

/** What the `due` table holds, by its time. */
export type DueKind = 'intent' | 'blob' | 'manifest' | 'aborted-upload' | 'completed-upload' | 'closed-bucket';

const BLOB_ID_BYTES = ID_DIGITS / 2;
const VERSION_HOLDER = 1;
const PART_HOLDER = 2;
const RECORD_KINDS = ['intended', 'reclaimable'] as const;
const DUE_KINDS: readonly DueKind[] = [
  'intent',
  'blob',
  'manifest',
  'aborted-upload',
  'completed-upload',
  'closed-bucket',
];
const TIME_END = 7;

export function blobKey(id: BlobId): Buffer {
  return Buffer.from(id, 'hex');
}

export function referenceKey(id: BlobId, holder: Holder): Buffer {
  const place = holder.kind === 'version' ? numberKey(holder.sequence) : numberKey(holder.upload, holder.partNumber);
  return Buffer.concat([blobKey(id), Buffer.of(holder.kind === 'version' ? VERSION_HOLDER : PART_HOLDER), place]);
}

/** The blob that a row of `blobs` is about. */
export function blobOfKey(key: Buffer): BlobId {
  return parseBlobId(key.toString('hex', 0, BLOB_ID_BYTES));
}

/** The holder in the key of a reference; `undefined` for a record. */
export function holderOfKey(key: Buffer): Holder | undefined {
  if (key.length === BLOB_ID_BYTES) return undefined;
  const first = key.readUIntBE(BLOB_ID_BYTES + 1, 6);
  if (key[BLOB_ID_BYTES] === VERSION_HOLDER) return { kind: 'version', sequence: first };
  return { kind: 'part', upload: first, partNumber: key.readUIntBE(BLOB_ID_BYTES + 7, 6) };
}

export function encodeRecord({ kind, atMs, storageClass, sizeBytes }: BlobRecord): Buffer {
  const row = new RowWriter();
  writeChoice(row, RECORD_KINDS, kind);
  return row.integer(atMs).text(storageClass).integer(sizeBytes).finish();
}

export function decodeRecord(value: Buffer): BlobRecord {
  const row = new RowReader(value);
  const kind = readChoice(row, RECORD_KINDS);
  return { kind, atMs: row.integer(), storageClass: parseStorageClassRow(row), sizeBytes: row.integer() };
}

export function encodeAddress(blob: BlobAddress): Buffer {
  const row = new RowWriter();
  writeBlob(row, blob);
  return row.finish();
}

export function decodeAddress(value: Buffer): BlobAddress {
  return readBlob(new RowReader(value));
}

export function dueKey(kind: DueKind, atMs: number, id: Buffer): Buffer {
  return Buffer.concat([dueStart(kind, atMs), id]);
}

/** What is due of `kind` before `beforeMs`. */
export function dueRange(kind: DueKind, beforeMs: number): RowRange {
  return { start: dueStart(kind, 0), end: dueStart(kind, beforeMs) };
}

/** All that is noted of `kind`. */
export function allDue(kind: DueKind): RowRange {
  return prefixRange(Buffer.of(DUE_KINDS.indexOf(kind)));
}

export function dueTime(key: Buffer): number {
  return key.readUIntBE(1, 6);
}

export function dueId(key: Buffer): Buffer {
  return key.subarray(TIME_END);
}

function dueStart(kind: DueKind, atMs: number): Buffer {
  return Buffer.concat([Buffer.of(DUE_KINDS.indexOf(kind)), numberKey(atMs)]);
}
