import { checkWriteCondition, type WriteCondition } from '../../domain/condition.ts';
import { type BucketId, NULL_VERSION_ID, type VersionId } from '../../domain/names.ts';
import {
  isLocked,
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
  PutOutcome,
  VersionAddress,
  VersionDraft,
} from '../metastore.ts';
import { StoreError } from '../store.ts';
import { dueKey } from './blob-rows.ts';
import { BodyLedger, missingOfBody } from './bodies.ts';
import {
  decodeOlder,
  encodeOlder,
  type Head,
  NO_OLDER,
  type OlderVersions,
  olderKey,
  olderRange,
  putHead,
  readHead,
} from './heads.ts';
import { readInline } from './inline-bodies.ts';
import { type MetaStep, type MetaTables, NO_VALUE } from './meta-tables.ts';
import { objectRowKey, prefixRange, sequenceOfId } from './row-keys.ts';
import { markerOf, newIdentity, type ObjectRow, type VersionRow, versionIdOf, versionOf } from './version-rows.ts';

type KeyAddress = Pick<VersionAddress, 'bucketId' | 'key'>;
type IdentifiedVersion = VersionAddress & { readonly versionId: VersionId };

export function getVersion(tables: MetaTables, at: VersionAddress): ObjectVersion | undefined {
  const found = findVersion(tables, at);
  return found && versionOf(found.version, at.key, (row) => readInline(tables, row));
}

export function putVersion(
  step: MetaStep,
  bucketId: BucketId,
  draft: VersionDraft,
  condition: WriteCondition,
): PutOutcome {
  const { tables } = step;
  if (isClosed(tables, bucketId)) return { kind: 'bucket-closed' };
  const head = readHead(tables, bucketId, draft.key);
  const failure = failedCondition(condition, head?.version);
  if (failure !== undefined) return failure;
  const missing = missingOfBody(tables, draft.body);
  if (missing !== undefined) return { kind: 'blob-gone', blob: missing };
  const bodies = new BodyLedger(step);
  const version = pushObject(step, bodies, { at: { bucketId, key: draft.key }, head, draft });
  bodies.settle();
  return { kind: 'stored', version };
}

/** Makes an object the current version of its key, whose bucket, condition and body have been checked. */
export function pushObject(
  step: MetaStep,
  bodies: BodyLedger,
  { at, head, draft }: { at: KeyAddress; head: Head | undefined; draft: VersionDraft },
): StoredObject {
  const { slot, body, ...object } = draft;
  const { sequence, random } = newIdentity(step.nextSequence(), slot);
  const stored = bodies.hold(body, sequence);
  push(step, bodies, {
    at,
    head,
    version: { ...object, sequence, random, kind: 'object', body: stored, attributesRevision: 1 },
  });
  return { ...object, kind: 'object', versionId: versionIdOf({ sequence, random }), body, attributesRevision: 1 };
}

export function deleteCurrent(
  step: MetaStep,
  bucketId: BucketId,
  draft: DeleteDraft,
  condition: WriteCondition,
): DeleteOutcome {
  const { mode, key, lastModifiedMs, owner } = draft;
  const at = { bucketId, key };
  if (isClosed(step.tables, bucketId)) return { kind: 'bucket-closed' };
  const head = readHead(step.tables, bucketId, key);
  const failure = failedCondition(condition, head?.version);
  if (failure !== undefined) return failure;
  const bodies = new BodyLedger(step);
  if (mode === 'remove') {
    const found = head && findOfHead(step.tables, head, NULL_VERSION_ID);
    if (head !== undefined && found !== undefined) remove(step, bodies, { at, head, version: found });
    bodies.settle();
    return { kind: 'deleted', marker: undefined };
  }
  const identity = newIdentity(step.nextSequence(), mode === 'null-marker' ? 'null' : 'new');
  const marker = { ...identity, kind: 'delete-marker', lastModifiedMs, owner } as const;
  push(step, bodies, { at, head, version: marker });
  bodies.settle();
  return { kind: 'deleted', marker: markerOf(marker, key) };
}

export function deleteVersion(step: MetaStep, at: IdentifiedVersion, guard: DeleteGuard): DeleteVersionOutcome {
  if (isClosed(step.tables, at.bucketId)) return { kind: 'bucket-closed' };
  const found = findVersion(step.tables, at);
  if (found === undefined) return { kind: 'not-found' };
  const { head, version } = found;
  const failure = failedCondition(guard.condition, version);
  if (failure !== undefined) return failure;
  if (version.kind === 'object' && isLocked(version.attributes, guard)) return { kind: 'locked' };
  const bodies = new BodyLedger(step);
  remove(step, bodies, { at, head, version });
  bodies.settle();
  return { kind: 'deleted', was: version.kind };
}

export function updateAttributes(
  step: MetaStep,
  at: IdentifiedVersion,
  { attributes, revision }: { attributes: VersionAttributes; revision: number },
): 'updated' | 'changed' | 'not-found' {
  const found = findVersion(step.tables, at);
  if (found?.version.kind !== 'object') return 'not-found';
  if (found.version.attributesRevision !== revision) return 'changed';
  const version: ObjectRow = { ...found.version, attributes, attributesRevision: revision + 1 };
  const { head } = found;
  if (version.sequence === head.version.sequence) putHead(step, at, head, { ...head, version });
  else putOlder(step, at, head.rest.group, version);
  return 'updated';
}

