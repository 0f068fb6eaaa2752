import type { Checksum } from '../../domain/checksum.ts';
import type { WriteCondition } from '../../domain/condition.ts';
import type { ETag } from '../../domain/etag.ts';
import { type ObjectKey, parseVersionId } from '../../domain/names.ts';
import type { Part, Upload, UploadAddress, UploadDraft, UploadResult } from '../../domain/upload.ts';
import type { VersionSlot } from '../metastore.ts';
import {
  parseETagRow,
  parseStorageClassRow,
  readBlob,
  readChecksum,
  readChoice,
  readDescription,
  readOwner,
  readProvenance,
  writeBlob,
  writeChecksum,
  writeChoice,
  writeDescription,
  writeOwner,
  writeProvenance,
} from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { readUploadChecksum, writeUploadChecksum } from '../rows/upload-checksum-rows.ts';
import { type OpId, parseOpId } from './context.ts';
import { bufferOf } from './key-head.ts';
import { OP_DIGITS } from './version-rows.ts';

/** The head of an upload. */
export interface UploadHead {
  readonly draft: UploadDraft;
  readonly state: UploadPhase;
}

export type UploadPhase =
  | { readonly kind: 'open' }
  | ({ readonly kind: 'completing' } & Completing)
  | ({ readonly kind: 'completed'; readonly completedAtMs: number } & UploadResult)
  /** Its parts are being let go. */
  | { readonly kind: 'aborted' };

/** All that it takes to carry a complete on. */
export interface Completing {
  readonly op: OpId;
  readonly partNumbers: readonly number[];
  readonly etag: ETag;
  readonly checksum: Checksum | undefined;
  readonly slot: VersionSlot;
  readonly lastModifiedMs: number;
  readonly condition: WriteCondition;
}

/** A part, and the attempt that stored it: by that name it holds its blob. */
export interface PartRecord extends Part {
  readonly op: OpId;
}

const HEAD_BYTES_MAX = 200_000;
const PHASES = ['open', 'completing', 'completed', 'aborted'] as const;
const SLOTS = ['null', 'new'] as const;
const ABSENT = 0;
const PRESENT = 1;

/** The upload as callers see it; one that is being completed is open to them. */
export function uploadOf({ draft, state }: UploadHead, { uploadId }: Pick<UploadAddress, 'uploadId'>): Upload {
  if (state.kind !== 'completed') return { ...draft, uploadId, state: { kind: 'open' } };
  const { versionId, etag, checksum, sizeBytes } = state;
  return { ...draft, uploadId, state: { kind: 'completed', versionId, etag, checksum, sizeBytes } };
}

export function encodeUploadHead({ draft, state }: UploadHead): Buffer {
  const row = new RowWriter({ bytesMax: HEAD_BYTES_MAX });
  row.text(draft.key).integer(draft.initiatedAtMs).text(draft.storageClass);
  writeOwner(row, draft.owner);
  writeDescription(row, draft);
  writeUploadChecksum(row, draft.checksum);
  writeChoice(row, PHASES, state.kind);
  if (state.kind === 'completing') writeCompleting(row, state);
  if (state.kind === 'completed') {
    row.integer(state.completedAtMs).text(state.versionId).text(state.etag).integer(state.sizeBytes);
    writeChecksum(row, state.checksum);
  }
  writeProvenance(row, draft);
  return row.finish();
}

export function decodeUploadHead(value: Uint8Array): UploadHead {
  const row = new RowReader(bufferOf(value));
  const key = parseKeyRow(row);
  const initiatedAtMs = row.integer();
  const storageClass = parseStorageClassRow(row);
  const owner = readOwner(row);
  const description = readDescription(row);
  const draft = { key, initiatedAtMs, storageClass, owner, ...description, checksum: readUploadChecksum(row) };
  const state = readPhase(row);
  return { draft: { ...draft, ...readProvenance(row) }, state };
}

export function encodePart(part: PartRecord): Buffer {
  const { partNumber, sizeBytes, etag, checksum, lastModifiedMs, body, op } = part;
  const row = new RowWriter().hex(op).integer(partNumber).integer(sizeBytes).text(etag).integer(lastModifiedMs);
  writeChecksum(row, checksum);
  if (body === undefined) return row.byte(ABSENT).finish();
  writeBlob(row.byte(PRESENT), body);
  return row.finish();
}

export function decodePart(value: Uint8Array): PartRecord {
  const row = new RowReader(bufferOf(value));
  return {
    op: parseOpId(row.hex(OP_DIGITS)),
    partNumber: row.integer(),
    sizeBytes: row.integer(),
    etag: parseETagRow(row),
    lastModifiedMs: row.integer(),
    checksum: readChecksum(row),
    body: row.byte() === ABSENT ? undefined : readBlob(row),
  };
}

/** A part without what only this engine knows. */
export function partOf({ op: _, ...part }: PartRecord): Part {
  return part;
}

function writeCompleting(row: RowWriter, completing: Completing): void {
  row.hex(completing.op).integer(completing.partNumbers.length);
  for (const partNumber of completing.partNumbers) row.integer(partNumber);
  row.text(completing.etag).integer(completing.lastModifiedMs);
  writeChecksum(row, completing.checksum);
  writeChoice(row, SLOTS, completing.slot);
  row.text(JSON.stringify(completing.condition));
}

function readPhase(row: RowReader): UploadPhase {
  const kind = readChoice(row, PHASES);
  if (kind === 'open' || kind === 'aborted') return { kind };
  if (kind === 'completed') {
    const completedAtMs = row.integer();
    const versionId = row.parsed(parseVersionId);
    const etag = parseETagRow(row);
    const sizeBytes = row.integer();
    return { kind, completedAtMs, versionId, etag, sizeBytes, checksum: readChecksum(row) };
  }
  const op = parseOpId(row.hex(OP_DIGITS));
  const partNumbers = Array.from({ length: row.count() }, () => row.integer());
  const etag = parseETagRow(row);
  const lastModifiedMs = row.integer();
  const checksum = readChecksum(row);
  const slot = readChoice(row, SLOTS);
  return { kind, op, partNumbers, etag, checksum, slot, lastModifiedMs, condition: parseCondition(row.text()) };
}

function parseCondition(json: string): WriteCondition {
  return JSON.parse(json) as WriteCondition;
}

function parseKeyRow(row: RowReader): ObjectKey {
  return row.text() as ObjectKey;
}
