import type { Bucket } from '../../domain/bucket.ts';
import type { Checksum } from '../../domain/checksum.ts';
import type { ETag } from '../../domain/etag.ts';
import { HttpDates } from '../../domain/http-dates.ts';
import { NULL_VERSION_ID, type VersionId } from '../../domain/names.ts';
import type { StoredObject } from '../../domain/object-version.ts';
import type { HeaderFields } from '../reply.ts';
import { checksumHeaderName } from './expected-body.ts';

/** Objects that are asked for together were often made together. */
const dates = new HttpDates();

/** What GetObject and HeadObject say of a version, but for its length, range and checksum. */
export function objectHeaders(bucket: Bucket, version: StoredObject): HeaderFields {
  const { headers } = version;
  const fields: Record<string, string | number | undefined> = {
    'Accept-Ranges': 'bytes',
    'Last-Modified': httpDate(version.lastModifiedMs),
    ETag: quoteETag(version.etag),
    ...versionIdHeader(bucket, version.versionId),
    'x-amz-storage-class': version.storageClass === 'STANDARD' ? undefined : version.storageClass,
    'Content-Type': headers.contentType,
    'Cache-Control': headers.cacheControl,
    'Content-Disposition': headers.contentDisposition,
    'Content-Encoding': headers.contentEncoding,
    'Content-Language': headers.contentLanguage,
    Expires: headers.expires,
    'x-amz-website-redirect-location': headers.websiteRedirectLocation,
  };
  for (const [name, value] of version.userMetadata) fields[`x-amz-meta-${name}`] = value;
  return fields;
}

/** `x-amz-version-id`, in buckets that have or had versioning; versions made before it have the id `null`. */
export function versionIdHeader(bucket: Bucket, versionId: VersionId): HeaderFields {
  return bucket.configuration.versioning === 'unversioned' ? {} : { 'x-amz-version-id': versionId };
}

/** `x-amz-version-id` in the answer to a write. S3 names new versions there, but not the null version it replaced. */
export function newVersionHeader(versionId: VersionId): HeaderFields {
  return versionId === NULL_VERSION_ID ? {} : { 'x-amz-version-id': versionId };
}

/** A checksum and its type; nothing for `undefined`. */
export function checksumHeaders(checksum: Checksum | undefined): HeaderFields {
  if (checksum === undefined) return {};
  return { [checksumHeaderName(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

export function quoteETag(etag: ETag): string {
  return `"${etag}"`;
}

/** A time as HTTP writes it; fractions of a second are dropped. */
export function httpDate(ms: number): string {
  return dates.text(ms);
}
