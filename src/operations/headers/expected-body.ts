import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../domain/checksum.ts';
import { parseChecksumValue } from '../../domain/digests.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { type ClaimedChecksum, parseBodyDigests } from '../body-digests.ts';
import type { RequestBody, S3Request } from '../request.ts';

const CHECKSUM_HEADER_NAMES: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: 'x-amz-checksum-crc32',
  CRC32C: 'x-amz-checksum-crc32c',
  CRC64NVME: 'x-amz-checksum-crc64nvme',
  SHA1: 'x-amz-checksum-sha1',
  SHA256: 'x-amz-checksum-sha256',
  MD5: 'x-amz-checksum-md5',
  SHA512: 'x-amz-checksum-sha512',
  XXHASH64: 'x-amz-checksum-xxhash64',
  XXHASH3: 'x-amz-checksum-xxhash3',
  XXHASH128: 'x-amz-checksum-xxhash128',
};

/** The parameters of the model in which a checksum comes. */
export const CHECKSUM_PARAMETERS: readonly string[] = CHECKSUM_ALGORITHMS.map((algorithm) => `Checksum${algorithm}`);

/** What the client says of the body it sends; `receiveBody` holds it against what arrives. */
export interface ExpectedBody {
  /** Largest body allowed, in bytes. */
  readonly bytesMax: number;
  /** As declared; `undefined` where the body comes in chunks without a length. */
  readonly sizeBytes: number | undefined;
  /** Content-MD5, in base64. */
  readonly md5: string | undefined;
  readonly checksum: ExpectedChecksum | undefined;
}

export interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly source:
    | { readonly kind: 'header'; readonly value: string }
    /** Its value comes after the body: `read` is called once that has been read to its end. */
    | { readonly kind: 'trailer'; read(): string | undefined }
    /** The client gives none; it is only to be computed. */
    | { readonly kind: 'computed' };
}

/**
 * Length and digests that the headers of a request announce.
 * Throws MissingContentLength 411, EntityTooLarge, InvalidDigest (Content-MD5), InvalidRequest (checksums; more than
 * one of them; an algorithm that S3 does not have).
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export function expectedBody(request: S3Request, { bytesMax }: { readonly bytesMax: number }): ExpectedBody {
  const sizeBytes = declaredSize(request, bytesMax);
  const { contentMd5, checksum } = parseBodyDigests(request);
  return { bytesMax, sizeBytes, md5: contentMd5, checksum: expectedChecksum(checksum, request.body) };
}

/** The error for a body of `sizeBytes` where `bytesMax` are allowed. */
export function entityTooLarge(sizeBytes: number, bytesMax: number): S3Error {
  return new S3Error('EntityTooLarge', { elements: { ProposedSize: sizeBytes, MaxSizeAllowed: bytesMax } });
}

/** The name of the header, or trailer, that carries a checksum. */
export function checksumHeaderName(algorithm: ChecksumAlgorithm): string {
  return CHECKSUM_HEADER_NAMES[algorithm];
}

/** The checksum `text` that stood in `name`. Throws InvalidRequest where it is not the base64 of its algorithm. */
export function requireChecksumValue(name: string, algorithm: ChecksumAlgorithm, text: string): string {
  const value = parseChecksumValue(algorithm, text);
  if (value !== undefined) return value;
  throw new S3Error('InvalidRequest', { message: `Value for ${name} header is invalid.` });
}

function declaredSize(request: S3Request, bytesMax: number): number | undefined {
  const sizeBytes = request.body.declaredBytes;
  if (sizeBytes === undefined) {
    if (!comesInChunks(request)) throw new S3Error('MissingContentLength');
    return undefined;
  }
  if (sizeBytes > bytesMax) throw entityTooLarge(sizeBytes, bytesMax);
  return sizeBytes;
}

/** Whether the end of the body is marked in the body itself. */
function comesInChunks({ headers, body }: S3Request): boolean {
  return (
    body.isDelimited === true ||
    headers.has('transfer-encoding') ||
    headers.get('x-amz-content-sha256')?.startsWith('STREAMING-') === true ||
    headers.get('content-encoding')?.includes('aws-chunked') === true
  );
}

function expectedChecksum(claimed: ClaimedChecksum | undefined, body: RequestBody): ExpectedChecksum | undefined {
  if (claimed === undefined) return undefined;
  const { algorithm } = claimed;
  if (claimed.place === 'header') return { algorithm, source: { kind: 'header', value: claimed.value } };
  const name = checksumHeaderName(algorithm);
  return { algorithm, source: { kind: 'trailer', read: () => body.trailers.get(name) } };
}
