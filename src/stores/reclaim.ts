import type { BlobId, BucketId } from '../domain/names.ts';
import type { BlobAddress, ObjectVersion } from '../domain/object-version.ts';
import type { CallOptions } from './store.ts';

/**
 * How a metastore keeps bytes from leaking and from vanishing too early.
 *
 * A blob is in exactly one of these states: *intended* (an intent stands; it may be written), *referenced* (by
 * versions, parts or manifests), *reclaimable* (queued; nothing can take it into use again), or unknown here.
 * Every blob goes intended → referenced → reclaimable → unknown, or intended → reclaimable → unknown.
 */
export interface ReclaimStore {
  /** Announces that the blob is about to be written. Durable when the promise resolves. */
  openIntent(blob: BlobIntent, options: CallOptions): Promise<void>;

  /** Moves the time of an intent on, for a slow body; `false` where it is no longer open: stop writing. */
  renewIntent(blob: BlobIntent, options: CallOptions): Promise<boolean>;

  /** Queues for reclaim the blob of an intent that will not be used; does nothing where none is open. */
  abandonIntent(id: BlobId, options: CallOptions): Promise<void>;

  /** Queues for reclaim at most `limit` blobs whose intents are older than `beforeMs`; returns how many. */
  expireIntents(expiry: { beforeMs: number; limit: number }, options: CallOptions): Promise<number>;

  /**
   * At most `limit` reclaimable blobs that were queued before `beforeMs` and before every pin that has not expired
   * at `nowMs`. Times are the store's own clock at queueing.
   */
  listReclaimable(
    range: { beforeMs: number; nowMs: number; limit: number },
    options: CallOptions,
  ): Promise<readonly BlobAddress[]>;

  /** Forgets blobs whose bytes have been deleted. */
  forgetReclaimed(ids: readonly BlobId[], options: CallOptions): Promise<void>;

  /** Sets or moves a pin: what is queued at or after `sinceMs` is not listed as reclaimable until it expires. */
  setPin(pin: Pin, options: CallOptions): Promise<void>;

  clearPin(id: string, options: CallOptions): Promise<void>;

  /** The state of a blob. */
  getBlobState(id: BlobId, options: CallOptions): Promise<BlobState>;

  /**
   * Every blob that is referenced, once; for fsck. Reads a page at a time, so what is written meanwhile may or may
   * not be seen.
   */
  scanReferences(options: CallOptions): AsyncIterable<BlobAddress>;

  /** Every version of every bucket; for fsck. Reads a page at a time. */
  scanVersions(options: CallOptions): AsyncIterable<{ readonly bucketId: BucketId; readonly version: ObjectVersion }>;

  /**
   * Checks what the engine keeps twice against each other (references against versions, parts and manifests; indexes
   * against rows) and yields one sentence for each contradiction; for fsck.
   */
  checkConsistency(options: CallOptions): AsyncIterable<string>;
}

export interface BlobIntent {
  readonly id: BlobId;
  readonly storageClass: BlobAddress['storageClass'];
  readonly atMs: number;
}

/** Held by long reads and by backups. */
export interface Pin {
  readonly id: string;
  readonly sinceMs: number;
  readonly expiresAtMs: number;
}

export type BlobState = 'intended' | 'referenced' | 'reclaimable' | 'unknown';
