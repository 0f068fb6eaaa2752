import type { Checksum } from '../domain/checksum.ts';
import { checksumOf, createDigest } from '../domain/digests.ts';
import { type ETag, etagOfMd5 } from '../domain/etag.ts';
import { createStreamMd5, md5Of } from '../domain/md5/stream-md5.ts';
import type { BlobId, StorageClass } from '../domain/names.ts';
import type { ObjectBody } from '../domain/object-version.ts';
import { S3Error } from '../domain/s3-error.ts';
import type { Blobstore } from '../stores/blobstore.ts';
import { freeOnReturn, returnPiece } from '../stores/lent-pieces.ts';
import type { Metastore } from '../stores/metastore.ts';
import type { BlobIntent } from '../stores/reclaim.ts';
import { StoreError } from '../stores/store.ts';
import {
  checksumHeaderName,
  type ExpectedBody,
  entityTooLarge,
  requireChecksumValue,
} from './headers/expected-body.ts';
import { blobstoreOf } from './headers/object-description.ts';
import type { OpenBucket, OperationContext } from './operation.ts';
import { takeIntent } from './ready-intents.ts';

/** How often the intent of a slow body is renewed, in milliseconds; reclaim lets intents rest for far longer. */
const RENEW_INTENT_AFTER_MS = 60_000;
/** How long giving up an intent may take once the request has ended, in milliseconds. */
const ABANDON_TIMEOUT_MS = 10_000;

/** Bytes that arrived whole and as announced, and that nothing uses yet. */
export interface ReceivedBody extends AsyncDisposable {
  readonly body: Exclude<ObjectBody, { readonly kind: 'manifest' }>;
  readonly sizeBytes: number;
  readonly etag: ETag;
  /** The checksum that `expected` asked for. */
  readonly checksum: Checksum | undefined;

  /**
   * Runs the step that takes the bytes into use (`putVersion`, `putPart`) and gives back its outcome. Unless that is
   * `stored`, the bytes are given up when this is disposed of. Where the outcome is not known (in doubt, or the
   * client has gone meanwhile) they may be in use: reclaim will find out.
   */
  commit<Outcome extends { readonly kind: string }>(step: () => Promise<Outcome>): Promise<Outcome>;
}

export interface ReceiveOptions {
  readonly storageClass: StorageClass;
  readonly expected: ExpectedBody;
  /** Longest body that comes back inline, in bytes; with 0 only a body of no bytes does. */
  readonly inlineBytesMax: number;
}

export type ReceiveContext = Pick<OperationContext, 'ids' | 'clock' | 'signal'> & Pick<OpenBucket, 'region'>;

/**
 * Reads a body once, a short one into memory, a longer one into a blob under an intent. Its digests are verified
 * after its last byte, before the bytes can be taken into use.
 *
 * Throws: EntityTooLarge, BadDigest, InvalidRequest and MalformedTrailerError (a checksum in the trailer that is none,
 *   or missing), InvalidStorageClass, ServiceUnavailable (so slow that reclaim took the blob), and what `body` throws.
 */
