import {
  CHECKSUM_ALGORITHMS,
  type Checksum,
  type ChecksumAlgorithm,
  type ChecksumType,
} from '../../domain/checksum.ts';
import { type ETag, etagOfParts, parseETag } from '../../domain/etag.ts';
import { S3Error } from '../../domain/s3-error.ts';
import {
  OBJECT_BYTES_MAX,
  PART_BYTES_MIN,
  PART_NUMBER_MAX,
  type Part,
  type UploadChecksum,
} from '../../domain/upload.ts';
import type { XmlElement } from '../../xml/parse.ts';
import { CHECKSUM_PARAMETERS, checksumHeaderName } from '../headers/expected-body.ts';
import { integerHeader } from '../headers/parameters.ts';
import type { S3Request } from '../request.ts';
import { fieldsOf, malformedXml } from '../xml-body.ts';
import { checksumMismatch, objectChecksum, parseChecksumType } from './upload-checksum.ts';

const PART_ETAG = /^[0-9a-f]{32}$/;
/** One part as CompleteMultipartUpload lists it. */
export interface ListedPart {
  readonly partNumber: number;
  /** As the client wrote it, without quotes. */
  readonly etagText: string;
  /** `undefined` for a text that is no part's ETag. */
  readonly etag: ETag | undefined;
  readonly checksums: readonly { readonly algorithm: ChecksumAlgorithm; readonly value: string }[];
}

/** What the headers of CompleteMultipartUpload say of the whole object. */
export interface ObjectClaims {
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
  readonly checksumType: ChecksumType | undefined;
  readonly sizeBytes: number | undefined;
}

/** What the listed parts make. */
export interface CompletedObject {
  readonly parts: readonly { readonly partNumber: number; readonly etag: ETag }[];
  readonly etag: ETag;
  readonly checksum: Checksum | undefined;
  readonly sizeBytes: number;
}

/**
 * What a CompleteMultipartUpload says of its object: `x-amz-checksum-*`, `x-amz-checksum-type`, `x-amz-mp-object-size`.
 * Errors: InvalidArgument, InvalidRequest 400.
 */
export function objectClaims(request: S3Request): ObjectClaims {
  const checksums = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = request.headers.get(checksumHeaderName(algorithm));
    return value === undefined ? [] : [{ algorithm, value }];
  });
  if (checksums.length > 1) {
    throw new S3Error('InvalidRequest', {
      message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    });
  }
  const typeText = request.headers.get('x-amz-checksum-type');
  return {
    checksum: checksums[0],
    checksumType: typeText === undefined ? undefined : parseChecksumType(typeText),
    sizeBytes: integerHeader(request, 'x-amz-mp-object-size', { min: 0, max: OBJECT_BYTES_MAX }),
  };
}

/**
 * The parts in a `CompleteMultipartUpload` document: at least one, in rising order of their numbers.
 * Errors: MalformedXML, InvalidPartOrder 400.
 */
export function parsePartList(root: XmlElement): readonly ListedPart[] {
  const parts = fieldsOf(root, { single: [], repeated: ['Part'] })
    .children('Part')
    .map(parseListedPart);
  if (parts.length === 0) throw malformedXml('CompleteMultipartUpload must list at least one Part.');
  let previous = 0;
  for (const { partNumber } of parts) {
    if (partNumber <= previous) throw new S3Error('InvalidPartOrder');
    previous = partNumber;
  }
  return parts;
}

