import type { WriteCondition } from '../../domain/condition.ts';
import type { BucketId } from '../../domain/names.ts';
import type { ManifestPart } from '../../domain/object-version.ts';
import type { Part, Upload, UploadAddress, UploadDraft } from '../../domain/upload.ts';
import type { BucketClosed, ListPosition } from '../metastore.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import type { CompleteOutcome, Completion, PutPartOutcome, UploadRange } from '../uploads.ts';
import { isBlobUsable } from './blob-ledger.ts';
import { allDue, dueId, dueKey, dueRange } from './blob-rows.ts';
import { BodyLedger } from './bodies.ts';
import { readHead } from './heads.ts';
import { manifestIdOf } from './manifest-rows.ts';
import { putManifest } from './manifests.ts';
import { type MetaStep, type MetaTables, NO_VALUE } from './meta-tables.ts';
import {
  numberAt,
  numberKey,
  objectRowKey,
  objectRowRange,
  prefixRange,
  randomOfId,
  sequenceOfId,
  timeOf,
} from './row-keys.ts';
import type { RowRange } from './table.ts';
import {
  decodePart,
  decodeUpload,
  encodePart,
  encodeUpload,
  type UploadRow,
  uploadIdOf,
  uploadOf,
} from './upload-rows.ts';
import { failedCondition, isClosed, pushObject } from './versions.ts';

/** Closed buckets that one sweep looks at. */
const CLOSED_BUCKETS_MAX = 1_000;

export function createUpload(
  step: MetaStep,
  bucketId: BucketId,
  draft: UploadDraft,
): { kind: 'created'; upload: Upload } | BucketClosed {
  const { tables, change } = step;
  if (isClosed(tables, bucketId)) return { kind: 'bucket-closed' };
  const keyRow = objectRowKey(bucketId, draft.key);
  const sequence = step.nextSequence();
  const group = groupAt(tables, keyRow) ?? sequence;
  const row: UploadRow = { bucketId, sequence, random: randomOfId(), group, draft, state: { kind: 'open' } };
  change.put(tables.uploads, numberKey(sequence), encodeUpload(row));
  change.put(tables.uploadKeys, keyRow, new RowWriter().integer(group).finish());
  change.put(tables.uploadGroups, numberKey(group, sequence), NO_VALUE);
  return { kind: 'created', upload: uploadOf(row) };
}

export function getUpload(tables: MetaTables, at: UploadAddress): Upload | undefined {
  const row = findUpload(tables, at);
  return row && uploadOf(row);
}

export function putPart(step: MetaStep, at: UploadAddress, part: Part): PutPartOutcome {
  const { tables, change } = step;
  const upload = findOpenUpload(tables, at)?.sequence;
  if (upload === undefined) return { kind: 'no-such-upload' };
  const { body, partNumber } = part;
  if (body !== undefined && !isBlobUsable(tables, body.id)) return { kind: 'blob-gone', blob: body };
  const replaced = tables.parts.get(numberKey(upload, partNumber));
  const replacedBody = replaced && decodePart(replaced).body;
  const { blobs } = new BodyLedger(step);
  if (replacedBody !== undefined) blobs.release(replacedBody, { kind: 'part', upload, partNumber });
  if (body !== undefined) blobs.hold(body, { kind: 'part', upload, partNumber });
  change.put(tables.parts, numberKey(upload, partNumber), encodePart(part));
  blobs.settle();
  return { kind: 'stored' };
}

export function listParts(
  tables: MetaTables,
  at: UploadAddress,
  { afterPartNumber, limit }: { afterPartNumber: number; limit: number },
): readonly Part[] {
  const upload = findOpenUpload(tables, at)?.sequence;
  if (upload === undefined || limit <= 0) return [];
  const range = { start: numberKey(upload, Math.max(0, afterPartNumber) + 1), end: numberKey(upload + 1), limit };
  return Array.from(tables.parts.range(range), ({ value }) => decodePart(value));
}

