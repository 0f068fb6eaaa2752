import { PART_BYTES_MAX, PART_NUMBER_MAX } from '../domain/upload.ts';
import type { XmlElement } from '../xml/parse.ts';
import { EndpointError } from './endpoint-error.ts';
import { bytesOf, type ClientReply, type ReplyHeaders, type S3Client, waitToRetry } from './s3-client.ts';

const PAGE_KEYS = '1000';
/** Most buckets that a listing of them may have. */
const BUCKETS_MAX = 100_000;
/** Pages in a row that may show nothing: a source may filter, but not for ever. */
const EMPTY_PAGES_MAX = 100;
const RANGE_START = /^bytes (?<firstByte>\d+)-/;
/** The last millisecond of the year 9999, after which dates have another form. */
const TIME_MS_MAX = 253_402_300_799_999;
const STATUS_PARTIAL = 206;

interface Call {
  readonly signal: AbortSignal;
}

export interface SourceAddress {
  readonly bucket: string;
  readonly key: string;
}

/** An object as a listing shows it. */
export interface SourceObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** As it was sent, in quotes or not. */
  readonly etag: string;
  readonly lastModifiedMs: number;
}

/** The buckets that the key may list. */
export async function* listSourceBuckets(client: S3Client, call: Call): AsyncGenerator<string> {
  let token: string | undefined;
  const progress = new Progress('The list of buckets');
  for (let count = 0; count < BUCKETS_MAX; ) {
    const query = token === undefined ? {} : { 'continuation-token': token };
    const listing = await client.document({ method: 'GET', query }, call);
    const buckets = childrenOf(childOf(listing, 'Buckets'), 'Bucket');
    progress.page(buckets.length);
    for (const bucket of buckets) {
      count += 1;
      yield textOf(bucket, 'Name');
    }
    token = textOf(listing, 'ContinuationToken') || undefined;
    if (token === undefined) return;
  }
}

/** The current objects of a bucket whose keys have the prefix, in the order of the source, a page at a time. */
export async function* listSourceObjects(
  client: S3Client,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  call: Call,
): AsyncGenerator<SourceObject> {
  let after: Readonly<Record<string, string>> = { 'list-type': '2' };
  const progress = new Progress(`The listing of ${bucket}`);
  for (;;) {
    const query = { 'encoding-type': 'url', 'max-keys': PAGE_KEYS, prefix, ...after };
    const listing = await client.document({ method: 'GET', bucket, query }, call);
    const isEncoded = textOf(listing, 'EncodingType') === 'url';
    let last: string | undefined;
    const rows = childrenOf(listing, 'Contents');
    progress.page(rows.length);
    for (const row of rows) {
      const key = textOf(row, 'Key');
      last = isEncoded ? decodeKey(key) : key;
      requirePrefix(last, prefix);
      yield parseRow(row, last);
    }
    if (textOf(listing, 'IsTruncated') !== 'true') return;
    const token = textOf(listing, 'NextContinuationToken');
    // A server that knows no ListObjectsV2 answers as to the first version, which goes on after a key.
    const next = token !== '' ? { 'list-type': '2', 'continuation-token': token } : last && { marker: last };
    if (!next || JSON.stringify(next) === JSON.stringify(after)) {
      throw stalled(`The listing of ${bucket}`);
    }
    after = next;
  }
}

/** The tags of an object, as the source has them. */
export async function sourceTags(
  client: S3Client,
  at: SourceAddress,
  call: Call,
): Promise<readonly (readonly [key: string, value: string])[]> {
  const tagging = await client.document({ method: 'GET', ...at, query: { tagging: '' } }, call);
  return childrenOf(childOf(tagging, 'TagSet'), 'Tag').map(
    (tag) => [textOf(tag, 'Key'), textOf(tag, 'Value')] as const,
  );
}

/** The headers of an object; those of one part of it where there is a part number. */
export async function sourceHead(
  client: S3Client,
  at: SourceAddress & { readonly partNumber?: number },
  call: Call,
): Promise<ReplyHeaders> {
  const { bucket, key, partNumber } = at;
  const query = partNumber === undefined ? {} : { partNumber: `${partNumber}` };
  const { headers, body } = await client.send({ method: 'HEAD', bucket, key, query }, call);
  body.resume();
  return headers;
}

/**
 * The sizes of the parts that an object was uploaded in, in bytes; `undefined` where the source does not tell them, or
 * not `partsCount` of them that are the object.
 */
