import type { Owner } from './bucket.ts';
import type { Checksum, ChecksumAlgorithm, ChecksumType } from './checksum.ts';
import type { ETag } from './etag.ts';
import type { BucketId, ObjectKey, UploadId, VersionId } from './names.ts';
import type { ObjectDescription, PartBody } from './object-version.ts';

/** Part numbers go from 1 to this. */
export const PART_NUMBER_MAX = 10_000;
/** Smallest part that is not the last, in bytes. */
export const PART_BYTES_MIN = 5 * 1024 ** 2;
/** Largest part, and largest body of one PutObject, in bytes. */
export const PART_BYTES_MAX = 5 * 1024 ** 3;
/** Largest object, in bytes: 10,000 parts of 5 GiB. Source: the limits of the S3 user guide since 2025-12 (50 TB). */
export const OBJECT_BYTES_MAX = PART_NUMBER_MAX * PART_BYTES_MAX;

export interface UploadAddress {
  readonly bucketId: BucketId;
  readonly key: ObjectKey;
  readonly uploadId: UploadId;
}

/** Which checksum the parts and the object of an upload carry. */
export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Whether the client asked for it; otherwise it is Pithos' default and parts need not carry it. */
  readonly requested: boolean;
}

/** What CreateMultipartUpload settles for the object to come. */
export interface UploadDraft extends ObjectDescription {
  readonly key: ObjectKey;
  readonly initiatedAtMs: number;
  /** Who opened the upload, where that is not the owner of the object to come. */
  readonly initiator?: Owner | undefined;
  readonly checksum: UploadChecksum | undefined;
  /** The id that it had elsewhere, where it was brought over; at most 1,024 bytes. Clients never see it. */
  readonly origin?: string | undefined;
}

/**
 * An upload as the metastore knows it. A completed one stays as a record for some days, so that a repeated
 * CompleteMultipartUpload answers as the first did; an aborted one is gone.
 */
export interface Upload extends UploadDraft {
  readonly uploadId: UploadId;
  readonly state: UploadState;
}

export type UploadState = { readonly kind: 'open' } | ({ readonly kind: 'completed' } & UploadResult);

/** What CompleteMultipartUpload answered. */
export interface UploadResult {
  readonly versionId: VersionId;
  readonly etag: ETag;
  readonly checksum: Checksum | undefined;
  readonly sizeBytes: number;
}

/** One uploaded part. */
export interface Part {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly etag: ETag;
  readonly checksum: Checksum | undefined;
  readonly lastModifiedMs: number;
  readonly body: PartBody;
}
