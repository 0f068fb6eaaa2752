import { type BucketName, type ObjectKey, parseBucketName, parseObjectKey, type VersionId } from '../domain/names.ts';
import type { StoredObject } from '../domain/object-version.ts';
import { S3Error } from '../domain/s3-error.ts';
import type { ByteRange } from '../stores/blobstore.ts';
import { checkReadConditions, type ReadConditions, readConditions } from './headers/conditions.ts';
import { invalidArgument, requireVersionId } from './headers/parameters.ts';
import type { ContextOf, OpenBucket } from './operation.ts';
import { type OpenedVersion, openVersion } from './read-object.ts';
import type { S3Request } from './request.ts';

const HEADER = 'x-amz-copy-source';
const RANGE_HEADER = 'x-amz-copy-source-range';
const VERSION_MARK = '?versionId=';
const RANGE = /^bytes=(\d{1,15})-(\d{1,15})$/;

/** What CopyObject and UploadPartCopy read from. */
export interface CopySource {
  readonly bucket: BucketName;
  readonly key: ObjectKey;
  readonly versionId: VersionId | undefined;
  readonly conditions: ReadConditions;
}

/** A source that the caller may read, that is an object, and of which the conditions hold; held under a read pin. */
export interface OpenedSource extends Disposable {
  readonly bucket: OpenBucket;
  readonly version: StoredObject;
  /** The bytes in `range`; takes the pin over. Called once. */
  stream(range: ByteRange): AsyncIterable<Uint8Array>;
}

/**
 * The source in `x-amz-copy-source`: `bucket/key?versionId=id`, with or without a leading slash, percent-encoded once.
 * Throws InvalidArgument; NotImplemented for access points.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export function parseCopySource(request: S3Request): CopySource {
  const text = request.headers.get(HEADER) ?? '';
  const { path, versionId } = splitVersion(text);
  const decoded = decode(text, path).replace(/^\//, '');
  if (decoded.startsWith('arn:')) {
    throw new S3Error('NotImplemented', {
      message: 'Access points as the source of a copy are not implemented; name the source as bucket/key.',
      elements: { Header: HEADER },
    });
  }
  const slash = decoded.indexOf('/');
  if (slash <= 0 || slash === decoded.length - 1) {
    throw invalidArgument(HEADER, text, 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey');
  }
  const bucket = parseBucketName(decoded.slice(0, slash));
  if (bucket === undefined)
    throw new S3Error('InvalidBucketName', { elements: { BucketName: decoded.slice(0, slash) } });
  const key = parseObjectKey(decoded.slice(slash + 1));
  if (key === undefined) throw new S3Error('KeyTooLongError');
  return { bucket, key, versionId, conditions: readConditions(request, 'x-amz-copy-source-') };
}

/**
 * Authorizes the reading of `source` and looks it up.
 * Throws NoSuchBucket, AccessDenied, NoSuchKey, NoSuchVersion, PreconditionFailed; InvalidRequest for a delete marker
 * named by its version id.
 */
export async function openCopySource(context: ContextOf<'object'>, source: CopySource): Promise<OpenedSource> {
  const { key, versionId } = source;
  const bucket = await context.openBucket(
    source.bucket,
    versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion',
    key,
    versionId,
  );
  const { readPins, signal } = context;
  const at = { bucketId: bucket.bucket.id, key, versionId };
  const opened = await openVersion({ readPins, signal, region: bucket.region }, at);
  try {
    bucket.requireAccess(opened.version);
    const version = requireSource(source, opened);
    return {
      bucket,
      version,
      stream: (range) => opened.stream(version, range),
      [Symbol.dispose]: () => opened[Symbol.dispose](),
    };
  } catch (error) {
    opened[Symbol.dispose]();
    throw error;
  }
}

/** Bytes `first` to `last`, 0-based, both included. */
export interface CopyRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The range in `x-amz-copy-source-range`, `bytes=first-last` and nothing else; `undefined` where there is none.
 * Throws InvalidArgument.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 */
export function parseCopyRange(request: S3Request): CopyRange | undefined {
  const text = request.headers.get(RANGE_HEADER);
  if (text === undefined) return undefined;
  const [, first, last] = RANGE.exec(text) ?? [];
  if (first !== undefined && last !== undefined && Number(first) <= Number(last)) {
    return { first: Number(first), last: Number(last) };
  }
  throw invalidArgument(RANGE_HEADER, text, `${RANGE_HEADER} must be bytes=first-last, zero-based and both included.`);
}

/** `range` in a source of `sizeBytes`. Unlike Range it must lie within. Throws InvalidRange. */
export function resolveCopyRange({ first, last }: CopyRange, sizeBytes: number): ByteRange {
  if (last < sizeBytes) return { offsetBytes: first, lengthBytes: last - first + 1 };
  throw new S3Error('InvalidRange', {
    message: `The range bytes=${first}-${last} is not within the source, which has ${sizeBytes} bytes.`,
    elements: { RangeRequested: `bytes=${first}-${last}`, ActualObjectSize: sizeBytes },
  });
}

function requireSource(source: CopySource, { version }: OpenedVersion): StoredObject {
  const { key, versionId } = source;
  if (version === undefined) {
    if (versionId === undefined) throw new S3Error('NoSuchKey', { elements: { Key: key } });
    throw new S3Error('NoSuchVersion', { elements: { Key: key, VersionId: versionId } });
  }
  if (version.kind === 'delete-marker') {
    if (versionId === undefined) throw new S3Error('NoSuchKey', { elements: { Key: key } });
    throw new S3Error('InvalidRequest', {
      message: 'The source of a copy request may not specifically refer to a delete marker by version id.',
    });
  }
  if (checkReadConditions(source.conditions, version) !== 'holds') {
    throw new S3Error('PreconditionFailed', { elements: { Condition: 'x-amz-copy-source-If-*' } });
  }
  return version;
}

function splitVersion(text: string): { readonly path: string; readonly versionId: VersionId | undefined } {
  const mark = text.lastIndexOf(VERSION_MARK);
  if (mark < 0) return { path: text, versionId: undefined };
  const versionId = requireVersionId(decode(text, text.slice(mark + VERSION_MARK.length)));
  return { path: text.slice(0, mark), versionId };
}

function decode(header: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error('InvalidArgument', {
      message: 'The copy source must be percent-encoded UTF-8.',
      elements: { ArgumentName: HEADER, ArgumentValue: header },
      cause,
    });
  }
}
