import type { WriteCondition } from '../../domain/condition.ts';
import { type BucketId, parseUploadId } from '../../domain/names.ts';
import { type ManifestPart, parseManifestId } from '../../domain/object-version.ts';
import type { Part, Upload, UploadAddress, UploadDraft } from '../../domain/upload.ts';
import { compareUtf8 } from '../../domain/utf8-order.ts';
import type { BucketClosed } from '../metastore.ts';
import type { CompleteOutcome, Completion, PutPartOutcome, UploadRange } from '../uploads.ts';
import { holdBlob, isBlobUsable, releaseBlob } from './reclaim.ts';
import { type Manifest, makeOrderedId, nextOrder, rowsOf, type State, type UploadRow } from './state.ts';
import { failedCondition, getVersion, pushObject } from './versions.ts';

export function createUpload(
  state: State,
  bucketId: BucketId,
  draft: UploadDraft,
): { kind: 'created'; upload: Upload } | BucketClosed {
  const { isClosed, uploads } = rowsOf(state, bucketId);
  if (isClosed) return { kind: 'bucket-closed' };
  const uploadId = parseUploadId(makeOrderedId(nextOrder(state)));
  const upload: Upload = { ...draft, uploadId, state: { kind: 'open' } };
  uploads.set(uploadId, { upload, completedAtMs: undefined, parts: new Map() });
  return { kind: 'created', upload };
}

export function getUpload(state: State, at: UploadAddress): Upload | undefined {
  return findUpload(state, at)?.upload;
}

export function putPart(state: State, at: UploadAddress, part: Part): PutPartOutcome {
  const row = findOpenUpload(state, at);
  if (row === undefined) return { kind: 'no-such-upload' };
  const { body, partNumber } = part;
  if (body !== undefined && !isBlobUsable(state, body.id)) return { kind: 'blob-gone', blob: body };
  const replaced = row.parts.get(partNumber);
  const partRow = { part };
  // Held before the replaced part lets go: both may have the same blob.
  if (body !== undefined) holdBlob(state, body, partRow);
  row.parts.set(partNumber, partRow);
  if (replaced?.part.body !== undefined) releaseBlob(state, replaced.part.body.id, replaced);
  return { kind: 'stored' };
}

export function listParts(
  state: State,
  at: UploadAddress,
  { afterPartNumber, limit }: { afterPartNumber: number; limit: number },
): readonly Part[] {
  const parts = findOpenUpload(state, at)?.parts ?? new Map<number, never>();
  return [...parts.values()]
    .map(({ part }) => part)
    .filter(({ partNumber }) => partNumber > afterPartNumber)
    .sort((a, b) => a.partNumber - b.partNumber)
    .slice(0, limit);
}

/** Costs all uploads of the bucket. */
export function listUploads(state: State, range: UploadRange): readonly Upload[] {
  const { isClosed, uploads } = rowsOf(state, range.bucketId);
  if (isClosed) return [];
  return [...uploads.values()]
    .map(({ upload }) => upload)
    .filter((upload) => upload.state.kind === 'open' && upload.key.startsWith(range.prefix) && isAfter(upload, range))
    .sort((a, b) => compareUtf8(a.key, b.key) || compareUtf8(a.uploadId, b.uploadId))
    .slice(0, range.limit);
}

export function completeUpload(
  state: State,
  at: UploadAddress,
  completion: Completion,
  condition: WriteCondition,
): CompleteOutcome {
  const bucket = rowsOf(state, at.bucketId);
  if (bucket.isClosed) return { kind: 'bucket-closed' };
  const row = findOpenUpload(state, at);
  if (row === undefined) return { kind: 'no-such-upload' };
  for (const { partNumber, etag } of completion.parts) {
    if (row.parts.get(partNumber)?.part.etag !== etag) return { kind: 'parts-changed', partNumber };
  }
  const failure = failedCondition(condition, getVersion(state, { bucketId: at.bucketId, key: at.key }));
  if (failure !== undefined) return failure;

  const parts = layOut(row, completion);
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  const manifestId = parseManifestId(makeOrderedId(nextOrder(state)));
  const manifest: Manifest = { parts, holders: new Set(), releasedAtMs: undefined };
  state.manifests.set(manifestId, manifest);
  for (const { body } of parts) if (body !== undefined) holdBlob(state, body, manifest);
  dropParts(state, row);

  const { key, headers, userMetadata, storageClass, owner, attributes } = row.upload;
  const { etag, checksum, lastModifiedMs, slot } = completion;
  const body = { kind: 'manifest', manifestId, partsCount: parts.length } as const;
  const description = { headers, userMetadata, storageClass, owner, attributes };
  const object = { ...description, key, etag, checksum, lastModifiedMs, sizeBytes, body };
  const version = pushObject(state, bucket, object, slot);
  row.completedAtMs = state.nowMs();
  row.upload = { ...row.upload, state: { kind: 'completed', versionId: version.versionId, etag, checksum, sizeBytes } };
  return { kind: 'completed', version };
}

export function abortUpload(state: State, at: UploadAddress): 'aborted' | 'no-such-upload' {
  const row = findOpenUpload(state, at);
  if (row === undefined) return 'no-such-upload';
  dropParts(state, row);
  rowsOf(state, at.bucketId).uploads.delete(at.uploadId);
  return 'aborted';
}

export function sweepUploads(state: State, sweep: { completedBeforeMs: number; limit: number }): number {
  let dropped = 0;
  for (const { isClosed, uploads } of state.buckets.values()) {
    for (const [uploadId, row] of uploads) {
      if (dropped >= sweep.limit) return dropped;
      if (!isClosed && (row.completedAtMs ?? Number.POSITIVE_INFINITY) >= sweep.completedBeforeMs) continue;
      dropParts(state, row);
      uploads.delete(uploadId);
      dropped++;
    }
  }
  return dropped;
}

/** The uploads of a closed bucket are aborted, though they are dropped later. */
function findUpload(state: State, { bucketId, key, uploadId }: UploadAddress): UploadRow | undefined {
  const { isClosed, uploads } = rowsOf(state, bucketId);
  const row = uploads.get(uploadId);
  return isClosed || row?.upload.key !== key ? undefined : row;
}

function findOpenUpload(state: State, at: UploadAddress): UploadRow | undefined {
  const row = findUpload(state, at);
  return row?.upload.state.kind === 'open' ? row : undefined;
}

function isAfter({ key, uploadId }: Upload, { after, afterPrefix }: UploadRange): boolean {
  if (afterPrefix !== undefined) return compareUtf8(key, afterPrefix) > 0 && !key.startsWith(afterPrefix);
  if (after === undefined) return true;
  const order = compareUtf8(key, after.key);
  return order > 0 || (order === 0 && after.uploadId !== undefined && compareUtf8(uploadId, after.uploadId) > 0);
}

function layOut(row: UploadRow, completion: Completion): readonly ManifestPart[] {
  const parts: ManifestPart[] = [];
  let offsetBytes = 0;
  for (const { partNumber } of completion.parts) {
    const part = row.parts.get(partNumber)?.part;
    if (part === undefined) continue;
    const { sizeBytes, checksum, body } = part;
    parts.push({ partNumber, offsetBytes, sizeBytes, checksum, body });
    offsetBytes += sizeBytes;
  }
  return parts;
}

function dropParts(state: State, row: UploadRow): void {
  for (const partRow of row.parts.values()) {
    if (partRow.part.body !== undefined) releaseBlob(state, partRow.part.body.id, partRow);
  }
  row.parts.clear();
}
