import { createHash, randomBytes } from 'node:crypto';
import { type ETag, etagOfMd5 } from '../../src/domain/etag.ts';
import {
  type BlobId,
  type BucketId,
  type ObjectKey,
  parseBlobId,
  parseBucketId,
  parseObjectKey,
  parseStorageClass,
  parseTenantId,
  type StorageClass,
} from '../../src/domain/names.ts';
import {
  type BlobAddress,
  DEFAULT_ATTRIBUTES,
  type ListedObject,
  type ObjectDescription,
  type StoredObject,
} from '../../src/domain/object-version.ts';
import type { UploadDraft } from '../../src/domain/upload.ts';
import type {
  DeleteDraft,
  DeleteGuard,
  DeleteOutcome,
  Metastore,
  PutOutcome,
  VersionDraft,
  VersionSlot,
} from '../../src/stores/metastore.ts';
import type { CallOptions } from '../../src/stores/store.ts';

/** The options of calls that nothing aborts. */
export const OPTIONS: CallOptions = { signal: new AbortController().signal };

export const OWNER = { tenant: parseTenantId('tenant'), displayName: 'Tenant' };
export const STANDARD: StorageClass = must(parseStorageClass('STANDARD'));

export const DESCRIPTION: ObjectDescription = {
  headers: {},
  userMetadata: [],
  storageClass: STANDARD,
  owner: OWNER,
  attributes: DEFAULT_ATTRIBUTES,
};

const LAST_MODIFIED_MS = Date.UTC(2025, 5, 1, 12, 0, 0, 250);

export function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('A value that the test needs is not there.');
  return value;
}

export function newBucketId(): BucketId {
  return parseBucketId(randomBytes(16).toString('hex'));
}

export function newBlobId(): BlobId {
  return parseBlobId(randomBytes(16).toString('hex'));
}

export function keyOf(text: string): ObjectKey {
  return must(parseObjectKey(text));
}

/** The ETag of an object whose body is `text`. */
export function etagOf(text: string): ETag {
  return etagOfMd5(createHash('md5').update(text).digest());
}

/** A draft with the inline body `text`, in the null slot. */
export function inlineDraft(key: string, text = '', change: Partial<VersionDraft> = {}): VersionDraft {
  const bytes = new TextEncoder().encode(text);
  return {
    ...DESCRIPTION,
    key: keyOf(key),
    slot: 'null',
    lastModifiedMs: LAST_MODIFIED_MS,
    etag: etagOf(text),
    sizeBytes: bytes.length,
    checksum: undefined,
    body: { kind: 'inline', bytes },
    ...change,
  };
}

/** A draft whose body is `blob`, in the null slot. */
export function blobDraft(key: string, blob: BlobAddress, change: Partial<VersionDraft> = {}): VersionDraft {
  return { ...inlineDraft(key, blob.id), sizeBytes: blob.sizeBytes, body: { kind: 'blob', blob }, ...change };
}

export function newBlob(sizeBytes = 100_000): BlobAddress {
  return { storageClass: STANDARD, id: newBlobId(), sizeBytes };
}

/** A blob with an open intent, as one that has just been written. */
export async function intendBlob(store: Metastore, atMs: number, sizeBytes?: number): Promise<BlobAddress> {
  const blob = newBlob(sizeBytes);
  await store.openIntent({ id: blob.id, storageClass: blob.storageClass, atMs }, OPTIONS);
  return blob;
}

export function deleteDraft(key: string, mode: DeleteDraft['mode']): DeleteDraft {
  return { key: keyOf(key), mode, lastModifiedMs: LAST_MODIFIED_MS + 1000, owner: OWNER };
}

/** The guard of a delete under no condition. */
export function guardAt(nowMs: number, change: Partial<DeleteGuard> = {}): DeleteGuard {
  return { condition: {}, nowMs, bypassGovernance: false, ...change };
}

export function uploadDraft(key: string, change: Partial<UploadDraft> = {}): UploadDraft {
  return { ...DESCRIPTION, key: keyOf(key), initiatedAtMs: LAST_MODIFIED_MS, checksum: undefined, ...change };
}

/** Puts an inline object that must be stored. */
export async function put(
  store: Metastore,
  bucketId: BucketId,
  key: string,
  { text = '', slot = 'null' }: { text?: string; slot?: VersionSlot } = {},
): Promise<StoredObject> {
  return stored(await store.putVersion(bucketId, inlineDraft(key, text, { slot }), {}, OPTIONS));
}

/** Puts an object under each of the keys, all at once. */
export async function putEach(
  store: Metastore,
  bucketId: BucketId,
  keys: readonly string[],
  slot: VersionSlot = 'null',
): Promise<void> {
  await Promise.all(keys.map((key) => put(store, bucketId, key, { text: key, slot })));
}

/** Deletes the current version under no condition. */
export async function deleteKey(
  store: Metastore,
  bucketId: BucketId,
  key: string,
  mode: DeleteDraft['mode'],
): Promise<DeleteOutcome> {
  return store.deleteCurrent(bucketId, deleteDraft(key, mode), {}, OPTIONS);
}

/** The version of an outcome that must be `stored`. */
export function stored(outcome: PutOutcome): StoredObject {
  if (outcome.kind !== 'stored') throw new TypeError(`The put was not stored but ${JSON.stringify(outcome)}.`);
  return outcome.version;
}

/** The listing row of an object. */
export function listedOf(object: StoredObject): ListedObject {
  const { kind, key, versionId, lastModifiedMs, owner, etag, sizeBytes, storageClass, checksum } = object;
  return { kind, key, versionId, lastModifiedMs, owner, etag, sizeBytes, storageClass, checksum };
}

export async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const collected: Value[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

/** Runs `count` calls at once; `call` is told its index. */
export function atOnce<Value>(count: number, call: (index: number) => Promise<Value>): Promise<Value[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)));
}
