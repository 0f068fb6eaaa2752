import type { Owner } from '../domain/bucket.ts';
import { type ETag, etagOfParts, parseETag } from '../domain/etag.ts';
import type { ObjectKey } from '../domain/names.ts';
import { DEFAULT_ATTRIBUTES, type SystemHeaders, type UserMetadata } from '../domain/object-version.ts';
import { S3Error } from '../domain/s3-error.ts';
import { OBJECT_TAGS_MAX, requireTags } from '../domain/tags.ts';
import { OBJECT_BYTES_MAX, PART_BYTES_MAX, PART_NUMBER_MAX } from '../domain/upload.ts';
import { EndpointError } from '../s3-client/endpoint-error.ts';
import type { ClientReply, ReplyHeaders, S3Client } from '../s3-client/s3-client.ts';
import {
  isTime,
  readSource,
  type SourceObject,
  sourceHead,
  sourcePartSizes,
  sourceTags,
} from '../s3-client/s3-source.ts';
import { storageClassIn } from './storage-class-in.ts';
import {
  type BucketPlace,
  type IncomingPart,
  type IncomingVersion,
  type StoreContext,
  storeParts,
  storeWhole,
} from './store-version.ts';

const USER_METADATA_PREFIX = 'x-amz-meta-';
/** The ETag of a completed upload ends with the number of its parts. */
const ETAG_OF_PARTS = /^[0-9a-f]{32}-(?<partsCount>[1-9]\d{0,4})$/;
/** What a longer object, whose parts the source does not tell, is cut into, in bytes. */
const CUT_BYTES = 1024 ** 3;
const STATUS_NOT_FOUND = 404;

export interface ImportTarget extends BucketPlace {
  readonly slot: 'null' | 'new';
  readonly owner: Owner;
}

export type ImportOutcome =
  | { readonly kind: 'copied'; readonly sizeBytes: number }
  | { readonly kind: 'same' | 'gone' };

/**
 * Brings one object of `bucket` over: bytes, headers, metadata, tags, time and ETag. It is `same` where the target has
 * its ETag and size already, `gone` where the source has it no more. An MD5 is verified; a completed upload gets its
 * parts back where the source tells them, and is else verified by its length.
 * Throws: `EndpointError`, `StoreError`.
 */
export async function importObject(
  context: StoreContext & { readonly client: S3Client },
  { bucket, key, listed }: { readonly bucket: string; readonly key: ObjectKey; readonly listed: SourceObject },
  to: ImportTarget,
): Promise<ImportOutcome> {
  const existing = await to.region.meta.getVersion({ bucketId: to.bucketId, key }, context);
  if (existing?.kind === 'object' && isSame(existing, listed)) return { kind: 'same' };
  try {
    const sizeBytes = await bringOver(context, { bucket, key, listed }, to);
    return { kind: 'copied', sizeBytes };
  } catch (error) {
    if (error instanceof EndpointError && error.status === STATUS_NOT_FOUND) return { kind: 'gone' };
    if (error instanceof S3Error && error.code === 'BadDigest') {
      const message = `Its bytes do not have the MD5 that its ETag says (${listed.etag}).`;
      throw new EndpointError(message, { code: error.code, cause: error });
    }
    throw error;
  }
}

/** Where the source has no ETag that can be kept, the time tells. */
function isSame(
  existing: { readonly etag: ETag; readonly sizeBytes: number; readonly lastModifiedMs: number },
  { etag, sizeBytes, lastModifiedMs }: SourceObject,
): boolean {
  const known = parseETag(etag);
  if (existing.sizeBytes !== sizeBytes) return false;
  return known === undefined ? secondOf(existing.lastModifiedMs) === secondOf(lastModifiedMs) : existing.etag === known;
}

async function bringOver(
  context: StoreContext & { readonly client: S3Client },
  { bucket, key, listed }: Parameters<typeof importObject>[1],
  to: ImportTarget,
): Promise<number> {
  const { client, signal } = context;
  const at = { bucket, key };
  if (partsCountOf(listed.etag) === undefined && listed.sizeBytes <= PART_BYTES_MAX) {
    const begun = await client.send({ method: 'GET', ...at }, { signal });
    // What is not read to its end must not hold its connection.
    using _ = { [Symbol.dispose]: () => void (begun.body.complete ? begun.body.resume() : begun.body.destroy()) };
    return await bringWhole(context, { at, listed, headers: begun.headers, begun }, to);
  }
  const headers = await sourceHead(client, at, { signal });
  const sizeBytes = lengthOf(headers);
  const partsCount = partsCountOf(headers.etag);
  const told =
    partsCount === undefined ? undefined : await sourcePartSizes(client, at, { partsCount, sizeBytes }, { signal });
  const sizes = told ?? (sizeBytes > PART_BYTES_MAX ? cutsOf(sizeBytes) : undefined);
  if (sizes === undefined) return await bringWhole(context, { at, listed, headers }, to);
  const version = await versionOf(context, { at, key, listed, headers }, to);
  const etag = parseETag(headers.etag ?? '');
  const etagOf = (partETags: readonly ETag[]) => keptETag(etag, { partETags, isTold: told === sizes, headers });
  await storeParts(context, to, { ...version, etagOf }, partsOf(client, at, { sizes, etag: headers.etag, signal }));
  return sizeBytes;
}

function partsCountOf(etag = ''): number | undefined {
  const count = ETAG_OF_PARTS.exec(parseETag(etag) ?? '')?.groups?.['partsCount'];
  return count === undefined ? undefined : Number(count);
}