/** Costs the uploads it returns, and one seek for each of their keys. */
export function listUploads(tables: MetaTables, range: UploadRange): readonly Upload[] {
  const { bucketId, prefix, after, limit } = range;
  const keys = objectRowRange(bucketId, prefix, positionOf(range));
  const page: Upload[] = [];
  if (keys === undefined || limit <= 0 || isClosed(tables, bucketId)) return page;
  for (const { key, value } of tables.uploadKeys.range(keys)) {
    const isMarked =
      range.afterPrefix === undefined && after !== undefined && key.equals(objectRowKey(bucketId, after.key));
    const marker = isMarked ? after.uploadId : undefined;
    for (const upload of uploadsOfGroup(tables, new RowReader(value).integer(), marker)) {
      page.push(uploadOf(upload));
      if (page.length >= limit) return page;
    }
  }
  return page;
}

/** Writes metadata only: some 5 µs for each part. */
export function completeUpload(
  step: MetaStep,
  at: UploadAddress,
  completion: Completion,
  condition: WriteCondition,
): CompleteOutcome {
  const { tables, change, nowMs } = step;
  if (isClosed(tables, at.bucketId)) return { kind: 'bucket-closed' };
  const upload = findOpenUpload(tables, at);
  if (upload === undefined) return { kind: 'no-such-upload' };
  const { sequence } = upload;
  const stored = new Map<number, Part>();
  for (const { value } of tables.parts.range(partsOf(sequence))) {
    const part = decodePart(value);
    stored.set(part.partNumber, part);
  }
  const changed = completion.parts.find(({ partNumber, etag }) => stored.get(partNumber)?.etag !== etag);
  if (changed !== undefined) return { kind: 'parts-changed', partNumber: changed.partNumber };
  const head = readHead(tables, at.bucketId, at.key);
  const failure = failedCondition(condition, head?.version);
  if (failure !== undefined) return failure;

  const bodies = new BodyLedger(step);
  for (const partNumber of stored.keys()) change.remove(tables.parts, numberKey(sequence, partNumber));
  const { parts, sizeBytes } = layOut(stored, completion);
  // The parts that were listed keep their references: upload and manifest have the same number.
  putManifest(step, sequence, parts);
  for (const { body, partNumber } of stored.values()) {
    if (body !== undefined) bodies.blobs.release(body, { kind: 'part', upload: sequence, partNumber });
  }
  const { key, headers, userMetadata, storageClass, owner, attributes } = upload.draft;
  const { etag, checksum, lastModifiedMs, slot } = completion;
  const body = { kind: 'manifest', manifestId: manifestIdOf(sequence), partsCount: parts.length } as const;
  const description = { headers, userMetadata, storageClass, owner, attributes };
  const draft = { ...description, key, slot, etag, checksum, lastModifiedMs, sizeBytes, body };
  const version = pushObject(step, bodies, { at, head, draft });
  closeUpload(step, upload, noOther);
  const state = { kind: 'completed', versionId: version.versionId, etag, checksum, sizeBytes } as const;
  change.put(tables.uploads, numberKey(sequence), encodeUpload({ ...upload, state }));
  change.put(tables.due, dueKey('completed-upload', nowMs, numberKey(sequence)), NO_VALUE);
  bodies.settle();
  return { kind: 'completed', version };
}

export function abortUpload(step: MetaStep, at: UploadAddress): 'aborted' | 'no-such-upload' {
  const upload = findOpenUpload(step.tables, at);
  if (upload === undefined) return 'no-such-upload';
  dropUpload(step, upload, noOther);
  return 'aborted';
}

export function sweepUploads(step: MetaStep, sweep: { completedBeforeMs: number; limit: number }): number {
  const { tables, change } = step;
  const completed = { ...dueRange('completed-upload', timeOf(sweep.completedBeforeMs, 'up')), limit: sweep.limit };
  let dropped = 0;
  for (const due of tables.due.keys(completed)) {
    change.remove(tables.due, due);
    change.remove(tables.uploads, dueId(due));
    dropped++;
  }
  for (const due of tables.due.keys({ ...allDue('closed-bucket'), limit: CLOSED_BUCKETS_MAX })) {
    const left = openUploadsOf(tables, dueId(due), sweep.limit - dropped);
    const goes = new Set(left.map(({ sequence }) => sequence));
    for (const upload of left) dropUpload(step, upload, (sequence) => goes.has(sequence));
    dropped += left.length;
    if (dropped >= sweep.limit) break;
    change.remove(tables.due, due);
  }
  return dropped;
}

/** The parts of an upload that still stand one by one. */
export function partsOf(upload: number): RowRange {
  return { start: numberKey(upload), end: numberKey(upload + 1) };
}

