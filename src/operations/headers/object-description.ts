import { parseStorageClass, type StorageClass } from '../../domain/names.ts';
import type { SystemHeaders, UserMetadata } from '../../domain/object-version.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { Blobstore } from '../../stores/blobstore.ts';
import type { RegionStores } from '../../stores/stores.ts';
import type { S3Request } from '../request.ts';
import { invalidArgument } from './parameters.ts';

/** Largest sum of the names (without `x-amz-meta-`) and values of user metadata, in bytes. */
export const USER_METADATA_BYTES_MAX = 2 * 1024;
/** Longest system header that is stored, in bytes. */
export const SYSTEM_HEADER_BYTES_MAX = 2 * 1024;

const USER_METADATA_PREFIX = 'x-amz-meta-';
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';
/** Queries and forms can hold others. Source: https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const CONTROL_CHARACTER = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * The headers that are stored with an object and given back as they were sent. `aws-chunked` says how the body
 * travelled, so it is taken out of Content-Encoding.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#SysMetadata
 */
export function systemHeaders(request: S3Request): SystemHeaders {
  const cacheControl = storedHeader(request, 'cache-control');
  const contentDisposition = storedHeader(request, 'content-disposition');
  const contentEncoding = withoutAwsChunked(storedHeader(request, 'content-encoding'));
  const contentLanguage = storedHeader(request, 'content-language');
  const expires = storedHeader(request, 'expires');
  const websiteRedirectLocation = redirectLocation(request);
  return {
    contentType: storedHeader(request, 'content-type') ?? DEFAULT_CONTENT_TYPE,
    ...(cacheControl !== undefined && { cacheControl }),
    ...(contentDisposition !== undefined && { contentDisposition }),
    ...(contentEncoding !== undefined && { contentEncoding }),
    ...(contentLanguage !== undefined && { contentLanguage }),
    ...(expires !== undefined && { expires }),
    ...(websiteRedirectLocation !== undefined && { websiteRedirectLocation }),
  };
}

/**
 * The `x-amz-meta-*` headers; repeated ones are joined by commas. Values are kept byte for byte, UTF-8 or not.
 * Throws MetadataTooLarge; InvalidArgument for control characters and for a name that is no header's.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
 */
export function userMetadata(request: S3Request): UserMetadata {
  const metadata: (readonly [string, string])[] = [];
  let sizeBytes = 0;
  for (const header of request.headers.names()) {
    if (!header.startsWith(USER_METADATA_PREFIX)) continue;
    const name = header.slice(USER_METADATA_PREFIX.length);
    const value = request.headers.raw(header) ?? '';
    if (!HEADER_NAME.test(name)) {
      throw invalidArgument(
        header,
        value,
        'The name after x-amz-meta- must be that of a header: letters, digits and marks such as - and _.',
      );
    }
    requireNoControlCharacters(header, value);
    metadata.push([name, value]);
    sizeBytes += name.length + value.length;
  }
  if (sizeBytes > USER_METADATA_BYTES_MAX) {
    throw new S3Error('MetadataTooLarge', {
      elements: { Size: sizeBytes, MaxSizeAllowed: USER_METADATA_BYTES_MAX },
    });
  }
  return metadata;
}

/** The storage class asked for, STANDARD by default; whether it exists in the region, `blobstoreOf` tells. */
export function storageClassOf(request: S3Request): StorageClass {
  return requireStorageClass(request.headers.get('x-amz-storage-class') ?? 'STANDARD');
}

/** The blobstore of a storage class. Throws InvalidStorageClass where the region has none. */
export function blobstoreOf(region: RegionStores, storageClass: StorageClass): Blobstore {
  const blobstore = region.blobs.get(storageClass);
  if (blobstore !== undefined) return blobstore;
  const configured = [...region.blobs.keys()].join(', ');
  throw new S3Error('InvalidStorageClass', {
    message: `The storage class ${storageClass} is not configured in region ${region.name}; it has ${configured}.`,
    elements: { StorageClassRequested: storageClass },
  });
}

/** Throws InvalidArgument where `value` could not be sent back as a header. */
export function requireNoControlCharacters(name: string, value: string): void {
  if (!CONTROL_CHARACTER.test(value)) return;
  throw new S3Error('InvalidArgument', {
    message: `${name} must not contain control characters.`,
    elements: { ArgumentName: name },
  });
}

function requireStorageClass(text: string): StorageClass {
  const storageClass = parseStorageClass(text);
  if (storageClass !== undefined) return storageClass;
  throw new S3Error('InvalidStorageClass', { elements: { StorageClassRequested: text } });
}

function storedHeader(request: S3Request, name: string): string | undefined {
  const value = request.headers.raw(name);
  if (value === undefined || value === '') return undefined;
  requireNoControlCharacters(name, value);
  if (value.length <= SYSTEM_HEADER_BYTES_MAX) return value;
  throw new S3Error('MetadataTooLarge', {
    message: `The header ${name} is longer than ${SYSTEM_HEADER_BYTES_MAX} bytes.`,
    elements: { Size: value.length, MaxSizeAllowed: SYSTEM_HEADER_BYTES_MAX },
  });
}

function withoutAwsChunked(encoding: string | undefined): string | undefined {
  if (encoding === undefined || !/aws-chunked/i.test(encoding)) return encoding;
  const kept = encoding
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding.toLowerCase() !== 'aws-chunked');
  return kept.length === 0 ? undefined : kept.join(', ');
}

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html */
function redirectLocation(request: S3Request): string | undefined {
  const location = storedHeader(request, 'x-amz-website-redirect-location');
  if (location === undefined || /^(?:\/|https?:\/\/)/.test(location)) return location;
  throw invalidArgument(
    'x-amz-website-redirect-location',
    location,
    'The website redirect location must begin with /, http:// or https://.',
  );
}
