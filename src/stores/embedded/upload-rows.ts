import {
  type BucketId,
  type ObjectKey,
  parseBucketId,
  parseUploadId,
  parseVersionId,
  type UploadId,
} from '../../domain/names.ts';
import type { Part, Upload, UploadDraft, UploadState } from '../../domain/upload.ts';
import {
  ID_DIGITS,
  parseETagRow,
  parseStorageClassRow,
  readBlob,
  readChecksum,
  readDescription,
  readOwner,
  readProvenance,
  writeBlob,
  writeChecksum,
  writeDescription,
  writeOwner,
  writeProvenance,
} from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { readUploadChecksum, writeUploadChecksum } from '../rows/upload-checksum-rows.ts';
import { orderedId, RANDOM_DIGITS } from './row-keys.ts';

/** One upload, open or completed. */
export interface UploadRow {
  readonly bucketId: BucketId;
  readonly sequence: number;
  readonly random: string;
  /** What holds the open uploads of one key together, in the order of their making. */
  readonly group: number;
  readonly draft: UploadDraft;
  readonly state: UploadState;
}

const ABSENT = 0;
const PRESENT = 1;

export function uploadIdOf({ sequence, random }: Pick<UploadRow, 'sequence' | 'random'>): UploadId {
  return parseUploadId(orderedId(sequence, random));
}

export function uploadOf(row: UploadRow): Upload {
  return { ...row.draft, uploadId: uploadIdOf(row), state: row.state };
}

export function encodeUpload({ bucketId, sequence, random, group, draft, state }: UploadRow): Buffer {
  const row = new RowWriter().hex(bucketId).integer(sequence).hex(random).integer(group);
  row.text(draft.key).integer(draft.initiatedAtMs).text(draft.storageClass);
  writeOwner(row, draft.owner);
  writeDescription(row, draft);
  writeUploadChecksum(row, draft.checksum);
  writeState(row, state);
  writeProvenance(row, draft);
  return row.finish();
}

export function decodeUpload(value: Buffer): UploadRow {
  const row = new RowReader(value);
  const bucketId = parseBucketId(row.hex(ID_DIGITS));
  const sequence = row.integer();
  const random = row.hex(RANDOM_DIGITS);
  const group = row.integer();
  const draft = readDraft(row);
  const state = readState(row);
  return { bucketId, sequence, random, group, draft: { ...draft, ...readProvenance(row) }, state };
}

export function encodePart({ partNumber, sizeBytes, etag, checksum, lastModifiedMs, body }: Part): Buffer {
  const row = new RowWriter().integer(partNumber).integer(sizeBytes).text(etag).integer(lastModifiedMs);
  writeChecksum(row, checksum);
  if (body === undefined) row.byte(ABSENT);
  else writeBlob(row.byte(PRESENT), body);
  return row.finish();
}

export function decodePart(value: Buffer): Part {
  const row = new RowReader(value);
  return {
    partNumber: row.integer(),
    sizeBytes: row.integer(),
    etag: parseETagRow(row),
    lastModifiedMs: row.integer(),
    checksum: readChecksum(row),
    body: row.byte() === ABSENT ? undefined : readBlob(row),
  };
}

function readDraft(row: RowReader): UploadDraft {
  const key = parseKeyRow(row);
  const initiatedAtMs = row.integer();
  const storageClass = parseStorageClassRow(row);
  const owner = readOwner(row);
  return { key, initiatedAtMs, storageClass, owner, ...readDescription(row), checksum: readUploadChecksum(row) };
}

function writeState(row: RowWriter, state: UploadState): void {
  if (state.kind === 'open') {
    row.byte(ABSENT);
    return;
  }
  row.byte(PRESENT).text(state.versionId).text(state.etag).integer(state.sizeBytes);
  writeChecksum(row, state.checksum);
}

function readState(row: RowReader): UploadState {
  if (row.byte() === ABSENT) return { kind: 'open' };
  return {
    kind: 'completed',
    versionId: row.parsed(parseVersionId),
    etag: parseETagRow(row),
    sizeBytes: row.integer(),
    checksum: readChecksum(row),
  };
}

function parseKeyRow(row: RowReader): ObjectKey {
  return row.text() as ObjectKey;
}