function findUpload(tables: MetaTables, { bucketId, key, uploadId }: UploadAddress): UploadRow | undefined {
  const sequence = sequenceOfId(uploadId);
  const value = sequence === undefined ? undefined : tables.uploads.get(numberKey(sequence));
  if (value === undefined) return undefined;
  const row = decodeUpload(value);
  const isIt = row.bucketId === bucketId && row.draft.key === key && uploadIdOf(row) === uploadId;
  return isIt && !isClosed(tables, bucketId) ? row : undefined;
}

function findOpenUpload(tables: MetaTables, at: UploadAddress): UploadRow | undefined {
  const row = findUpload(tables, at);
  return row?.state.kind === 'open' ? row : undefined;
}

function groupAt(tables: MetaTables, keyRow: Buffer): number | undefined {
  const row = tables.uploadKeys.get(keyRow);
  return row === undefined ? undefined : new RowReader(row).integer();
}

function positionOf({ after, afterPrefix }: UploadRange): ListPosition | undefined {
  if (afterPrefix !== undefined) return { kind: 'after-prefix', prefix: afterPrefix };
  if (after === undefined) return undefined;
  return { kind: after.uploadId === undefined ? 'after-key' : 'at-key', key: after.key };
}

/** The open uploads of one key, in the order of their ids, after the id `marker`. */
function* uploadsOfGroup(tables: MetaTables, group: number, marker: string | undefined): Generator<UploadRow> {
  const from = marker === undefined ? 0 : (sequenceOfId(marker) ?? 0);
  for (const key of tables.uploadGroups.keys({ start: numberKey(group, from), end: numberKey(group + 1) })) {
    const value = tables.uploads.get(numberKey(numberAt(key, 1)));
    if (value === undefined) continue;
    const row = decodeUpload(value);
    if (marker === undefined || uploadIdOf(row) > marker) yield row;
  }
}

/** Takes an upload out of the order of open ones; `goes` says which others leave it in the same step. */
function closeUpload(step: MetaStep, upload: UploadRow, goes: (sequence: number) => boolean): void {
  const { tables, change } = step;
  const { bucketId, sequence, group, draft } = upload;
  change.remove(tables.uploadGroups, numberKey(group, sequence));
  for (const key of tables.uploadGroups.keys({ start: numberKey(group), end: numberKey(group + 1) })) {
    const other = numberAt(key, 1);
    if (other !== sequence && !goes(other)) return;
  }
  change.remove(tables.uploadKeys, objectRowKey(bucketId, draft.key));
}

/** No other upload leaves in this step. */
function noOther(): boolean {
  return false;
}

/** Drops an open upload; what its parts hold is reclaimed step by step, for there may be 10,000 of them. */
function dropUpload(step: MetaStep, upload: UploadRow, goes: (sequence: number) => boolean): void {
  const { tables, change, nowMs } = step;
  closeUpload(step, upload, goes);
  change.remove(tables.uploads, numberKey(upload.sequence));
  if (tables.parts.hasAny(partsOf(upload.sequence))) {
    change.put(tables.due, dueKey('aborted-upload', nowMs, numberKey(upload.sequence)), NO_VALUE);
  }
}

function openUploadsOf(tables: MetaTables, bucketKey: Buffer, limit: number): readonly UploadRow[] {
  const found: UploadRow[] = [];
  for (const { value } of tables.uploadKeys.range(prefixRange(bucketKey))) {
    for (const upload of uploadsOfGroup(tables, new RowReader(value).integer(), undefined)) {
      if (found.length >= limit) return found;
      found.push(upload);
    }
  }
  return found;
}

/** The parts that were listed, where they begin in the object; they are taken out of `stored`. */
function layOut(
  stored: Map<number, Part>,
  completion: Completion,
): { readonly parts: readonly ManifestPart[]; readonly sizeBytes: number } {
  const parts: ManifestPart[] = [];
  let offsetBytes = 0;
  for (const { partNumber } of completion.parts) {
    const part = stored.get(partNumber);
    if (part === undefined) continue;
    stored.delete(partNumber);
    const { sizeBytes, checksum, body } = part;
    parts.push({ partNumber, offsetBytes, sizeBytes, checksum, body });
    offsetBytes += sizeBytes;
  }
  return { parts, sizeBytes: offsetBytes };
}
