import type { BlobId } from '../domain/names.ts';
import type { CallOptions, Store } from './store.ts';

/** Largest blob, in bytes: one part of an upload. */
export const BLOB_BYTES_MAX = 5 * 1024 ** 3;

/**
 * The blobstore of one storage class: immutable bytes under ids that are used once.
 *
 * Which blobs are in use is the metastore's to know: an intent stands there before `write` is called, and a
 * reference afterwards. A blob is deleted by reclaim alone, or by the writer whose body failed.
 * Throws: `StoreError`.
 */
export interface Blobstore extends Store {
  /**
   * Writes `body` as blob `id`; when the promise resolves, it is on stable storage and may be acknowledged.
   * Pulls `body` at the pace of the storage and holds at most a few chunks of it. When `body` throws, or
   * `signal` fires, what was written is taken away and the error passed on.
   */
  write(id: BlobId, body: AsyncIterable<Uint8Array>, options: CallOptions): Promise<{ sizeBytes: number }>;

  /**
   * The bytes of a blob in `range`, in order. Every chunk is verified before any of its bytes is given out; on a
   * mismatch, a missing or a short blob it throws `corrupt`. A reading that is under way when its blob is
   * deleted goes on to the end or throws `corrupt`: reclaim waits for readers, the store need not.
   */
  read(blob: BlobExtent, range: ByteRange, options: CallOptions): AsyncIterable<Uint8Array>;

  /** Deletes a blob; deleting one that is not there is no error. */
  delete(id: BlobId, options: CallOptions): Promise<void>;

  /** Whether the blob is there in full length; with `deep` every byte is read and verified too. */
  verify(blob: BlobExtent, check: { deep: boolean }, options: CallOptions): Promise<BlobCondition>;

  /** Every blob that has bytes here, finished or not, in no particular order; what is being written may be among them. */
  list(options: CallOptions): AsyncIterable<{ readonly id: BlobId; readonly storedBytes: number }>;
}

export type BlobCondition = 'sound' | 'missing' | 'corrupt';

export interface BlobExtent {
  readonly id: BlobId;
  readonly sizeBytes: number;
}

/** From `offsetBytes`, `lengthBytes` long, wholly inside its blob; a length of 0 is allowed. */
export interface ByteRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}
