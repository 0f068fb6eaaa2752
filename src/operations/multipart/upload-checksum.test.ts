import { describe, expect, test } from 'vitest';
import { headerMap } from '../../../test/support/s3-request.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../domain/checksum.ts';
import { checksumOf, compositeChecksum } from '../../domain/digests.ts';
import { parseETag } from '../../domain/etag.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { Part, UploadChecksum } from '../../domain/upload.ts';
import type { HeaderMap } from '../request.ts';
import {
  copiedPartAlgorithm,
  objectChecksum,
  parseUploadChecksum,
  partAlgorithm,
  partChecksum,
} from './upload-checksum.ts';

describe('the checksum that CreateMultipartUpload settles', () => {
  test.each([
    [undefined, undefined, 'CRC64NVME', 'FULL_OBJECT', false],
    ['CRC32', undefined, 'CRC32', 'COMPOSITE', true],
    ['CRC32', 'FULL_OBJECT', 'CRC32', 'FULL_OBJECT', true],
    ['CRC32', 'COMPOSITE', 'CRC32', 'COMPOSITE', true],
    ['CRC32C', undefined, 'CRC32C', 'COMPOSITE', true],
    ['CRC32C', 'FULL_OBJECT', 'CRC32C', 'FULL_OBJECT', true],
    ['CRC64NVME', undefined, 'CRC64NVME', 'FULL_OBJECT', true],
    ['crc64nvme', 'full_object', 'CRC64NVME', 'FULL_OBJECT', true],
    ['SHA1', undefined, 'SHA1', 'COMPOSITE', true],
    ['SHA256', 'COMPOSITE', 'SHA256', 'COMPOSITE', true],
  ] as const)('algorithm %s and type %s settle %s %s', (algorithm, type, ...[settled, settledType, requested]) => {
    const headers = headersOf({ 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type });
    expect(parseUploadChecksum(headers)).toEqual({ algorithm: settled, type: settledType, requested });
  });

  test.each([
    ['CRC64NVME', 'COMPOSITE', 'InvalidRequest'],
    ['SHA1', 'FULL_OBJECT', 'InvalidRequest'],
    ['SHA256', 'FULL_OBJECT', 'InvalidRequest'],
    ['CRC32', 'WHOLE', 'InvalidRequest'],
    [undefined, 'FULL_OBJECT', 'InvalidRequest'],
    ['SHA512', 'FULL_OBJECT', 'InvalidRequest'],
    ['XXHASH3', 'FULL_OBJECT', 'InvalidRequest'],
    ['CRC31', undefined, 'InvalidRequest'],
    ['', undefined, 'InvalidRequest'],
  ] as const)('algorithm %s and type %s are refused with %s %s', (algorithm, type, code) => {
    const headers = headersOf({ 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type });
    expect(codeOf(() => parseUploadChecksum(headers))).toBe(code);
  });
});

describe('the checksum of a part', () => {
  test('an upload that asked for an algorithm takes no other', () => {
    const upload = checksumRequest('SHA256', 'COMPOSITE');
    expect(partAlgorithm(upload, undefined)).toBe('SHA256');
    expect(partAlgorithm(upload, 'SHA256')).toBe('SHA256');
    expect(codeOf(() => partAlgorithm(upload, 'CRC32'))).toBe('InvalidRequest');
    expect(copiedPartAlgorithm(upload, { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' })).toBe('SHA256');
  });

  test('an upload that asked for none takes what the client sends, and the algorithm of what it copies', () => {
    const upload = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', requested: false } as const;
    expect(partAlgorithm(upload, undefined)).toBe('CRC64NVME');
    expect(partAlgorithm(upload, 'SHA1')).toBe('SHA1');
    expect(copiedPartAlgorithm(upload, undefined)).toBe('CRC64NVME');
    expect(copiedPartAlgorithm(upload, { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' })).toBe('CRC32');
    expect(partChecksum(upload, { algorithm: 'CRC32', value: 'AAAAAA==' }).type).toBe('FULL_OBJECT');
    expect(partChecksum(upload, { algorithm: 'SHA1', value: '' }).type).toBe('COMPOSITE');
  });
});

describe('the checksum of the object', () => {
  const bodies = ['first', 'second', ''].map((text) => Buffer.from(text));

  test.each([
    ['CRC32', 'FULL_OBJECT'],
    ['CRC32C', 'FULL_OBJECT'],
    ['CRC64NVME', 'FULL_OBJECT'],
  ] as const)('%s %s is that of the whole body', (algorithm, type) => {
    const checksum = objectChecksum(checksumRequest(algorithm, type), partsOf(bodies, algorithm));
    expect(checksum).toEqual({ algorithm, type, value: checksumOf(algorithm, Buffer.concat(bodies)) });
  });

  test.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)(
    '%s COMPOSITE is made of those of the parts',
    (algorithm) => {
      const checksum = objectChecksum(checksumRequest(algorithm, 'COMPOSITE'), partsOf(bodies, algorithm));
      const value = compositeChecksum(
        algorithm,
        bodies.map((bytes) => checksumOf(algorithm, bytes)),
      );
      expect(checksum).toEqual({ algorithm, type: 'COMPOSITE', value });
      expect(value).toMatch(/-3$/);
    },
  );

  test.each(CHECKSUM_ALGORITHMS)('parts that all carry %s without being asked give one', (algorithm) => {
    const upload = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', requested: false } as const;
    const type = algorithm.startsWith('CRC') ? 'FULL_OBJECT' : 'COMPOSITE';
    expect(objectChecksum(upload, partsOf(bodies, algorithm))).toMatchObject({ algorithm, type });
  });

  test('parts of several algorithms give none', () => {
    const upload = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', requested: false } as const;
    const parts = [...partsOf(bodies, 'CRC32'), ...partsOf(bodies, 'SHA1')];
    expect(objectChecksum(upload, parts)).toBeUndefined();
  });
});

function checksumRequest(algorithm: ChecksumAlgorithm, type: 'FULL_OBJECT' | 'COMPOSITE'): UploadChecksum {
  return { algorithm, type, requested: true };
}

function partsOf(bodies: readonly Uint8Array[], algorithm: ChecksumAlgorithm): Part[] {
  const etag = parseETag('d41d8cd98f00b204e9800998ecf8427e');
  if (etag === undefined) throw new Error('unreachable');
  return bodies.map((bytes, index) => ({
    partNumber: index + 1,
    sizeBytes: bytes.length,
    etag,
    checksum: partChecksum(undefined, { algorithm, value: checksumOf(algorithm, bytes) }),
    lastModifiedMs: 0,
    body: undefined,
  }));
}

function headersOf(fields: Readonly<Record<string, string | undefined>>): HeaderMap {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) given[name] = value;
  }
  return headerMap(given);
}

function codeOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return 'no error';
}