export async function receiveBody(
  context: ReceiveContext,
  body: AsyncIterable<Uint8Array>,
  options: ReceiveOptions,
): Promise<ReceivedBody> {
  const { expected, inlineBytesMax } = options;
  const chunks = body[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let sizeBytes = 0;
  let ended = false;
  try {
    while (sizeBytes <= inlineBytesMax) {
      const next = await chunks.next();
      if (next.done === true) {
        ended = true;
        return await receiveInline(joined(head), expected);
      }
      head.push(next.value);
      sizeBytes += next.value.length;
      requireSize(sizeBytes, expected);
    }
    return await receiveBlob(context, { head, chunks }, options);
  } finally {
    // Not awaited: a body that waits for its client answers only after that.
    if (!ended) void chunks.return?.().catch(() => undefined);
  }
}

/** Chunks that were read already, and those that follow. */
interface BegunBody {
  readonly head: readonly Uint8Array[];
  readonly chunks: AsyncIterator<Uint8Array>;
}

interface Digests {
  readonly md5: Buffer;
  /** Base64; `undefined` where none is expected. */
  readonly checksum: string | undefined;
}

async function receiveInline(bytes: Uint8Array, expected: ExpectedBody): Promise<ReceivedBody> {
  const md5 = await md5Of(bytes);
  const algorithm = expected.checksum?.algorithm;
  const checksumText = algorithm === 'MD5' ? md5.toString('base64') : algorithm && checksumOf(algorithm, bytes);
  const digests: Digests = { md5, checksum: checksumText };
  const checksum = verifyDigests(expected, digests);
  const body = { kind: 'inline', bytes } as const;
  return new Received({ body, sizeBytes: bytes.length, etag: etagOfMd5(digests.md5), checksum }, undefined);
}

/** The pieces in one buffer, which whoever stores it may return. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const bytes = freeOnReturn(Buffer.concat(pieces));
  for (const piece of pieces) returnPiece(piece);
  return bytes;
}

async function receiveBlob(
  context: ReceiveContext,
  begun: BegunBody,
  { storageClass, expected }: ReceiveOptions,
): Promise<ReceivedBody> {
  const { region, signal } = context;
  const blobstore = blobstoreOf(region, storageClass);
  const taken = await takeIntent(context, storageClass);
  const blob = { id: taken.id, storageClass };
  const intent = new OpenIntent({ metastore: region.meta, blobstore }, blob.id);
  try {
    const hashed = new HashedBody(begun, expected);
    const renewed = renewingIntent(context, taken, hashed.read());
    const { sizeBytes } = await blobstore.write(blob.id, renewed, { signal });
    const { digests, checksum } = hashed.result(sizeBytes);
    const body = { kind: 'blob', blob: { ...blob, sizeBytes } } as const;
    return new Received({ body, sizeBytes, etag: etagOfMd5(digests.md5), checksum }, intent);
  } catch (error) {
    await intent.abandon();
    throw error;
  }
}

/** Passes chunks on, hashing them, and verifies the digests before it ends. */
class HashedBody {
  readonly #begun: BegunBody;
  readonly #expected: ExpectedBody;
  #sizeBytes = 0;
  #verified: { readonly digests: Digests; readonly checksum: Checksum | undefined } | undefined;

  constructor(begun: BegunBody, expected: ExpectedBody) {
    this.#begun = begun;
    this.#expected = expected;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    const expected = this.#expected;
    using md5 = createStreamMd5();
    const algorithm = expected.checksum?.algorithm;
    // The MD5 is computed in any case, for the ETag.
    const checksum = algorithm === undefined || algorithm === 'MD5' ? undefined : createDigest(algorithm);
    for await (const chunk of this.#chunks()) {
      this.#sizeBytes += chunk.length;
      requireSize(this.#sizeBytes, expected);
      const hashed = md5.update(chunk);
      checksum?.update(chunk);
      yield chunk;
      // So that other bodies come to be hashed with it.
      if (hashed !== undefined) await hashed;
    }
    const whole = await md5.digest();
    const digests = { md5: whole, checksum: algorithm === 'MD5' ? whole.toString('base64') : checksum?.digest() };
    this.#verified = { digests, checksum: verifyDigests(expected, digests) };
  }

  /** Throws `corrupt` unless all of it was read and `writtenBytes` is its length. */
  result(writtenBytes: number): { readonly digests: Digests; readonly checksum: Checksum | undefined } {
    if (this.#verified !== undefined && writtenBytes === this.#sizeBytes) return this.#verified;
    throw new StoreError('corrupt', `The blobstore wrote ${writtenBytes} of ${this.#sizeBytes} bytes.`);
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    yield* this.#begun.head;
    const { chunks } = this.#begun;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  }
}

/** Passes chunks on and keeps the intent of their blob young meanwhile. */
async function* renewingIntent(
  { region, clock, signal }: ReceiveContext,
  intent: BlobIntent,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let renewedAtMs = intent.atMs;
  for await (const chunk of chunks) {
    yield chunk;
    const atMs = clock.nowMs();
    if (atMs - renewedAtMs < RENEW_INTENT_AFTER_MS) continue;
    const open = await region.meta.renewIntent({ ...intent, atMs }, { signal });
    if (!open) throw new S3Error('ServiceUnavailable', { message: 'The body came too slowly. Send it again.' });
    renewedAtMs = atMs;
  }
}

/** The intent of a blob that is not in use and, as its id is new, cannot come into use but by its writer. */
class OpenIntent {
  readonly #metastore: Metastore;
  readonly #blobstore: Blobstore;
  readonly #id: BlobId;

  constructor(stores: { metastore: Metastore; blobstore: Blobstore }, id: BlobId) {
    this.#metastore = stores.metastore;
    this.#blobstore = stores.blobstore;
    this.#id = id;
  }

  /**
   * Deletes what was written and gives the blob to reclaim. The bytes go first: a writer that slept past the grace
   * period may have written them after reclaim had come and forgotten the blob. Should either fail, the intent expires
   * and reclaim finds it later.
   */
  async abandon(): Promise<void> {
    const options = { signal: AbortSignal.timeout(ABANDON_TIMEOUT_MS) };
    try {
      await this.#blobstore.delete(this.#id, options);
      await this.#metastore.abandonIntent(this.#id, options);
    } catch (error) {
      if (!(error instanceof StoreError) && !isTimeout(error)) throw error;
    }
  }
}

class Received implements ReceivedBody {
  readonly body: ReceivedBody['body'];
  readonly sizeBytes: number;
  readonly etag: ETag;
  readonly checksum: Checksum | undefined;
  /** What to give up on disposal. */
  #intent: OpenIntent | undefined;

  constructor(
    { body, sizeBytes, etag, checksum }: Pick<ReceivedBody, 'body' | 'sizeBytes' | 'etag' | 'checksum'>,
    intent: OpenIntent | undefined,
  ) {
    this.body = body;
    this.sizeBytes = sizeBytes;
    this.etag = etag;
    this.checksum = checksum;
    this.#intent = intent;
  }

  async commit<Outcome extends { readonly kind: string }>(step: () => Promise<Outcome>): Promise<Outcome> {
    const intent = this.#intent;
    this.#intent = undefined;
    try {
      const outcome = await step();
      if (outcome.kind !== 'stored') this.#intent = intent;
      return outcome;
    } catch (error) {
      if (wroteNothing(error)) this.#intent = intent;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const intent = this.#intent;
    this.#intent = undefined;
    await intent?.abandon();
  }
}

/** The checksum to store, once both digests are as announced. */
function verifyDigests(expected: ExpectedBody, digests: Digests): Checksum | undefined {
  if (expected.md5 !== undefined) {
    requireDigest('Content-MD5', { expected: expected.md5, calculated: digests.md5.toString('base64') });
  }
  if (expected.checksum === undefined || digests.checksum === undefined) return undefined;
  const { algorithm, source } = expected.checksum;
  if (source.kind !== 'computed') {
    const announced =
      source.kind === 'header' ? source.value : trailerValue(expected.checksum.algorithm, source.read());
    requireDigest(algorithm, { expected: announced, calculated: digests.checksum });
  }
  return { algorithm, type: 'FULL_OBJECT', value: digests.checksum };
}

function trailerValue(algorithm: Checksum['algorithm'], text: string | undefined): string {
  const name = checksumHeaderName(algorithm);
  if (text !== undefined) return requireChecksumValue(name, algorithm, text);
  throw new S3Error('MalformedTrailerError', { message: `The trailer ${name} was announced and did not come.` });
}

function requireDigest(name: string, digest: { readonly expected: string; readonly calculated: string }): void {
  if (digest.expected === digest.calculated) return;
  throw new S3Error('BadDigest', {
    message: `The ${name} you specified did not match what we received.`,
    elements: { ExpectedDigest: digest.expected, CalculatedDigest: digest.calculated },
  });
}

function requireSize(sizeBytes: number, { bytesMax }: ExpectedBody): void {
  if (sizeBytes > bytesMax) throw entityTooLarge(sizeBytes, bytesMax);
}

function wroteNothing(error: unknown): boolean {
  return error instanceof StoreError && (error.kind === 'unavailable' || error.kind === 'storage-full');
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
