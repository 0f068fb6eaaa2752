/**
 * The checksum algorithms that S3 has. A row stores one as its place in this list: new ones go to the end.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export const CHECKSUM_ALGORITHMS = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'MD5',
  'SHA512',
  'XXHASH64',
  'XXHASH3',
  'XXHASH128',
] as const;

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** Whether a multipart object's checksum covers its bytes or the checksums of its parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** One checksum as S3 writes it: base64, for COMPOSITE followed by `-` and the number of parts. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}
