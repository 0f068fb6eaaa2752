import type { Bucket, Tag } from '../../domain/bucket.ts';
import type { Checksum } from '../../domain/checksum.ts';
import type { Identity } from '../../domain/identity.ts';
import type { DeleteMarker, ManifestPart, ObjectVersion, StoredObject } from '../../domain/object-version.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { ByteRange } from '../../stores/blobstore.ts';
import { checkReadConditions, parseTimestampSeconds } from '../headers/conditions.ts';
import { checksumHeaders, httpDate, objectHeaders, quoteETag, versionIdHeader } from '../headers/object-headers.ts';
import { contentRange, type RequestedRange, resolveRange } from '../headers/range.ts';
import type { ContextOf } from '../operation.ts';
import type { HeaderFields } from '../reply.ts';
import type { ReadInput, RequestedExtent } from './read-request.ts';

/** The bytes of a version that are to be sent, and what is said of them. */
export interface Selection {
  readonly range: ByteRange;
  /** `whole`: 200; otherwise 206. */
  readonly kind: RequestedExtent['kind'];
  /** Of exactly these bytes. */
  readonly checksum: Checksum | undefined;
  /** Number of parts of the object, where one part of a completed upload was asked for. */
  readonly partsCount: number | undefined;
}

/** What GetObject and HeadObject answer. */
export type ReadResult<Body> =
  | { readonly kind: 'not-modified'; readonly bucket: Bucket; readonly version: StoredObject }
  | {
      readonly kind: 'found';
      readonly bucket: Bucket;
      readonly version: StoredObject;
      readonly selection: Selection;
      readonly input: ReadInput;
      /** How many tags the version has, if the caller may read them; S3 does not speak of none. */
      readonly tagsCount: number | undefined;
      readonly body: Body;
    };

/** Throws InvalidRequest for `response-*` parameters in an anonymous request, as S3 does. */
export function requireOverridesAllowed(identity: Identity, input: ReadInput): void {
  if (identity.kind !== 'anonymous' || Object.keys(input.overrides).length === 0) return;
  throw new S3Error('InvalidRequest', {
    message: 'Request specific response headers cannot be used for anonymous GET requests.',
  });
}

/**
 * The object that a read is about.
 * Throws NoSuchKey, NoSuchVersion 404; MethodNotAllowed 405 for a delete marker named by its version id.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
 */
export function requireObject(
  bucket: Bucket,
  version: ObjectVersion | undefined,
  input: Pick<ReadInput, 'method' | 'key' | 'versionId'>,
): StoredObject {
  if (version?.kind === 'object') return version;
  const { key, versionId } = input;
  if (version !== undefined) throw deleteMarkerError(bucket, version, input);
  if (versionId === undefined) throw new S3Error('NoSuchKey', { elements: { Key: key } });
  throw new S3Error('NoSuchVersion', { elements: { Key: key, VersionId: versionId } });
}

/** The version that a request names, and how, for the error that there is none. */
export interface VersionTarget extends Pick<ReadInput, 'method' | 'key' | 'versionId'> {
  /** Tags that the body brings, for policies that ask for them. */
  readonly requestTags?: readonly Tag[];
}

/**
 * The object that a request names, once the caller is known to have the right to it.
 * Throws AccessDenied 403; as `requireObject`.
 */
export async function findObject(context: ContextOf<'object'>, target: VersionTarget): Promise<StoredObject> {
  const { bucket, region, signal } = context;
  const { key, versionId, requestTags } = target;
  const found = await region.meta.getVersion({ bucketId: bucket.id, key, versionId }, { signal });
  context.requireAccess(found, requestTags);
  return requireObject(bucket, found, target);
}

/** Whether the client has this version already. Throws PreconditionFailed 412. */
export function isNotModified(version: StoredObject, { key, conditions }: ReadInput): boolean {
  const verdict = checkReadConditions(conditions, version);
  if (verdict !== 'failed') return verdict === 'not-modified';
  const Condition = conditions.ifMatch === undefined ? 'If-Unmodified-Since' : 'If-Match';
  throw new S3Error('PreconditionFailed', { elements: { Condition, Key: key } });
}

/**
 * The bytes that are asked for. A part of an object that was not uploaded in parts is the whole of it.
 * Throws InvalidRange, InvalidPartNumber 416.
 */
