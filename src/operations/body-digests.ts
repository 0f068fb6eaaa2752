import { hash } from 'node:crypto';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../domain/checksum.ts';
import { checksumOf, parseChecksumValue } from '../domain/digests.ts';
import { S3Error } from '../domain/s3-error.ts';
import type { RequestBody, S3Request } from './request.ts';

const CHECKSUM_PREFIX = 'x-amz-checksum-';
/** Headers with that prefix that hold no checksum. */
const NO_CHECKSUMS: ReadonlySet<string> = new Set(['algorithm', 'mode', 'type']);
const MD5_BYTES = 16;

/** The digests that a client sent of a small body, such as an XML document. */
export interface BodyDigests {
  /** The MD5 in base64. */
  readonly contentMd5: string | undefined;
  readonly checksum: ClaimedChecksum | undefined;
}

/** A checksum in a header, or one to come in the trailer. */
export type ClaimedChecksum =
  | { readonly place: 'header'; readonly algorithm: ChecksumAlgorithm; readonly value: string }
  | { readonly place: 'trailer'; readonly algorithm: ChecksumAlgorithm };

/**
 * What `Content-MD5`, `x-amz-checksum-*` and `x-amz-sdk-checksum-algorithm` say of the body of a request. Not for
 * CompleteMultipartUpload, where `x-amz-checksum-*` speak of the object.
 *
 * Errors: InvalidDigest, InvalidRequest 400.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export function parseBodyDigests(request: Pick<S3Request, 'headers' | 'body'>): BodyDigests {
  const contentMd5 = parseContentMd5(request.headers.get('content-md5'));
  const announced = request.headers.get('x-amz-sdk-checksum-algorithm');
  const checksum = parseClaimedChecksum(request) ?? announcedMd5({ announced, contentMd5 });
  if (announced !== undefined) {
    const algorithm = requireChecksumAlgorithm('x-amz-sdk-checksum-algorithm', announced);
    if (checksum === undefined) {
      throw new S3Error('InvalidRequest', {
        message:
          'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
      });
    }
    if (checksum.algorithm !== algorithm) {
      throw new S3Error('InvalidRequest', {
        message: `x-amz-sdk-checksum-algorithm names ${algorithm}, but the request carries a ${checksum.algorithm} checksum.`,
      });
    }
  }
  return { contentMd5, checksum };
}

/**
 * Compares `bytes`, the whole of a body that has been read to its end, with the digests the client sent.
 * Errors: BadDigest, InvalidRequest 400.
 */
export function verifyBodyDigests(bytes: Uint8Array, digests: BodyDigests, body: RequestBody): void {
  const { contentMd5, checksum } = digests;
  if (contentMd5 !== undefined && hash('md5', bytes, 'base64') !== contentMd5) {
    throw new S3Error('BadDigest', { message: 'The Content-MD5 you specified did not match what we received.' });
  }
  if (checksum === undefined) return;
  const { algorithm } = checksum;
  const name = `${CHECKSUM_PREFIX}${algorithm.toLowerCase()}`;
  const claimed = checksum.place === 'header' ? checksum.value : parseValue(algorithm, name, body.trailers.get(name));
  if (checksumOf(algorithm, bytes) !== claimed) {
    throw new S3Error('BadDigest', {
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    });
  }
}

/**
 * The algorithm that `text` names, in any case. `place` is the header, trailer or element that it stood in.
 * Throws InvalidRequest.
 */
export function requireChecksumAlgorithm(place: string, text: string): ChecksumAlgorithm {
  const upper = text.toUpperCase();
  const algorithm = CHECKSUM_ALGORITHMS.find((candidate) => candidate === upper);
  if (algorithm !== undefined) return algorithm;
  throw new S3Error('InvalidRequest', {
    message: `The checksum algorithm in ${place} is unknown. Use one of ${CHECKSUM_ALGORITHMS.join(', ')}.`,
    elements: { Parameter: place },
  });
}

function parseClaimedChecksum({ headers, body }: Pick<S3Request, 'headers' | 'body'>): ClaimedChecksum | undefined {
  const claims: ClaimedChecksum[] = [];
  for (const name of headers.names()) {
    const algorithm = algorithmOf(name);
    if (algorithm === undefined) continue;
    claims.push({ place: 'header', algorithm, value: parseValue(algorithm, name, headers.get(name)) });
  }
  for (const name of body.announcedTrailers) {
    const algorithm = algorithmOf(name);
    if (algorithm !== undefined) claims.push({ place: 'trailer', algorithm });
  }
  if (claims.length > 1) {
    throw new S3Error('InvalidRequest', {
      message: 'Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.',
    });
  }
  return claims[0];
}

/**
 * Quirk: the SDK for JavaScript (3.1169, seen in 2026) sends the MD5 that its user asked for in `Content-MD5`, and says so
 * in `x-amz-sdk-checksum-algorithm`.
 */
function announcedMd5(said: {
  readonly announced: string | undefined;
  readonly contentMd5: string | undefined;
}): ClaimedChecksum | undefined {
  const { announced, contentMd5 } = said;
  if (announced?.toUpperCase() !== 'MD5' || contentMd5 === undefined) return undefined;
  return { place: 'header', algorithm: 'MD5', value: contentMd5 };
}

/** The algorithm of a header or trailer that holds a checksum; `undefined` for any other. */
function algorithmOf(name: string): ChecksumAlgorithm | undefined {
  if (!name.startsWith(CHECKSUM_PREFIX)) return undefined;
  const suffix = name.slice(CHECKSUM_PREFIX.length);
  return NO_CHECKSUMS.has(suffix) ? undefined : requireChecksumAlgorithm(name, suffix);
}

function parseValue(algorithm: ChecksumAlgorithm, name: string, text: string | undefined): string {
  const value = text === undefined ? undefined : parseChecksumValue(algorithm, text);
  if (value === undefined) throw new S3Error('InvalidRequest', { message: `Value for ${name} header is invalid.` });
  return value;
}

function parseContentMd5(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== MD5_BYTES || bytes.toString('base64') !== text) {
    throw new S3Error('InvalidDigest', {
      message: 'The Content-MD5 you specified is not valid: it is the base64 of 16 bytes.',
    });
  }
  return text;
}