/**
 * The object that `listed` make of `stored`, the parts of the upload by number.
 * Errors: InvalidPart, EntityTooSmall 400.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
export function completeParts(
  listed: readonly ListedPart[],
  stored: ReadonlyMap<number, Part>,
  upload: { readonly uploadId: string; readonly checksum: UploadChecksum | undefined },
): CompletedObject {
  const parts = listed.map((claimed) => {
    const part = stored.get(claimed.partNumber);
    if (part === undefined || !isSamePart(claimed, part)) throw invalidPart([claimed], upload.uploadId);
    return part;
  });
  for (const part of parts.slice(0, -1)) {
    if (part.sizeBytes < PART_BYTES_MIN) throw tooSmall(part);
  }
  return {
    parts: parts.map(({ partNumber, etag }) => ({ partNumber, etag })),
    etag: etagOfParts(parts.map(({ etag }) => etag)),
    checksum: objectChecksum(upload.checksum, parts),
    sizeBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

/** Whether `etag` is that of the object which `listed` made; how an upload's record knows its parts again. */
export function isMadeOf(etag: ETag, listed: readonly ListedPart[]): boolean {
  const etags = listed.map((part) => part.etag).filter((partETag) => partETag !== undefined);
  return etags.length === listed.length && etagOfParts(etags) === etag;
}

/**
 * Compares an object with what the client says of it.
 * Errors: BadDigest, InvalidRequest 400.
 */
export function verifyClaims(claims: ObjectClaims, object: Pick<CompletedObject, 'checksum' | 'sizeBytes'>): void {
  if (claims.sizeBytes !== undefined && claims.sizeBytes !== object.sizeBytes) {
    throw new S3Error('InvalidRequest', {
      message: `The provided 'x-amz-mp-object-size' header value ${claims.sizeBytes} does not match what was computed: ${object.sizeBytes}`,
    });
  }
  const { checksum } = object;
  if (claims.checksumType !== undefined && claims.checksumType !== checksum?.type) {
    throw new S3Error('InvalidRequest', {
      message: `The object has ${checksum === undefined ? 'no checksum' : `a checksum of type ${checksum.type}`}. The complete request must use the same checksum type.`,
    });
  }
  if (claims.checksum === undefined) return;
  const { algorithm, value } = claims.checksum;
  if (checksum === undefined) {
    throw new S3Error('InvalidRequest', {
      message: `The parts do not all carry a ${algorithm} checksum. Name the algorithm in CreateMultipartUpload.`,
    });
  }
  if (algorithm !== checksum.algorithm) throw checksumMismatch({ expected: checksum.algorithm, actual: algorithm });
  if (value !== checksum.value) {
    throw new S3Error('BadDigest', {
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    });
  }
}

/** The error for parts that are not those of the upload; it names the first of them. */
export function invalidPart([part]: readonly ListedPart[], uploadId: string): S3Error {
  return new S3Error('InvalidPart', {
    elements: { UploadId: uploadId, ...(part && { PartNumber: part.partNumber, ETag: part.etagText }) },
  });
}

function parseListedPart(element: XmlElement): ListedPart {
  const fields = fieldsOf(element, {
    single: ['PartNumber', 'ETag', ...CHECKSUM_PARAMETERS],
  });
  const partNumber = fields.requiredInteger('PartNumber');
  if (partNumber < 1 || partNumber > PART_NUMBER_MAX) {
    throw malformedXml(`PartNumber must be from 1 to ${PART_NUMBER_MAX}, not ${partNumber}.`);
  }
  const etagText = fields
    .requiredText('ETag')
    .trim()
    .replace(/^"(.*)"$/, '$1');
  const checksums = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = fields.text(`Checksum${algorithm}`);
    return value === undefined ? [] : [{ algorithm, value: value.trim() }];
  });
  return { partNumber, etagText, etag: PART_ETAG.test(etagText) ? parseETag(etagText) : undefined, checksums };
}

function isSamePart(claimed: ListedPart, part: Part): boolean {
  if (claimed.etag !== part.etag) return false;
  return claimed.checksums.every(({ algorithm, value }) => {
    return part.checksum?.algorithm === algorithm && part.checksum.value === value;
  });
}

function tooSmall({ partNumber, sizeBytes, etag }: Part): S3Error {
  return new S3Error('EntityTooSmall', {
    elements: { ProposedSize: sizeBytes, MinSizeAllowed: PART_BYTES_MIN, PartNumber: partNumber, ETag: etag },
  });
}
