import type { Checksum } from '../domain/checksum.ts';
import type { WriteCondition } from '../domain/condition.ts';
import type { ETag } from '../domain/etag.ts';
import type { BucketId, UploadId } from '../domain/names.ts';
import type { BlobAddress, StoredObject } from '../domain/object-version.ts';
import type { Part, Upload, UploadAddress, UploadDraft } from '../domain/upload.ts';
import type { BucketClosed, ConditionFailed, VersionSlot } from './metastore.ts';
import type { CallOptions } from './store.ts';

/**
 * The multipart uploads of a metastore: a state machine `open → completed | aborted` whose every step is
 * conditional on the state before it.
 */
export interface UploadStore {
  /** Opens an upload and gives it its id. */
  createUpload(
    bucketId: BucketId,
    draft: UploadDraft,
    options: CallOptions,
  ): Promise<{ readonly kind: 'created'; readonly upload: Upload } | BucketClosed>;

  /** The upload, open or completed; `undefined` where it never was, was aborted, or its record has expired. */
  getUpload(at: UploadAddress, options: CallOptions): Promise<Upload | undefined>;

  /**
   * Stores a part of an open upload in place of one with its number, whose blob is queued for reclaim. The new
   * blob must have an open intent, which goes, or a reference.
   */
  putPart(at: UploadAddress, part: Part, options: CallOptions): Promise<PutPartOutcome>;

  /** At most `limit` parts of an open upload by number, after `afterPartNumber` (0: from the first). */
  listParts(
    at: UploadAddress,
    range: { afterPartNumber: number; limit: number },
    options: CallOptions,
  ): Promise<readonly Part[]>;

  /** At most `limit` open uploads, by key in UTF-8 bytes, then by upload id. Fewer than `limit`: there are no more. */
  listUploads(range: UploadRange, options: CallOptions): Promise<readonly Upload[]>;

  /**
   * Makes the listed parts the current version of the upload's key, if the upload is open, each part is still the
   * one that was listed (by number and ETag), and `condition` holds: one step that writes metadata only. Parts not
   * listed are queued for reclaim. The upload's record stays, so that a repeated complete finds its result.
   */
  completeUpload(
    at: UploadAddress,
    completion: Completion,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<CompleteOutcome>;

  /** Drops an open upload and queues its parts for reclaim; bytes that a complete has taken are never touched. */
  abortUpload(at: UploadAddress, options: CallOptions): Promise<'aborted' | 'no-such-upload'>;

  /**
   * Drops records of uploads completed before `completedBeforeMs`, and whatever closed buckets still hold.
   * At most `limit` uploads a call; returns how many it dropped.
   */
  sweepUploads(sweep: { completedBeforeMs: number; limit: number }, options: CallOptions): Promise<number>;
}

/** Open uploads whose keys start with `prefix`, after the upload `after`; without an id, after all of that key. */
export interface UploadRange {
  readonly bucketId: BucketId;
  readonly prefix: string;
  readonly after: { readonly key: string; readonly uploadId: UploadId | undefined } | undefined;
  /** Past every key that starts with this; wins over `after`. */
  readonly afterPrefix?: string | undefined;
  readonly limit: number;
}

export interface Completion {
  /** In rising order of their numbers. */
  readonly parts: readonly { readonly partNumber: number; readonly etag: ETag }[];
  readonly etag: ETag;
  readonly checksum: Checksum | undefined;
  readonly slot: VersionSlot;
  readonly lastModifiedMs: number;
}

export type PutPartOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'no-such-upload' }
  | { readonly kind: 'blob-gone'; readonly blob: BlobAddress };

export type CompleteOutcome =
  | { readonly kind: 'completed'; readonly version: StoredObject }
  | { readonly kind: 'no-such-upload' }
  /** A part was replaced, or is missing, since it was listed. */
  | { readonly kind: 'parts-changed'; readonly partNumber: number }
  | ConditionFailed
  | BucketClosed;
