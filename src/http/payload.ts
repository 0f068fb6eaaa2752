import { createHash, hash } from 'node:crypto';
import { S3Error } from '../domain/s3-error.ts';
import type { RequestBody } from '../operations/request.ts';
import type { PayloadMode } from './auth/payload-mode.ts';
import { type ChunkedFraming, decodeAwsChunked } from './aws-chunked.ts';
import type { ByteSource } from './byte-source.ts';
import type { RequestHeaders } from './parameters.ts';

const LENGTH = /^\d{1,16}$/;
const EMPTY_SHA256 = hash('sha256', '', 'hex');
const DECODED_LENGTH = 'x-amz-decoded-content-length';
const TRAILER = 'x-amz-trailer';
/** Checksums are all that S3 takes from a trailer. */
const TRAILER_NAME = /^x-amz-checksum-[a-z0-9]+$/;
const NO_TRAILERS: ReadonlyMap<string, string> = new Map();

export interface PayloadSource {
  readonly headers: RequestHeaders;
  /** The body as it comes, freed of HTTP's own framing. */
  readonly bytes: ByteSource;
}

/**
 * The body of a request as operations read it, in whichever of the five modes it was sent.
 *
 * Errors, at once: MissingContentLength 411, InvalidArgument, InvalidRequest, XAmzContentSHA256Mismatch (no body, but
 *   not the hash of nothing) 400. While it is read: XAmzContentSHA256Mismatch, and those of `decodeAwsChunked`.
 */
export function createRequestBody(mode: PayloadMode, { headers, bytes }: PayloadSource): RequestBody {
  if (mode.kind === 'chunked') return chunkedBody(mode, { headers, bytes });
  if (headers.has(TRAILER)) {
    throw new S3Error('InvalidRequest', {
      message: 'x-amz-trailer needs an x-amz-content-sha256 that ends with -TRAILER.',
    });
  }
  const declaredBytes = parseLength(headers, 'content-length');
  const absent = (declaredBytes ?? 0) === 0 && !headers.has('transfer-encoding');
  if (mode.kind === 'hashed' && absent && mode.sha256 !== EMPTY_SHA256) throw hashMismatch(mode.sha256, EMPTY_SHA256);
  return new PlainBody(bytes, declaredBytes, mode.kind === 'hashed' && !absent ? mode.sha256 : undefined);
}

/** A body as it came, whose hash is verified where there is one. */
class PlainBody implements RequestBody {
  readonly declaredBytes: number | undefined;
  readonly trailers = NO_TRAILERS;
  readonly announcedTrailers = [];
  readonly #bytes: ByteSource;
  readonly #sha256: string | undefined;

  constructor(bytes: ByteSource, declaredBytes: number | undefined, sha256: string | undefined) {
    this.declaredBytes = declaredBytes;
    this.#bytes = bytes;
    this.#sha256 = sha256;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#sha256 === undefined
      ? readPlain(this.#bytes)
      : readHashed(this.#bytes, this.#sha256, this.declaredBytes);
  }
}

/** A body in `aws-chunked` framing. */
class ChunkedBody implements RequestBody {
  readonly declaredBytes: number;
  readonly trailers: ReadonlyMap<string, string>;
  readonly announcedTrailers: readonly string[];
  readonly #bytes: ByteSource;
  readonly #framing: ChunkedFraming;

  constructor(bytes: ByteSource, framing: ChunkedFraming) {
    this.declaredBytes = framing.decodedBytes;
    this.trailers = framing.trailers;
    this.announcedTrailers = framing.announced ?? [];
    this.#bytes = bytes;
    this.#framing = framing;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return decodeAwsChunked(this.#bytes, this.#framing);
  }
}

function chunkedBody(mode: PayloadMode & { kind: 'chunked' }, { headers, bytes }: PayloadSource): RequestBody {
  const decodedBytes = parseLength(headers, DECODED_LENGTH);
  if (decodedBytes === undefined) {
    throw new S3Error('MissingContentLength', { message: `An aws-chunked body needs the header ${DECODED_LENGTH}.` });
  }
  const announced = parseAnnounced(headers.get(TRAILER));
  if (!mode.trailer && announced.length > 0) {
    throw new S3Error('InvalidRequest', {
      message: 'x-amz-trailer needs an x-amz-content-sha256 that ends with -TRAILER.',
    });
  }
  return new ChunkedBody(bytes, {
    signing: mode.signing,
    decodedBytes,
    announced: mode.trailer ? announced : undefined,
    trailers: new Map(),
  });
}

async function* readPlain(bytes: ByteSource): AsyncGenerator<Uint8Array> {
  for (let piece = await bytes.next(); piece !== undefined; piece = await bytes.next()) yield piece;
}

async function* readHashed(
  bytes: ByteSource,
  expected: string,
  declaredBytes: number | undefined,
): AsyncGenerator<Uint8Array> {
  const first = await bytes.next();
  if (first?.length === declaredBytes && first !== undefined) {
    requireHash(expected, hash('sha256', first, 'hex'));
    yield first;
    await bytes.next();
    return;
  }
  const sha256 = createHash('sha256');
  for (let piece = first; piece !== undefined; piece = await bytes.next()) {
    sha256.update(piece);
    yield piece;
  }
  requireHash(expected, sha256.digest('hex'));
}

function requireHash(expected: string, calculated: string): void {
  if (expected !== calculated) throw hashMismatch(expected, calculated);
}

function hashMismatch(expected: string, calculated: string): S3Error {
  return new S3Error('XAmzContentSHA256Mismatch', {
    elements: { ClientComputedContentSHA256: expected, S3ComputedContentSHA256: calculated },
  });
}

function parseLength(headers: RequestHeaders, name: string): number | undefined {
  const text = headers.raw(name);
  if (text === undefined) return undefined;
  const value = LENGTH.test(text) ? Number(text) : undefined;
  if (value !== undefined && Number.isSafeInteger(value)) return value;
  throw new S3Error('InvalidArgument', {
    message: `${name} must be a number of bytes.`,
    elements: { ArgumentName: name, ArgumentValue: text },
  });
}

function parseAnnounced(text: string | undefined): readonly string[] {
  if (text === undefined || text.trim() === '') return [];
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  const wrong = names.find((name, index) => !TRAILER_NAME.test(name) || names.indexOf(name) !== index);
  if (wrong === undefined) return names;
  throw new S3Error('InvalidRequest', {
    message:
      'The value specified in the x-amz-trailer header is not supported: it names x-amz-checksum-* headers, each once.',
  });
}
