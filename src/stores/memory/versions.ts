import { checkWriteCondition, type WriteCondition } from '../../domain/condition.ts';
import { type BucketId, NULL_VERSION_ID, parseVersionId, type VersionId } from '../../domain/names.ts';
import {
  isLocked,
  type ListedObject,
  type ListedVersion,
  type ManifestId,
  type ManifestPart,
  type ObjectVersion,
  type StoredObject,
  type VersionAttributes,
} from '../../domain/object-version.ts';
import type {
  ConditionFailed,
  DeleteDraft,
  DeleteGuard,
  DeleteOutcome,
  DeleteVersionOutcome,
  KeyRange,
  ListPosition,
  PutOutcome,
  VersionAddress,
  VersionDraft,
  VersionSlot,
} from '../metastore.ts';
import { holdBody, missingOfBody, releaseBody } from './reclaim.ts';
import { type BucketRows, makeOrderedId, nextOrder, orderOfId, rowsOf, type State, type VersionRow } from './state.ts';

type IdentifiedVersion = VersionAddress & { readonly versionId: VersionId };

export function getVersion(state: State, at: VersionAddress): ObjectVersion | undefined {
  const rows = rowsOf(state, at.bucketId).versions.get(at.key);
  if (at.versionId === undefined) return rows?.[0]?.version;
  return rows?.find(({ version }) => version.versionId === at.versionId)?.version;
}

export function putVersion(
  state: State,
  bucketId: BucketId,
  draft: VersionDraft,
  condition: WriteCondition,
): PutOutcome {
  const bucket = rowsOf(state, bucketId);
  if (bucket.isClosed) return { kind: 'bucket-closed' };
  const failure = failedCondition(condition, getVersion(state, { bucketId, key: draft.key }));
  if (failure !== undefined) return failure;
  const missing = missingOfBody(state, draft.body);
  if (missing !== undefined) return { kind: 'blob-gone', blob: missing };
  const { slot, ...object } = draft;
  return { kind: 'stored', version: pushObject(state, bucket, object, slot) };
}

/** Makes `object` the current version of its key, whose bucket, condition and body have been checked. */
export function pushObject(
  state: State,
  bucket: BucketRows,
  object: Omit<VersionDraft, 'slot'>,
  slot: VersionSlot,
): StoredObject {
  const body =
    object.body.kind === 'inline' ? { ...object.body, bytes: new Uint8Array(object.body.bytes) } : object.body;
  const { order, versionId } = nextVersion(state, slot);
  const version: StoredObject = { ...object, body, kind: 'object', versionId, attributesRevision: 1 };
  push(state, bucket, { order, version });
  return version;
}

export function deleteCurrent(
  state: State,
  bucketId: BucketId,
  draft: DeleteDraft,
  condition: WriteCondition,
): DeleteOutcome {
  const bucket = rowsOf(state, bucketId);
  if (bucket.isClosed) return { kind: 'bucket-closed' };
  const failure = failedCondition(condition, getVersion(state, { bucketId, key: draft.key }));
  if (failure !== undefined) return failure;
  const { mode, key, lastModifiedMs, owner } = draft;
  if (mode === 'remove') {
    remove(state, bucket, { key, versionId: NULL_VERSION_ID });
    return { kind: 'deleted', marker: undefined };
  }
  const { order, versionId } = nextVersion(state, mode === 'null-marker' ? 'null' : 'new');
  const marker = { kind: 'delete-marker', key, versionId, lastModifiedMs, owner } as const;
  push(state, bucket, { order, version: marker });
  return { kind: 'deleted', marker };
}

export function deleteVersion(state: State, at: IdentifiedVersion, guard: DeleteGuard): DeleteVersionOutcome {
  const bucket = rowsOf(state, at.bucketId);
  if (bucket.isClosed) return { kind: 'bucket-closed' };
  const version = getVersion(state, at);
  if (version === undefined) return { kind: 'not-found' };
  const failure = failedCondition(guard.condition, version);
  if (failure !== undefined) return failure;
  if (version.kind === 'object' && isLocked(version.attributes, guard)) return { kind: 'locked' };
  remove(state, bucket, version);
  return { kind: 'deleted', was: version.kind };
}

export function updateAttributes(
  state: State,
  at: IdentifiedVersion,
  { attributes, revision }: { attributes: VersionAttributes; revision: number },
): 'updated' | 'changed' | 'not-found' {
  const rows = rowsOf(state, at.bucketId).versions.get(at.key);
  const row = rows?.find(({ version }) => version.versionId === at.versionId);
  if (row?.version.kind !== 'object') return 'not-found';
  if (row.version.attributesRevision !== revision) return 'changed';
  row.version = { ...row.version, attributes, attributesRevision: revision + 1 };
  return 'updated';
}

