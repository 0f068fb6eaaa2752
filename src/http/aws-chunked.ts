import { createHash, hash } from 'node:crypto';
import { S3Error } from '../domain/s3-error.ts';
import type { ChunkSigning } from './auth/payload-mode.ts';
import { ByteCursor } from './byte-cursor.ts';
import type { ByteSource } from './byte-source.ts';

/** Longest line before a chunk: its size in hex, and its signature. */
const CHUNK_LINE_BYTES_MAX = 128;
/** Largest chunk, which is the largest body: 5 GiB. */
const CHUNK_BYTES_MAX = 5 * 1024 ** 3;
/** All that follows the last chunk. */
const TRAILER_SECTION_BYTES_MAX = 4096;
const CHUNK_LINE = /^([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?$/;
const TRAILER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';
const EMPTY_SHA256 = hash('sha256', '', 'hex');

export interface ChunkedFraming {
  /** Where the chain of signatures starts; `undefined` for unsigned chunks. */
  readonly signing: ChunkSigning | undefined;
  /** `x-amz-decoded-content-length`. */
  readonly decodedBytes: number;
  /** Lower-case names announced in `x-amz-trailer`; `undefined` where the mode has no trailer. */
  readonly announced: readonly string[] | undefined;
  /** Filled once the body has been read to its end. */
  readonly trailers: Map<string, string>;
}

/**
 * Frees a body of its `aws-chunked` framing: pieces of the chunks, as they come and uncopied.
 *
 * A chunk that arrived in one piece is verified before it is passed on, any other after its last piece, so a reader
 * must keep nothing before the end. Memory is constant, whatever sizes the chunks say they have.
 * Errors: IncompleteBody (less or more than announced, no final chunk), InvalidRequest (malformed framing),
 *   MalformedTrailerError 400 · SignatureDoesNotMatch 403.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export async function* decodeAwsChunked(source: ByteSource, framing: ChunkedFraming): AsyncGenerator<Uint8Array> {
  const cursor = new ByteCursor(source);
  const chain = framing.signing === undefined ? undefined : new SignatureChain(framing.signing);
  let missingBytes = framing.decodedBytes;
  for (;;) {
    const { sizeBytes, signature } = parseChunkLine(await readLine(cursor), chain !== undefined);
    if (sizeBytes === 0) {
      chain?.verifyChunk(signature, EMPTY_SHA256);
      break;
    }
    if (sizeBytes > missingBytes) throw incomplete('The chunks hold more than x-amz-decoded-content-length.');
    missingBytes -= sizeBytes;
    const first = (await cursor.take(sizeBytes)) ?? throwCutShort();
    if (first.length === sizeBytes) {
      chain?.verifyChunk(signature, hash('sha256', first, 'hex'));
      yield first;
    } else {
      const sha256 = chain && createHash('sha256');
      let leftBytes = sizeBytes;
      for (let piece = first; ; piece = (await cursor.take(leftBytes)) ?? throwCutShort()) {
        sha256?.update(piece);
        leftBytes -= piece.length;
        yield piece;
        if (leftBytes === 0) break;
      }
      if (sha256 !== undefined) chain?.verifyChunk(signature, sha256.digest('hex'));
    }
    if ((await readLine(cursor)) !== '') throw malformed('A chunk is longer than its size says.');
  }
  if (missingBytes > 0) throw incomplete('The chunks hold less than x-amz-decoded-content-length.');
  readTrailers(await readRest(cursor), framing, chain);
}

/** Each signature covers the one before it. */
class SignatureChain {
  readonly #signing: ChunkSigning;
  #previous: string;

  constructor(signing: ChunkSigning) {
    this.#signing = signing;
    this.#previous = signing.seedSignature;
  }

  verifyChunk(signature: string | undefined, sha256: string): void {
    this.#verify('AWS4-HMAC-SHA256-PAYLOAD', signature, `${EMPTY_SHA256}\n${sha256}`);
  }

  verifyTrailer(signature: string | undefined, canonicalTrailer: string): void {
    this.#verify('AWS4-HMAC-SHA256-TRAILER', signature, hash('sha256', Buffer.from(canonicalTrailer, 'latin1'), 'hex'));
  }

  #verify(algorithm: string, signature: string | undefined, hashes: string): void {
    const { key, timestamp, scope } = this.#signing;
    const stringToSign = `${algorithm}\n${timestamp}\n${scope}\n${this.#previous}\n${hashes}`;
    if (signature === undefined || !key.verify(stringToSign, signature)) {
      throw new S3Error('SignatureDoesNotMatch', {
        message: 'The signature of a chunk or of the trailer does not match. Check the chain of chunk signatures.',
        elements: { StringToSign: stringToSign, SignatureProvided: signature ?? '' },
      });
    }
    this.#previous = signature;
  }
}

function parseChunkLine(line: string, signed: boolean): { sizeBytes: number; signature: string | undefined } {
  const [, hex, signature] = CHUNK_LINE.exec(line) ?? [];
  if (hex === undefined)
    throw malformed('A chunk begins with its size in hex, and a chunk-signature where it is signed.');
  if (signed !== (signature !== undefined)) {
    throw malformed(signed ? 'A chunk lacks its chunk-signature.' : 'An unsigned chunk has a chunk-signature.');
  }
  const sizeBytes = Number.parseInt(hex, 16);
  if (sizeBytes > CHUNK_BYTES_MAX) throw malformed(`A chunk holds at most ${CHUNK_BYTES_MAX} bytes.`);
  return { sizeBytes, signature };
}

/** A line without its CRLF. */
async function readLine(cursor: ByteCursor): Promise<string> {
  const line = await cursor.takeLine(CHUNK_LINE_BYTES_MAX);
  if (line === 'too-long') throw malformed(`The line before a chunk has at most ${CHUNK_LINE_BYTES_MAX} bytes.`);
  if (line === undefined) return throwCutShort();
  if (!line.bytes.endsWith('\r')) throw malformed('A line before a chunk ends with CR and LF.');
  return line.bytes.slice(0, -1);
}

async function readRest(cursor: ByteCursor): Promise<string> {
  let text = '';
  for (;;) {
    const piece = await cursor.take(TRAILER_SECTION_BYTES_MAX + 1 - text.length);
    if (piece === undefined) return text;
    text += Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1');
    if (text.length > TRAILER_SECTION_BYTES_MAX) {
      throw new S3Error('MalformedTrailerError', {
        message: `A trailer has at most ${TRAILER_SECTION_BYTES_MAX} bytes.`,
      });
    }
  }
}

/** Every trailer that was announced, each once, and no other. Lines end with LF or CRLF: AWS documents the one and its clients send the other. */
function readTrailers(section: string, framing: ChunkedFraming, chain: SignatureChain | undefined): void {
  const { announced, trailers } = framing;
  const lines = section.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) !== '') throw incomplete('The trailer is cut short.');
  const written = lines.filter((line) => line !== '');
  if (announced === undefined) {
    if (written.length > 0) throw incomplete('Bytes follow the final chunk.');
    return;
  }
  let signature: string | undefined;
  let canonical = '';
  for (const line of written) {
    const [, rawName = '', value = ''] = TRAILER_LINE.exec(line) ?? [];
    const name = rawName.toLowerCase();
    if (signature !== undefined) throw malformedTrailer('Nothing follows the signature of a trailer.');
    if (name === TRAILER_SIGNATURE && chain !== undefined) {
      signature = value;
    } else if (announced.includes(name) && !trailers.has(name)) {
      trailers.set(name, value);
      canonical += `${name}:${value}\n`;
    } else {
      throw malformedTrailer('A trailer holds each header that x-amz-trailer announced, once, and no other.');
    }
  }
  for (const name of announced)
    if (!trailers.has(name)) throw malformedTrailer(`The trailer ${name} was announced and did not come.`);
  if (chain !== undefined) chain.verifyTrailer(signature, canonical);
}

function throwCutShort(): never {
  throw incomplete('The body ends before its final chunk.');
}

function incomplete(message: string): S3Error {
  return new S3Error('IncompleteBody', { message });
}

function malformed(message: string): S3Error {
  return new S3Error('InvalidRequest', { message: `The aws-chunked framing of the body is malformed. ${message}` });
}

function malformedTrailer(message: string): S3Error {
  return new S3Error('MalformedTrailerError', { message });
}
