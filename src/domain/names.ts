/** A string (or number) that only its `parse*` function can make. */
type Brand<Value, Name extends string> = Value & { readonly __brand: Name };

/** A bucket's name as S3 allows it, in one namespace for all tenants. */
export type BucketName = Brand<string, 'BucketName'>;
/** The identity of one life of a bucket: 32 hex digits; a bucket made again gets another. */
export type BucketId = Brand<string, 'BucketId'>;
/** An object's key: 1 to 1,024 bytes of UTF-8. Never a path. */
export type ObjectKey = Brand<string, 'ObjectKey'>;
/** A version's id as clients see it: opaque, made by the metastore; `null` names the null slot. */
export type VersionId = Brand<string, 'VersionId'>;
/** A multipart upload's id, made by the metastore; ids of one key sort by the time of their making. */
export type UploadId = Brand<string, 'UploadId'>;
/** The id of one blob: 32 hex digits, random, never used twice. */
export type BlobId = Brand<string, 'BlobId'>;
/** An owner of buckets and keys: the canonical user id of ACLs and listings. */
export type TenantId = Brand<string, 'TenantId'>;
/** The public half of a key pair. */
export type AccessKeyId = Brand<string, 'AccessKeyId'>;
/** A region's name, such as `us-east-1`: it selects a metastore. */
export type RegionName = Brand<string, 'RegionName'>;
/** A storage class as S3 writes it, such as `STANDARD`: within its region it selects a blobstore. */
export type StorageClass = Brand<string, 'StorageClass'>;

/** Longest object key, in bytes of UTF-8. */
export const OBJECT_KEY_BYTES_MAX = 1024;

/** The version id that names the null slot. */
export const NULL_VERSION_ID = parseVersionId('null');

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const IP_ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;
const RESERVED_BUCKET_PREFIXES = ['xn--', 'sthree-', 'amzn-s3-demo-'];
const RESERVED_BUCKET_SUFFIXES = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3'];
const HEX_32 = /^[0-9a-f]{32}$/;
const ACCESS_KEY_ID = /^[\w.@$+=:-]{1,128}$/;
const REGION_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const STORAGE_CLASS = /^[A-Z][A-Z0-9_]{0,62}$/;

/**
 * The bucket name in `text`, or `undefined` where the rules for new general purpose buckets forbid it.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function parseBucketName(text: string): BucketName | undefined {
  const wellFormed =
    BUCKET_NAME.test(text) &&
    !text.includes('..') &&
    !IP_ADDRESS.test(text) &&
    !RESERVED_BUCKET_PREFIXES.some((prefix) => text.startsWith(prefix)) &&
    !RESERVED_BUCKET_SUFFIXES.some((suffix) => text.endsWith(suffix));
  return wellFormed ? (text as BucketName) : undefined;
}

/** The object key in `text`, or `undefined` where it is empty, too long, or no well-formed Unicode. */
export function parseObjectKey(text: string): ObjectKey | undefined {
  if (text === '' || !text.isWellFormed()) return undefined;
  if (text.length > OBJECT_KEY_BYTES_MAX) return undefined;
  return Buffer.byteLength(text) <= OBJECT_KEY_BYTES_MAX ? (text as ObjectKey) : undefined;
}

/** Any text may be asked for as a version id; only a metastore knows which exist. */
export function parseVersionId(text: string): VersionId {
  return text as VersionId;
}

/** Any text may be asked for as an upload id; only a metastore knows which exist. */
export function parseUploadId(text: string): UploadId {
  return text as UploadId;
}

export function parseBucketId(text: string): BucketId {
  return parseHex32(text, 'bucket id') as BucketId;
}

export function parseBlobId(text: string): BlobId {
  return parseHex32(text, 'blob id') as BlobId;
}

export function parseTenantId(text: string): TenantId {
  if (text === '') throw new TypeError('A tenant id must not be empty.');
  return text as TenantId;
}

/** The access key id in `text`, or `undefined` where it has a character that a credential cannot carry. */
export function parseAccessKeyId(text: string): AccessKeyId | undefined {
  return ACCESS_KEY_ID.test(text) ? (text as AccessKeyId) : undefined;
}

export function parseRegionName(text: string): RegionName | undefined {
  return REGION_NAME.test(text) ? (text as RegionName) : undefined;
}

export function parseStorageClass(text: string): StorageClass | undefined {
  return STORAGE_CLASS.test(text) ? (text as StorageClass) : undefined;
}

function parseHex32(text: string, what: string): string {
  if (!HEX_32.test(text)) throw new TypeError(`A ${what} is 32 hex digits, not ${JSON.stringify(text)}.`);
  return text;
}
