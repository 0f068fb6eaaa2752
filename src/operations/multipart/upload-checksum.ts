import type { Checksum, ChecksumAlgorithm, ChecksumType } from '../../domain/checksum.ts';
import { combineCrc, compositeChecksum, isCrc } from '../../domain/digests.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { Part, UploadChecksum } from '../../domain/upload.ts';
import { textElement, type Xml } from '../../xml/build.ts';
import { requireChecksumAlgorithm } from '../body-digests.ts';
import type { HeaderMap } from '../request.ts';

/** The types that each algorithm allows; the first is the default. Source: the table at `parseUploadChecksum`. */
const CHECKSUM_TYPES: Readonly<Record<ChecksumAlgorithm, readonly [ChecksumType, ...ChecksumType[]]>> = {
  CRC32: ['COMPOSITE', 'FULL_OBJECT'],
  CRC32C: ['COMPOSITE', 'FULL_OBJECT'],
  CRC64NVME: ['FULL_OBJECT'],
  SHA1: ['COMPOSITE'],
  SHA256: ['COMPOSITE'],
  MD5: ['COMPOSITE'],
  SHA512: ['COMPOSITE'],
  XXHASH64: ['COMPOSITE'],
  XXHASH3: ['COMPOSITE'],
  XXHASH128: ['COMPOSITE'],
};

/** What an upload has whose client asked for no checksum. */
const DEFAULT_CHECKSUM: UploadChecksum = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', requested: false };

/**
 * The checksum that CreateMultipartUpload settles by `x-amz-checksum-algorithm` and `x-amz-checksum-type`.
 *
 * Errors: InvalidRequest 400 for an algorithm, a type or a pair that does not exist.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export function parseUploadChecksum(headers: HeaderMap): UploadChecksum {
  const algorithmText = headers.get('x-amz-checksum-algorithm');
  const typeText = headers.get('x-amz-checksum-type');
  const type = typeText === undefined ? undefined : parseChecksumType(typeText);
  if (algorithmText === undefined) {
    if (type === undefined) return DEFAULT_CHECKSUM;
    throw new S3Error('InvalidRequest', {
      message: 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    });
  }
  const algorithm = requireChecksumAlgorithm('x-amz-checksum-algorithm', algorithmText);
  const [defaultType] = CHECKSUM_TYPES[algorithm];
  if (type !== undefined && !CHECKSUM_TYPES[algorithm].includes(type)) {
    throw new S3Error('InvalidRequest', {
      message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  }
  return { algorithm, type: type ?? defaultType, requested: true };
}

export function parseChecksumType(text: string): ChecksumType {
  const type = text.toUpperCase();
  if (type === 'COMPOSITE' || type === 'FULL_OBJECT') return type;
  throw new S3Error('InvalidRequest', {
    message: 'Value for x-amz-checksum-type header is invalid. It must be COMPOSITE or FULL_OBJECT.',
  });
}

/**
 * The algorithm of a part's checksum, where the client claims one of `claimed` or none. An upload that asked for an
 * algorithm takes no other; one that did not takes what each client sends, and Pithos' default otherwise.
 * Errors: InvalidRequest 400.
 */
export function partAlgorithm(
  upload: UploadChecksum | undefined,
  claimed: ChecksumAlgorithm | undefined,
): ChecksumAlgorithm {
  const { algorithm, requested } = upload ?? DEFAULT_CHECKSUM;
  if (claimed === undefined || claimed === algorithm) return algorithm;
  if (requested) throw checksumMismatch({ expected: algorithm, actual: claimed });
  return claimed;
}

/**
 * The algorithm of the checksum of a part that is copied from an object: the upload's, or where that asked for none the
 * source's, so that parts which a client sends and parts which it copies are more often alike.
 */
export function copiedPartAlgorithm(
  upload: UploadChecksum | undefined,
  source: Checksum | undefined,
): ChecksumAlgorithm {
  const { algorithm, requested } = upload ?? DEFAULT_CHECKSUM;
  return requested ? algorithm : (source?.algorithm ?? algorithm);
}

/** The checksum of a part as it is stored: its type is that of the object to come. */
export function partChecksum(
  upload: UploadChecksum | undefined,
  { algorithm, value }: { algorithm: ChecksumAlgorithm; value: string },
): Checksum {
  const requestedType = upload?.requested ? upload.type : undefined;
  return { algorithm, type: requestedType ?? typeWithoutRequest(algorithm), value };
}

/**
 * The checksum of the object that `parts` become, in their order, without reading their bytes; `undefined` where they
 * do not all carry the same algorithm, which only an upload that asked for none allows.
 */
export function objectChecksum(upload: UploadChecksum | undefined, parts: readonly Part[]): Checksum | undefined {
  const algorithm = parts[0]?.checksum?.algorithm;
  if (algorithm === undefined) return undefined;
  const pieces: { checksum: string; sizeBytes: number }[] = [];
  for (const { checksum, sizeBytes } of parts) {
    if (checksum?.algorithm !== algorithm) return undefined;
    pieces.push({ checksum: checksum.value, sizeBytes });
  }
  const type = upload?.requested ? upload.type : typeWithoutRequest(algorithm);
  const value =
    type === 'FULL_OBJECT' && isCrc(algorithm)
      ? combineCrc(algorithm, pieces)
      : compositeChecksum(
          algorithm,
          pieces.map(({ checksum }) => checksum),
        );
  return { algorithm, type, value };
}

/** A request carries a checksum of another algorithm than the one it is compared with. */
export function checksumMismatch({
  expected,
  actual,
}: {
  expected: ChecksumAlgorithm;
  actual: ChecksumAlgorithm;
}): S3Error {
  return new S3Error('InvalidRequest', {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${actual.toLowerCase()}`,
  });
}

/** A checksum as an element, such as `<ChecksumCRC32>`; nothing for `undefined`. */
export function checksumElement(checksum: Checksum | undefined): Xml {
  return textElement(`Checksum${checksum?.algorithm}`, checksum?.value);
}

function typeWithoutRequest(algorithm: ChecksumAlgorithm): ChecksumType {
  return isCrc(algorithm) ? 'FULL_OBJECT' : 'COMPOSITE';
}
