import { randomBytes } from 'node:crypto';
import type { BlobId, BucketId, ObjectKey, UploadId } from '../../domain/names.ts';
import type { BlobAddress, ManifestId, ManifestPart, ObjectVersion } from '../../domain/object-version.ts';
import type { Part, Upload } from '../../domain/upload.ts';
import type { Pin } from '../reclaim.ts';
import { OrderedKeys } from './ordered-keys.ts';

/**
 * All that a memory metastore holds. `versions.ts`, `uploads.ts` and `reclaim.ts` are synchronous steps over it:
 * nothing can come between a check and its write.
 */
export interface State {
  /** The store's own clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
  /** The order of what was made last: of two versions or uploads the younger has the greater one. */
  lastOrder: number;
  readonly buckets: Map<BucketId, BucketRows>;
  readonly manifests: Map<ManifestId, Manifest>;
  readonly blobs: Map<BlobId, BlobRow>;
  readonly pins: Map<string, Pin>;
}

export interface BucketRows {
  isClosed: boolean;
  /** Newest first; no key without a version. */
  readonly versions: Map<ObjectKey, VersionRow[]>;
  readonly keys: OrderedKeys<ObjectKey>;
  /** The keys whose current version is an object: what ListObjects walks. */
  readonly liveKeys: OrderedKeys<ObjectKey>;
  readonly uploads: Map<UploadId, UploadRow>;
}

export interface VersionRow {
  readonly order: number;
  version: ObjectVersion;
}

export interface UploadRow {
  upload: Upload;
  completedAtMs: number | undefined;
  /** Empty once the upload is completed. */
  readonly parts: Map<number, PartRow>;
}

export interface PartRow {
  readonly part: Part;
}

/** Released by the last version that has it; a read that is under way needs it until its blobs may be reclaimed. */
export interface Manifest {
  readonly parts: readonly ManifestPart[];
  readonly holders: Set<VersionRow>;
  releasedAtMs: number | undefined;
}

/** What keeps a blob referenced. */
export type BlobHolder = VersionRow | PartRow | Manifest;

export interface BlobRow {
  readonly address: BlobAddress;
  readonly state:
    | { readonly kind: 'intended'; readonly atMs: number }
    | { readonly kind: 'referenced'; readonly holders: Set<BlobHolder> }
    | { readonly kind: 'reclaimable'; readonly queuedAtMs: number };
}

export function emptyState(nowMs: () => number): State {
  return {
    nowMs,
    lastOrder: 0,
    buckets: new Map(),
    manifests: new Map(),
    blobs: new Map(),
    pins: new Map(),
  };
}

/** The rows of a bucket; a metastore learns of a bucket by the first call that names it. */
export function rowsOf(state: State, bucketId: BucketId): BucketRows {
  const existing = state.buckets.get(bucketId);
  if (existing !== undefined) return existing;
  const rows: BucketRows = {
    isClosed: false,
    versions: new Map(),
    keys: new OrderedKeys(),
    liveKeys: new OrderedKeys(),
    uploads: new Map(),
  };
  state.buckets.set(bucketId, rows);
  return rows;
}

/** A number greater than any before. */
export function nextOrder(state: State): number {
  state.lastOrder += 1;
  return state.lastOrder;
}

const ORDER_DIGITS = 12;
const ORDERED_ID = /^[0-9a-f]{32}$/;

/** 32 hex digits: the order, so that ids sort by it, and 80 random bits. */
export function makeOrderedId(order: number): string {
  return order.toString(16).padStart(ORDER_DIGITS, '0') + randomBytes(10).toString('hex');
}

/** The order in an id, or `undefined` for a text that this store did not make. */
export function orderOfId(id: string): number | undefined {
  return ORDERED_ID.test(id) ? Number.parseInt(id.slice(0, ORDER_DIGITS), 16) : undefined;
}
