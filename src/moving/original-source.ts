import type { RegionName } from '../domain/names.ts';
import type { CallOptions } from '../stores/store.ts';

/** What the keyspaces of a Pithos 0.7 hold, as it stands there; a column that is null is `undefined`. Read only. */
export interface OriginalSource {
  readonly regions: ReadonlyMap<RegionName, OriginalRegion>;
  /** Every keyspace with objects, and every one with bytes, once each. */
  readonly metastores: readonly OriginalMetastore[];
  readonly blobstores: readonly OriginalBlobstore[];
  buckets(options: CallOptions): AsyncIterable<OriginalBucket>;
}

export interface OriginalRegion {
  readonly meta: OriginalMetastore;
  /** That of the storage class `standard`, the only one that Pithos 0.7 wrote. */
  readonly blobs: OriginalBlobstore;
}

export interface OriginalMetastore {
  /** Those that have objects, whether there is such a bucket or not. */
  bucketNames(options: CallOptions): AsyncIterable<string>;
  objects(bucket: string, options: CallOptions): AsyncIterable<OriginalObject>;
  object(bucket: string, key: string, options: CallOptions): Promise<OriginalObject | undefined>;
  /** Those that nobody completed or aborted. */
  uploads(options: CallOptions): AsyncIterable<OriginalUpload>;
  /** By number. */
  parts(upload: OriginalUpload, options: CallOptions): AsyncIterable<OriginalPart>;
  /** The bytes of every object and of every part. */
  usedBytes(options: CallOptions): AsyncIterable<BytesReference>;
}

export interface OriginalBlobstore {
  readonly name: string;
  /** The bytes in order, a chunk at a time. Throws `StoreError`. */
  read(reference: BytesReference, options: CallOptions): AsyncIterable<Uint8Array>;
  /** All that there are, whatever they belong to. */
  storedBytes(options: CallOptions): AsyncIterable<BytesReference>;
}

/** What bytes are known by: two UUIDs, of which the second has the time at which their writing began. */
export interface BytesReference {
  readonly inode: string;
  readonly version: string;
}

export interface OriginalBucket {
  readonly name: string;
  readonly tenant: string | undefined;
  readonly region: string | undefined;
  /** ISO 8601. */
  readonly created: string | undefined;
  /** EDN. */
  readonly acl: string | undefined;
  readonly cors: string | undefined;
}

export interface OriginalObject {
  readonly key: string;
  readonly inode: string | undefined;
  readonly version: string | undefined;
  readonly sizeBytes: number | undefined;
  /** MD5 in hex. */
  readonly checksum: string | undefined;
  /** ISO 8601; the time of its last change. */
  readonly atime: string | undefined;
  readonly storageClass: string | undefined;
  /** EDN. */
  readonly acl: string | undefined;
  /** Headers by their names in lower case. */
  readonly metadata: ReadonlyMap<string, string>;
}

export interface OriginalUpload {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  /** Headers by their names in lower case, and beside them `initiated` (ISO 8601) and `acl` (EDN). */
  readonly metadata: ReadonlyMap<string, string>;
}

export interface OriginalPart {
  readonly partNumber: number;
  readonly inode: string | undefined;
  readonly version: string | undefined;
  readonly sizeBytes: number | undefined;
  /** MD5 in hex. */
  readonly checksum: string | undefined;
  /** ISO 8601. */
  readonly modified: string | undefined;
}
