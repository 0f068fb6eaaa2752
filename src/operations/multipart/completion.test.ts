import { describe, expect, test } from 'vitest';
import { checksumOf } from '../../domain/digests.ts';
import { etagOfMd5, etagOfParts } from '../../domain/etag.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { PART_BYTES_MIN, type Part } from '../../domain/upload.ts';
import { parseXml } from '../../xml/parse.ts';
import { completeParts, isMadeOf, type ListedPart, parsePartList, verifyClaims } from './completion.ts';

const UPLOAD = { uploadId: 'upload', checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', requested: true } } as const;
const NO_CLAIMS = { checksum: undefined, checksumType: undefined, sizeBytes: undefined };

describe('the list of parts', () => {
  test('ETags may be quoted or not, checksums are optional, and S3’s namespace may be missing', () => {
    const [first, second] = parseList(
      '<Part><ETag>"0cc175b9c0f1b6a831c399e269772661"</ETag><PartNumber>1</PartNumber></Part>' +
        '<Part><PartNumber>9</PartNumber><ChecksumCRC32>AAAAAA==</ChecksumCRC32>' +
        '<ETag>0cc175b9c0f1b6a831c399e269772661</ETag></Part>',
    );
    expect(first).toMatchObject({ partNumber: 1, etag: '0cc175b9c0f1b6a831c399e269772661', checksums: [] });
    expect(second).toMatchObject({
      partNumber: 9,
      etag: '0cc175b9c0f1b6a831c399e269772661',
      checksums: [{ algorithm: 'CRC32', value: 'AAAAAA==' }],
    });
  });

  test.each([
    ['no part', '', 'MalformedXML'],
    ['no number', '<Part><ETag>a</ETag></Part>', 'MalformedXML'],
    ['no ETag', '<Part><PartNumber>1</PartNumber></Part>', 'MalformedXML'],
    ['number 0', listOf(0), 'MalformedXML'],
    ['number 10,001', listOf(10_001), 'MalformedXML'],
    ['a number in words', '<Part><PartNumber>one</PartNumber><ETag>a</ETag></Part>', 'MalformedXML'],
    ['an unknown element', '<Part><PartNumber>1</PartNumber><ETag>a</ETag><Size>1</Size></Part>', 'MalformedXML'],
    ['falling numbers', listOf(2, 1), 'InvalidPartOrder'],
    ['a number twice', listOf(1, 1), 'InvalidPartOrder'],
    [
      'a checksum of an algorithm that S3 has not',
      '<Part><PartNumber>1</PartNumber><ETag>a</ETag><ChecksumXXHASH4>a</ChecksumXXHASH4></Part>',
      'MalformedXML',
    ],
  ])('%s is refused', (_, xml, code) => {
    expect(codeOf(() => parseList(xml))).toBe(code);
  });
});

describe('completing', () => {
  test('the object has the ETag, size and checksum of its parts, in their order', () => {
    const parts = [partOf(2, PART_BYTES_MIN), partOf(5, 7)];
    const object = completeParts(parts.map(listed), byNumber([...parts, partOf(9, 1)]), UPLOAD);
    expect(object).toEqual({
      parts: parts.map(({ partNumber, etag }) => ({ partNumber, etag })),
      etag: etagOfParts(parts.map(({ etag }) => etag)),
      sizeBytes: PART_BYTES_MIN + 7,
      checksum: {
        algorithm: 'CRC32',
        type: 'FULL_OBJECT',
        value: checksumOf('CRC32', Buffer.alloc(PART_BYTES_MIN + 7)),
      },
    });
    expect(object.etag).toMatch(/^[0-9a-f]{32}-2$/);
  });

  test('only the last part may be smaller than 5 MiB, and the error says which one is not', () => {
    const parts = [partOf(1, PART_BYTES_MIN), partOf(2, PART_BYTES_MIN - 1), partOf(3, 1)];
    const error = errorOf(() => completeParts(parts.map(listed), byNumber(parts), UPLOAD));
    expect(error).toMatchObject({
      code: 'EntityTooSmall',
      elements: {
        ProposedSize: PART_BYTES_MIN - 1,
        MinSizeAllowed: PART_BYTES_MIN,
        PartNumber: 2,
        ETag: parts[1]?.etag,
      },
    });
  });

  test.each([
    ['that was never sent', { partNumber: 2 }],
    ['with another ETag', { etag: etagOfMd5(Buffer.alloc(16)) }],
    ['with a text for an ETag that is none', { etag: undefined }],
    ['with a wrong checksum', { checksums: [{ algorithm: 'CRC32', value: 'AAAAAA==' }] }],
    ['with a checksum of an algorithm that it does not carry', { checksums: [{ algorithm: 'SHA1', value: '' }] }],
  ] as const)('a part %s is InvalidPart', (_, change) => {
    const part = partOf(1, 3);
    const claimed = { ...listed(part), ...change };
    expect(codeOf(() => completeParts([claimed], byNumber([part]), UPLOAD))).toBe('InvalidPart');
  });

  test('an upload’s record knows its parts by the ETag that they make', () => {
    const parts = [partOf(1, 1), partOf(2, 2)].map(listed);
    const etag = etagOfParts([partOf(1, 1).etag, partOf(2, 2).etag]);
    expect(isMadeOf(etag, parts)).toBe(true);
    expect(isMadeOf(etag, parts.toReversed())).toBe(false);
    expect(isMadeOf(etag, parts.slice(1))).toBe(false);
    expect(isMadeOf(etag, [...parts, { ...listed(partOf(3, 3)), etag: undefined }])).toBe(false);
  });
});

describe('what the client claims of the object', () => {
  const object = { checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' }, sizeBytes: 10 } as const;

  test('true claims pass', () => {
    const checksum = { algorithm: 'CRC32', value: 'AAAAAA==' } as const;
    verifyClaims({ checksum, checksumType: 'FULL_OBJECT', sizeBytes: 10 }, object);
    verifyClaims(NO_CLAIMS, { checksum: undefined, sizeBytes: 10 });
  });

  test.each([
    ['another size', { sizeBytes: 11 }, object, 'InvalidRequest'],
    ['another type', { checksumType: 'COMPOSITE' }, object, 'InvalidRequest'],
    [
      'a type where there is no checksum',
      { checksumType: 'COMPOSITE' },
      { ...object, checksum: undefined },
      'InvalidRequest',
    ],
    ['another checksum', { checksum: { algorithm: 'CRC32', value: 'AAAAAQ==' } }, object, 'BadDigest'],
    ['a text that is no checksum', { checksum: { algorithm: 'CRC32', value: 'bad' } }, object, 'BadDigest'],
    ['another algorithm', { checksum: { algorithm: 'CRC32C', value: 'AAAAAA==' } }, object, 'InvalidRequest'],
    [
      'a checksum where there is none',
      { checksum: { algorithm: 'CRC32', value: 'AAAAAA==' } },
      { ...object, checksum: undefined },
      'InvalidRequest',
    ],
  ] as const)('%s is refused', (_, claims, made, code) => {
    expect(codeOf(() => verifyClaims({ ...NO_CLAIMS, ...claims }, made))).toBe(code);
  });
});

function parseList(xml: string): readonly ListedPart[] {
  return parsePartList(parseXml(Buffer.from(`<CompleteMultipartUpload>${xml}</CompleteMultipartUpload>`)));
}

function listOf(...numbers: readonly number[]): string {
  return numbers
    .map((number) => `<Part><PartNumber>${number}</PartNumber><ETag>0cc175b9c0f1b6a831c399e269772661</ETag></Part>`)
    .join('');
}

/** A part of `sizeBytes` zeros, with an ETag of its own. */
function partOf(partNumber: number, sizeBytes: number): Part {
  return {
    partNumber,
    sizeBytes,
    etag: etagOfMd5(Buffer.alloc(16, partNumber)),
    checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: checksumOf('CRC32', Buffer.alloc(sizeBytes)) },
    lastModifiedMs: 0,
    body: undefined,
  };
}

function listed({ partNumber, etag }: Part): ListedPart {
  return { partNumber, etag, etagText: etag, checksums: [] };
}

function byNumber(parts: readonly Part[]): ReadonlyMap<number, Part> {
  return new Map(parts.map((part) => [part.partNumber, part]));
}

function errorOf(step: () => unknown): S3Error {
  try {
    step();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error('no error');
}

function codeOf(step: () => unknown): string {
  return errorOf(step).code;
}