async function bringWhole(
  context: StoreContext & { readonly client: S3Client },
  source: {
    readonly at: { readonly bucket: string; readonly key: ObjectKey };
    readonly listed: SourceObject;
    readonly headers: ReplyHeaders;
    readonly begun?: ClientReply;
  },
  to: ImportTarget,
): Promise<number> {
  const { at, headers, begun } = source;
  const version = await versionOf(context, { ...source, key: at.key }, to);
  const { sizeBytes } = version;
  if (sizeBytes > PART_BYTES_MAX)
    throw tooLarge(`It has ${sizeBytes} bytes, where ${source.listed.sizeBytes} were listed.`);
  const range = { etag: headers.etag, offsetBytes: 0, lengthBytes: sizeBytes };
  const bytes = readSource(context.client, at, range, { signal: context.signal, ...(begun && { begun }) });
  const etag = parseETag(headers.etag ?? '');
  await storeWhole(context, to, { ...version, etag, isDigest: !isEncrypted(headers) }, bytes);
  return sizeBytes;
}

async function versionOf(
  { client, signal }: StoreContext & { readonly client: S3Client },
  source: {
    readonly at: { readonly bucket: string; readonly key: string };
    readonly key: ObjectKey;
    readonly listed: SourceObject;
    readonly headers: ReplyHeaders;
  },
  { slot, owner, region }: ImportTarget,
): Promise<IncomingVersion> {
  const { at, key, listed, headers } = source;
  const tagsCount = Number(headers['x-amz-tagging-count'] ?? 0);
  const tags = tagsCount > 0 ? requireTags(await sourceTags(client, at, { signal }), OBJECT_TAGS_MAX) : [];
  return {
    key,
    slot,
    owner,
    lastModifiedMs: lastModifiedOf(headers, listed),
    sizeBytes: lengthOf(headers),
    checksum: undefined,
    headers: systemHeadersOf(headers),
    userMetadata: userMetadataOf(headers),
    storageClass: storageClassIn(region, storageClassOf(headers)),
    attributes: { ...DEFAULT_ATTRIBUTES, tags },
  };
}

async function* partsOf(
  client: S3Client,
  at: { readonly bucket: string; readonly key: string },
  source: { readonly sizes: readonly number[]; readonly etag: string | undefined; readonly signal: AbortSignal },
): AsyncGenerator<IncomingPart> {
  let offsetBytes = 0;
  for (const [index, sizeBytes] of source.sizes.entries()) {
    const range = { etag: source.etag, offsetBytes, lengthBytes: sizeBytes };
    const bytes = readSource(client, at, range, { signal: source.signal });
    yield { partNumber: index + 1, sizeBytes, checksum: undefined, bytes };
    offsetBytes += sizeBytes;
  }
}

/** The source's own, once the parts have shown that it is theirs. Throws `EndpointError`. */
function keptETag(
  etag: ETag | undefined,
  parts: { readonly partETags: readonly ETag[]; readonly isTold: boolean; readonly headers: ReplyHeaders },
): ETag {
  const made = etagOfParts(parts.partETags);
  if (etag === undefined || etag === made) return made;
  if (!parts.isTold || isEncrypted(parts.headers)) return etag;
  throw new EndpointError(`Its parts give the ETag ${made}, and the source says ${etag}.`, { code: 'BadDigest' });
}

/**
 * Whether the ETag is no digest of the bytes.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
function isEncrypted(headers: ReplyHeaders): boolean {
  const encryption = headers['x-amz-server-side-encryption'];
  return typeof encryption === 'string' && encryption.startsWith('aws:kms');
}

function cutsOf(sizeBytes: number): readonly number[] {
  const cutBytes = Math.max(CUT_BYTES, Math.ceil(sizeBytes / PART_NUMBER_MAX));
  const cutsCount = Math.ceil(sizeBytes / cutBytes);
  return Array.from({ length: cutsCount }, (_, index) => Math.min(cutBytes, sizeBytes - index * cutBytes));
}

function lengthOf(headers: ReplyHeaders): number {
  const sizeBytes = Number(headers['content-length']);
  if (sizeBytes > OBJECT_BYTES_MAX) throw tooLarge(`No object has more than ${OBJECT_BYTES_MAX} bytes.`);
  if (headers['content-length'] !== undefined && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0) return sizeBytes;
  throw new EndpointError('The source does not say how long it is.', { code: 'MissingContentLength' });
}

function tooLarge(message: string): EndpointError {
  return new EndpointError(message, { code: 'EntityTooLarge' });
}

/** The header has seconds; the listing has milliseconds of the same time, unless the object was replaced since. */
function lastModifiedOf(headers: ReplyHeaders, listed: SourceObject): number {
  const ms = Date.parse(headers['last-modified'] ?? '');
  return !isTime(ms) || secondOf(listed.lastModifiedMs) === secondOf(ms) ? listed.lastModifiedMs : ms;
}

function secondOf(ms: number): number {
  return Math.floor(ms / 1000);
}

function systemHeadersOf(headers: ReplyHeaders): SystemHeaders {
  const redirect = headers['x-amz-website-redirect-location'];
  const fields = {
    contentType: headers['content-type'],
    cacheControl: headers['cache-control'],
    contentDisposition: headers['content-disposition'],
    contentEncoding: headers['content-encoding'],
    contentLanguage: headers['content-language'],
    expires: headers.expires,
    websiteRedirectLocation: typeof redirect === 'string' ? redirect : undefined,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''));
}

function userMetadataOf(headers: ReplyHeaders): UserMetadata {
  return Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(USER_METADATA_PREFIX) && typeof value === 'string'
      ? [[name.slice(USER_METADATA_PREFIX.length), value] as const]
      : [],
  );
}

function storageClassOf(headers: ReplyHeaders): string | undefined {
  const named = headers['x-amz-storage-class'];
  return typeof named === 'string' ? named : undefined;
}