export function closeBucket({ tables, change, nowMs }: MetaStep, bucketId: BucketId): 'closed' | 'not-empty' {
  if (isClosed(tables, bucketId)) return 'closed';
  const all = prefixRange(objectRowKey(bucketId, ''));
  if (tables.current.hasAny(all) || tables.deleted.hasAny(all)) return 'not-empty';
  change.put(tables.closed, closedKey(bucketId), NO_VALUE);
  change.put(tables.due, dueKey('closed-bucket', nowMs, closedKey(bucketId)), NO_VALUE);
  return 'closed';
}

export function isClosed(tables: MetaTables, bucketId: BucketId): boolean {
  return tables.closed.has(closedKey(bucketId));
}

export function failedCondition(
  condition: WriteCondition,
  version: VersionRow | undefined,
): ConditionFailed | undefined {
  const result = checkWriteCondition(condition, version?.kind === 'object' ? version : undefined);
  return result === 'holds' ? undefined : { kind: 'condition-failed', reason: result };
}

function findVersion(tables: MetaTables, at: VersionAddress): { head: Head; version: VersionRow } | undefined {
  const head = readHead(tables, at.bucketId, at.key);
  if (head === undefined) return undefined;
  const version = at.versionId === undefined ? head.version : findOfHead(tables, head, at.versionId);
  return version && { head, version };
}

function findOfHead(tables: MetaTables, head: Head, versionId: VersionId): VersionRow | undefined {
  if (versionIdOf(head.version) === versionId) return head.version;
  const { group, count, nullSequence } = head.rest;
  const sequence = versionId === NULL_VERSION_ID ? nullSequence : sequenceOfId(versionId);
  if (count === 0 || sequence === undefined || sequence === 0) return undefined;
  const row = tables.older.get(olderKey(group, sequence));
  const version = row && decodeOlder(row).version;
  return version !== undefined && versionIdOf(version) === versionId ? version : undefined;
}

/** Puts a version on top of its key; in the null slot in place of the one that was there. */
function push(
  step: MetaStep,
  bodies: BodyLedger,
  { at, head, version }: { at: KeyAddress; head: Head | undefined; version: VersionRow },
): void {
  let rest = head?.rest ?? NO_OLDER;
  let below = head?.version;
  if (version.random === undefined && head !== undefined) {
    const replaced = findOfHead(step.tables, head, NULL_VERSION_ID);
    if (replaced?.kind === 'object') bodies.release(replaced);
    if (replaced === below) below = undefined;
    else if (replaced !== undefined) rest = removeOlder(step, rest, replaced);
  }
  if (below !== undefined) rest = addOlder(step, at, rest, below);
  putHead(step, at, head, { version, rest });
}

/** Removes one version of a key; the newest of the others becomes current where it was that one. */
function remove(
  step: MetaStep,
  bodies: BodyLedger,
  { at, head, version }: { at: KeyAddress; head: Head; version: VersionRow },
): void {
  if (version.kind === 'object') bodies.release(version);
  if (version.sequence !== head.version.sequence) {
    putHead(step, at, head, { ...head, rest: removeOlder(step, head.rest, version) });
    return;
  }
  const next = newestOlder(step.tables, head.rest);
  putHead(step, at, head, next && { version: next, rest: removeOlder(step, head.rest, next) });
}

function newestOlder(tables: MetaTables, { group, count }: OlderVersions): VersionRow | undefined {
  if (count === 0) return undefined;
  const row = tables.older.first(olderRange(group));
  if (row === undefined)
    throw new StoreError('corrupt', `Of ${count} older versions in group ${group} none was found.`);
  return decodeOlder(row.value).version;
}

function addOlder(step: MetaStep, at: KeyAddress, rest: OlderVersions, version: VersionRow): OlderVersions {
  const group = rest.group === 0 ? step.nextSequence() : rest.group;
  putOlder(step, at, group, version);
  return {
    group,
    count: rest.count + 1,
    nullSequence: version.random === undefined ? version.sequence : rest.nullSequence,
  };
}

function putOlder(
  { tables, change }: MetaStep,
  { bucketId, key }: KeyAddress,
  group: number,
  version: VersionRow,
): void {
  change.put(tables.older, olderKey(group, version.sequence), encodeOlder({ bucketId, key, version }));
}

function removeOlder({ tables, change }: MetaStep, rest: OlderVersions, version: VersionRow): OlderVersions {
  change.remove(tables.older, olderKey(rest.group, version.sequence));
  return {
    ...rest,
    count: rest.count - 1,
    nullSequence: version.sequence === rest.nullSequence ? 0 : rest.nullSequence,
  };
}

/** The row of a closed bucket: its id, which is as long as a blob's. */
function closedKey(bucketId: BucketId): Buffer {
  return Buffer.from(bucketId, 'hex');
}