export async function selectBytes(
  { region, signal }: Pick<ContextOf<'object'>, 'region' | 'signal'>,
  version: StoredObject,
  extent: RequestedExtent,
): Promise<Selection> {
  const { sizeBytes, checksum, body } = version;
  const whole = { offsetBytes: 0, lengthBytes: sizeBytes };
  switch (extent.kind) {
    case 'whole':
      return { kind: 'whole', range: whole, checksum, partsCount: undefined };
    case 'range':
      if (!rangeCounts(version, extent.ifRange)) {
        return { kind: 'whole', range: whole, checksum, partsCount: undefined };
      }
      return { kind: 'range', range: requireRange(extent, sizeBytes), checksum: undefined, partsCount: undefined };
    case 'part': {
      const { partNumber } = extent;
      if (body.kind !== 'manifest') {
        if (partNumber !== 1) throw noSuchPart(partNumber, 1);
        return { kind: sizeBytes === 0 ? 'whole' : 'part', range: whole, checksum, partsCount: undefined };
      }
      const { manifestId, partsCount } = body;
      const [part] = await region.meta.readManifest(manifestId, { partNumber }, 1, { signal });
      if (part?.partNumber !== partNumber) throw noSuchPart(partNumber, partsCount);
      return partSelection(part, partsCount);
    }
  }
}

/** Everything a 200 or 206 says but its length. */
export function foundHeaders({ bucket, version, selection, input, tagsCount }: FoundResult): HeaderFields {
  const { range, kind, checksum, partsCount } = selection;
  return {
    ...objectHeaders(bucket, version),
    'Content-Range': kind === 'whole' ? undefined : contentRange(range, version.sizeBytes),
    'x-amz-mp-parts-count': partsCount,
    'x-amz-tagging-count': tagsCount,
    ...(input.withChecksum ? checksumHeaders(checksum) : undefined),
    ...input.overrides,
  };
}

export function countTags(context: Pick<ContextOf<'object'>, 'isAllowed'>, version: StoredObject): number | undefined {
  const { key, attributes } = version;
  if (attributes.tags.length === 0) return undefined;
  return context.isAllowed('s3:GetObjectTagging', key) ? attributes.tags.length : undefined;
}

type FoundResult = Omit<Extract<ReadResult<unknown>, { readonly kind: 'found' }>, 'kind' | 'body'>;

/** What a 304 says: what a cache needs to go on using what it has. */
export function notModifiedHeaders(bucket: Bucket, version: StoredObject): HeaderFields {
  return {
    ETag: quoteETag(version.etag),
    'Last-Modified': httpDate(version.lastModifiedMs),
    'Cache-Control': version.headers.cacheControl,
    Expires: version.headers.expires,
    ...versionIdHeader(bucket, version.versionId),
  };
}

function deleteMarkerError(
  bucket: Bucket,
  marker: DeleteMarker,
  { method, key, versionId }: Pick<ReadInput, 'method' | 'key' | 'versionId'>,
): S3Error {
  const headers: [string, string][] = [['x-amz-delete-marker', 'true']];
  for (const [name, value] of Object.entries(versionIdHeader(bucket, marker.versionId))) {
    headers.push([name, String(value)]);
  }
  if (versionId === undefined) return new S3Error('NoSuchKey', { elements: { Key: key }, headers });
  headers.push(['Allow', 'DELETE'], ['Last-Modified', httpDate(marker.lastModifiedMs)]);
  return new S3Error('MethodNotAllowed', { elements: { Method: method, ResourceType: 'DeleteMarker' }, headers });
}

/** Source: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5 */
function rangeCounts(version: StoredObject, ifRange: string | undefined): boolean {
  if (ifRange === undefined) return true;
  const seconds = parseTimestampSeconds(ifRange);
  if (seconds !== undefined) return seconds === Math.floor(version.lastModifiedMs / 1000);
  return ifRange === quoteETag(version.etag);
}

function requireRange({ range, text }: { range: RequestedRange; text: string }, sizeBytes: number): ByteRange {
  const resolved = resolveRange(range, sizeBytes);
  if (resolved !== undefined) return resolved;
  throw new S3Error('InvalidRange', {
    elements: { RangeRequested: text, ActualObjectSize: sizeBytes },
    headers: [['Content-Range', `bytes */${sizeBytes}`]],
  });
}

function partSelection(part: ManifestPart, partsCount: number): Selection {
  const { offsetBytes, sizeBytes, checksum } = part;
  // An empty part has no bytes that Content-Range could name.
  const kind = sizeBytes === 0 ? 'whole' : 'part';
  return { kind, range: { offsetBytes, lengthBytes: sizeBytes }, checksum, partsCount };
}

function noSuchPart(partNumber: number, partsCount: number): S3Error {
  return new S3Error('InvalidPartNumber', {
    elements: { PartNumberRequested: partNumber, ActualPartCount: partsCount },
  });
}
