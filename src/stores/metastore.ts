import type { Owner } from '../domain/bucket.ts';
import type { Checksum } from '../domain/checksum.ts';
import type { WriteCondition } from '../domain/condition.ts';
import type { ETag } from '../domain/etag.ts';
import type { BucketId, ObjectKey, VersionId } from '../domain/names.ts';
import type {
  BlobAddress,
  DeleteMarker,
  ListedObject,
  ListedVersion,
  ManifestId,
  ManifestPart,
  ObjectBody,
  ObjectDescription,
  ObjectVersion,
  StoredObject,
  VersionAttributes,
} from '../domain/object-version.ts';
import type { ReclaimStore } from './reclaim.ts';
import type { CallOptions, Store } from './store.ts';
import type { UploadStore } from './uploads.ts';

/**
 * The metastore of one region: object versions, multipart uploads (`uploads.ts`), and what waits to be
 * reclaimed (`reclaim.ts`). Body bytes are the blobstore's, but for the smallest, which stand here.
 *
 * Order: keys by their UTF-8 bytes, then versions newest first.
 * Consistency: linearizable per key, from any number of processes; a listing sees every write that ended
 *   before it began.
 * Versions: the store makes the id, inside the step that makes the version current. A key has at most one
 *   version in its null slot.
 * Throws: `StoreError`. Absence, refused conditions and locks are values.
 * Contract: each sentence here is a test in `test/contract/`, run on every engine.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
 */
export interface Metastore extends VersionStore, UploadStore, ReclaimStore, Store {}

interface VersionStore {
  /** Longest body that stands beside its metadata, in bytes; a longer one is a blob. */
  readonly inlineBytesMax: number;

  /** The version `at.versionId` of `at.key`; without one, the current version, which may be a delete marker. */
  getVersion(at: VersionAddress, options: CallOptions): Promise<ObjectVersion | undefined>;

  /**
   * Makes `draft` the current version of its key if `condition` holds of the current one: check and write are
   * one step. In the null slot it replaces the version that was there, and never uncovers an older one.
   * A blob this leaves without a reference is queued for reclaim in the same step; the intent of a blob it
   * begins to use goes. The blob must have an open intent or a reference, else `blob-gone`.
   */
  putVersion(
    bucketId: BucketId,
    draft: VersionDraft,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<PutOutcome>;

  /**
   * The delete without a version id: by `mode` it removes the null version (a bucket that was never versioned), or
   * makes a delete marker current. Deleting a missing key in mode `remove` is `deleted` too, unless the condition
   * asks for a version.
   */
  deleteCurrent(
    bucketId: BucketId,
    draft: DeleteDraft,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<DeleteOutcome>;

  /**
   * Removes one version for good, if `condition` holds of it and no lock forbids it; what was below the current
   * version becomes current. Lock, check and removal are one step.
   */
  deleteVersion(
    at: VersionAddress & { versionId: VersionId },
    guard: DeleteGuard,
    options: CallOptions,
  ): Promise<DeleteVersionOutcome>;

  /** Replaces the attributes of an object version, if they are still at `revision`; counts it up. */
  updateAttributes(
    at: VersionAddress & { versionId: VersionId },
    update: { attributes: VersionAttributes; revision: number },
    options: CallOptions,
  ): Promise<'updated' | 'changed' | 'not-found'>;

  /**
   * At most `limit` parts of a manifest in order, from the part with byte `offsetBytes`, or from part `partNumber`.
   * A manifest whose last version is gone reads as before until its blobs may be reclaimed.
   */
  readManifest(
    id: ManifestId,
    from: { offsetBytes: number } | { partNumber: number },
    limit: number,
    options: CallOptions,
  ): Promise<readonly ManifestPart[]>;

  /**
   * At most `limit` keys whose current version is an object, in order. Fewer than `limit` rows: there are no more.
   * Costs as many rows as it returns, however many deleted keys lie between.
   */
  listObjects(range: KeyRange, options: CallOptions): Promise<readonly ListedObject[]>;

  /** At most `limit` versions, delete markers among them. Fewer than `limit` rows: there are no more. */
  listVersions(range: KeyRange, options: CallOptions): Promise<readonly ListedVersion[]>;

  /**
   * Closes the bucket if it holds no version: check and close are one step. Every version stored before makes it
   * `not-empty`; every write afterwards is `bucket-closed`. Open uploads do not keep a bucket: they are aborted.
   * Closing a closed bucket is `closed`.
   */
  closeBucket(bucketId: BucketId, options: CallOptions): Promise<'closed' | 'not-empty'>;

  /** Whether the bucket was closed. */
  isBucketClosed(bucketId: BucketId, options: CallOptions): Promise<boolean>;
}

export interface VersionAddress {
  readonly bucketId: BucketId;
  readonly key: ObjectKey;
  readonly versionId?: VersionId | undefined;
}

/** Where a new version goes: `new` beside the older ones, `null` in place of the null version. */
export type VersionSlot = 'null' | 'new';

/** A version before the store has given it its id. */
export interface VersionDraft extends ObjectDescription {
  readonly key: ObjectKey;
  readonly slot: VersionSlot;
  readonly lastModifiedMs: number;
  readonly etag: ETag;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
  readonly body: ObjectBody;
}

export interface DeleteDraft {
  readonly key: ObjectKey;
  readonly mode: 'remove' | 'null-marker' | 'new-marker';
  readonly lastModifiedMs: number;
  readonly owner: Owner;
}

export interface DeleteGuard {
  readonly condition: WriteCondition;
  /** The time against which retention is held. */
  readonly nowMs: number;
  readonly bypassGovernance: boolean;
}

/** Keys that start with `prefix`, from `from` on; without it from the first. */
export interface KeyRange {
  readonly bucketId: BucketId;
  readonly prefix: string;
  readonly from: ListPosition | undefined;
  readonly limit: number;
}

/** `key` and `prefix` are any text, not only existing keys; order is by UTF-8 bytes. */
export type ListPosition =
  | { readonly kind: 'at-key'; readonly key: string }
  | { readonly kind: 'after-key'; readonly key: string }
  /** Past every key that starts with `prefix`. */
  | { readonly kind: 'after-prefix'; readonly prefix: string }
  /** ListObjectVersions: past this version of this key, which may be gone by now. */
  | { readonly kind: 'after-version'; readonly key: string; readonly versionId: VersionId };

/** The condition that a write met; `absent` where it asked for a version and there was none. */
export interface ConditionFailed {
  readonly kind: 'condition-failed';
  readonly reason: 'failed' | 'absent';
}

export interface BucketClosed {
  readonly kind: 'bucket-closed';
}

export type PutOutcome =
  | { readonly kind: 'stored'; readonly version: StoredObject }
  /** Reclaim came first: the writer was paused for longer than the grace period, or the copied version is gone. */
  | { readonly kind: 'blob-gone'; readonly blob: BlobAddress | ManifestId }
  | ConditionFailed
  | BucketClosed;

export type DeleteOutcome =
  /** `marker` is `undefined` in mode `remove`. */
  { readonly kind: 'deleted'; readonly marker: DeleteMarker | undefined } | ConditionFailed | BucketClosed;

export type DeleteVersionOutcome =
  | { readonly kind: 'deleted'; readonly was: ObjectVersion['kind'] }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'locked' }
  | ConditionFailed
  | BucketClosed;