export async function sourcePartSizes(
  client: S3Client,
  at: SourceAddress,
  { partsCount, sizeBytes }: { readonly partsCount: number; readonly sizeBytes: number },
  call: Call,
): Promise<readonly number[] | undefined> {
  if (partsCount > PART_NUMBER_MAX) return undefined;
  const sizes: number[] = [];
  for (let partNumber = 1; partNumber <= partsCount; partNumber++) {
    try {
      const head = await sourceHead(client, { ...at, partNumber }, call);
      if (head['x-amz-mp-parts-count'] !== `${partsCount}`) return undefined;
      const partBytes = Number(head['content-length']);
      if (!(partBytes >= 0 && partBytes <= PART_BYTES_MAX)) return undefined;
      sizes.push(partBytes);
    } catch (error) {
      if (error instanceof EndpointError && !error.isTransient) return undefined;
      throw error;
    }
  }
  return sizes.reduce((sum, size) => sum + size, 0) === sizeBytes ? sizes : undefined;
}

/**
 * Bytes of one object, of the version with `etag` only. A connection that is lost is taken up where it ended.
 * `begun` is an answer that has exactly these bytes.
 */
export async function* readSource(
  client: S3Client,
  at: SourceAddress,
  range: { readonly etag: string | undefined; readonly offsetBytes: number; readonly lengthBytes: number },
  { signal, begun }: Call & { readonly begun?: ClientReply },
): AsyncGenerator<Uint8Array> {
  const { etag, offsetBytes, lengthBytes } = range;
  let reply = begun;
  let readBytes = 0;
  for (let failuresCount = 0; readBytes < lengthBytes; ) {
    try {
      reply ??= await client.sendOnce({ method: 'GET', ...at, headers: rangeHeaders(range, readBytes) }, { signal });
      if (reply !== begun) requireStart(reply, offsetBytes + readBytes);
      for await (const chunk of bytesOf(reply.body)) {
        readBytes += chunk.length;
        // Before it is passed on: an answer may have no end.
        if (readBytes > lengthBytes) throw new EndpointError('The source sent more than it said.', { code: 'TooLong' });
        failuresCount = 0;
        yield chunk;
      }
      if (readBytes < lengthBytes)
        throw new EndpointError('The answer of the source is short.', { code: 'ECONNRESET' });
    } catch (error) {
      if (error instanceof EndpointError && error.status === 412) {
        throw new EndpointError(`It changed while it was read: its ETag was ${etag}.`, {
          status: error.status,
          code: error.code,
          cause: error,
        });
      }
      reply = undefined;
      failuresCount += 1;
      await waitToRetry(error, failuresCount, signal);
    }
  }
}

/** Throws where the answer begins at another byte than the one that was asked for. */
function requireStart({ status, headers, body }: ClientReply, offsetBytes: number): void {
  const firstByte =
    status === STATUS_PARTIAL ? RANGE_START.exec(headers['content-range'] ?? '')?.groups?.['firstByte'] : 0;
  if (Number(firstByte) === offsetBytes) return;
  body.destroy();
  throw new EndpointError('The source does not answer ranges.', { code: 'NoRanges' });
}

function rangeHeaders(
  { etag, offsetBytes, lengthBytes }: Parameters<typeof readSource>[2],
  readBytes: number,
): Readonly<Record<string, string>> {
  const range = `bytes=${offsetBytes + readBytes}-${offsetBytes + lengthBytes - 1}`;
  return { range, ...(etag !== undefined && { 'if-match': etag }) };
}

function parseRow(row: XmlElement, key: string): SourceObject {
  const sizeBytes = Number(textOf(row, 'Size'));
  const lastModifiedMs = Date.parse(textOf(row, 'LastModified'));
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || !isTime(lastModifiedMs)) {
    throw new EndpointError(`The listing says nothing of use about ${JSON.stringify(key)}.`, { code: 'MalformedXML' });
  }
  return { key, sizeBytes, etag: textOf(row, 'ETag'), lastModifiedMs };
}

/** Whether a date can be stored, and written as S3 writes dates. */
export function isTime(ms: number): boolean {
  return ms >= 0 && ms <= TIME_MS_MAX;
}

/** What else a source lists is not what it was asked for, and could replace what stands beside it in the target. */
function requirePrefix(key: string, prefix: string): void {
  if (key.startsWith(prefix)) return;
  throw new EndpointError(`The listing has the key ${JSON.stringify(key)}, which does not begin with ${prefix}`, {
    code: 'ListingStrayed',
  });
}

/** Tells a listing that goes on for ever without showing anything. */
class Progress {
  readonly #what: string;
  #emptyPages = 0;

  constructor(what: string) {
    this.#what = what;
  }

  page(rowsCount: number): void {
    this.#emptyPages = rowsCount === 0 ? this.#emptyPages + 1 : 0;
    if (this.#emptyPages > EMPTY_PAGES_MAX) throw stalled(this.#what);
  }
}

function stalled(what: string): EndpointError {
  return new EndpointError(`${what} does not go on.`, { code: 'ListingStalled' });
}

/** As AWS encodes it, a space is a plus. */
function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new EndpointError(`The listing has a key that is not encoded as it says: ${text}`, {
      code: 'MalformedXML',
      cause,
    });
  }
}

function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

function textOf(element: XmlElement, name: string): string {
  return childOf(element, name)?.text ?? '';
}