export function readManifest(
  state: State,
  id: ManifestId,
  from: { offsetBytes: number } | { partNumber: number },
  limit: number,
): readonly ManifestPart[] {
  const parts = state.manifests.get(id)?.parts ?? [];
  const isReached = (part: ManifestPart): boolean =>
    'partNumber' in from ? part.partNumber >= from.partNumber : part.offsetBytes + part.sizeBytes > from.offsetBytes;
  const start = parts.findIndex(isReached);
  return start === -1 ? [] : parts.slice(start, start + limit);
}

export function listObjects(state: State, range: KeyRange): readonly ListedObject[] {
  const { versions, liveKeys } = rowsOf(state, range.bucketId);
  const page: ListedObject[] = [];
  for (const key of liveKeys.range(range.prefix, range.from)) {
    if (page.length >= range.limit) break;
    const current = versions.get(key)?.[0]?.version;
    if (current?.kind === 'object') page.push(listed(current));
  }
  return page;
}

export function listVersions(state: State, range: KeyRange): readonly ListedVersion[] {
  const { versions, keys } = rowsOf(state, range.bucketId);
  const page: ListedVersion[] = [];
  for (const key of keys.range(range.prefix, range.from)) {
    const rows = versions.get(key) ?? [];
    const belowOrder = orderBelowWhich(rows, key, range.from);
    for (const row of rows) {
      if (page.length >= range.limit) return page;
      if (row.order >= belowOrder) continue;
      const version = row.version.kind === 'object' ? listed(row.version) : row.version;
      page.push({ ...version, isLatest: row === rows[0] });
    }
  }
  return page;
}

export function closeBucket(state: State, bucketId: BucketId): 'closed' | 'not-empty' {
  const bucket = rowsOf(state, bucketId);
  if (bucket.versions.size > 0) return 'not-empty';
  bucket.isClosed = true;
  return 'closed';
}

/** Every version of every bucket, as they are now. */
export function listEverything(state: State): readonly { bucketId: BucketId; version: ObjectVersion }[] {
  return [...state.buckets].flatMap(([bucketId, { versions }]) =>
    [...versions.values()].flat().map(({ version }) => ({ bucketId, version })),
  );
}

export function failedCondition(
  condition: WriteCondition,
  version: ObjectVersion | undefined,
): ConditionFailed | undefined {
  const result = checkWriteCondition(condition, version?.kind === 'object' ? version : undefined);
  return result === 'holds' ? undefined : { kind: 'condition-failed', reason: result };
}

/** Only versions with a smaller order are after `from`. Where a null version stood cannot be told when it is gone. */
function orderBelowWhich(rows: readonly VersionRow[], key: string, from: ListPosition | undefined): number {
  if (from?.kind !== 'after-version' || from.key !== key) return Number.POSITIVE_INFINITY;
  const row = rows.find(({ version }) => version.versionId === from.versionId);
  return row?.order ?? orderOfId(from.versionId) ?? Number.POSITIVE_INFINITY;
}

function nextVersion(state: State, slot: VersionSlot): { order: number; versionId: VersionId } {
  const order = nextOrder(state);
  return { order, versionId: slot === 'null' ? NULL_VERSION_ID : parseVersionId(makeOrderedId(order)) };
}

/** Puts a version on top of its key, in place of the one with the same id: only `null` can have one. */
function push(state: State, bucket: BucketRows, row: VersionRow): void {
  // Held before the replaced version lets go: both may have the same body.
  if (row.version.kind === 'object') holdBody(state, row.version.body, row);
  remove(state, bucket, row.version);
  const rows = bucket.versions.get(row.version.key) ?? [];
  rows.unshift(row);
  bucket.versions.set(row.version.key, rows);
  index(bucket, row.version);
}

function remove(state: State, bucket: BucketRows, at: Pick<ObjectVersion, 'key' | 'versionId'>): void {
  const rows = bucket.versions.get(at.key) ?? [];
  const position = rows.findIndex(({ version }) => version.versionId === at.versionId);
  const row = rows[position];
  if (row === undefined) return;
  rows.splice(position, 1);
  if (row.version.kind === 'object') releaseBody(state, row.version.body, row);
  if (rows.length === 0) bucket.versions.delete(at.key);
  index(bucket, at);
}

/** Brings both orders of keys in line with the versions of one key. */
function index(bucket: BucketRows, { key }: Pick<ObjectVersion, 'key'>): void {
  const current = bucket.versions.get(key)?.[0]?.version;
  if (current === undefined) bucket.keys.delete(key);
  else bucket.keys.add(key);
  if (current?.kind === 'object') bucket.liveKeys.add(key);
  else bucket.liveKeys.delete(key);
}

function listed(object: StoredObject): ListedObject {
  const { kind, key, versionId, lastModifiedMs, owner, etag, sizeBytes, storageClass, checksum } = object;
  return { kind, key, versionId, lastModifiedMs, owner, etag, sizeBytes, storageClass, checksum };
}
