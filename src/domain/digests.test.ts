import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHECKSUM_ALGORITHMS } from './checksum.ts';
import {
  checksumBytes,
  checksumOf,
  combineCrc,
  compositeChecksum,
  createDigest,
  isCrc,
  parseChecksumValue,
} from './digests.ts';

const CHECK_INPUT = Buffer.from('123456789');
const CRC_ALGORITHMS = CHECKSUM_ALGORITHMS.filter(isCrc);

describe('the check values of the algorithms', () => {
  test.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
    ['MD5', '25f9e794323b453885f5181f1b624d0b'],
    [
      'SHA512',
      'd9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85',
    ],
    ['XXHASH64', '8cb841db40e6ae83'],
  ] as const)('%s of "123456789" is %s', (algorithm, hex) => {
    expect(Buffer.from(checksumOf(algorithm, CHECK_INPUT), 'base64').toString('hex')).toBe(hex);
  });

  test.each([
    ['CRC32', 'AAAAAA=='],
    ['CRC32C', 'AAAAAA=='],
    ['CRC64NVME', 'AAAAAAAAAAA='],
    ['SHA1', '2jmj7l5rSw0yVb/vlWAYkK/YBwk='],
    ['SHA256', '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
  ] as const)('%s of no bytes is %s', (algorithm, base64) => {
    expect(checksumOf(algorithm, new Uint8Array())).toBe(base64);
    expect(createDigest(algorithm).digest()).toBe(base64);
  });
});

// Computed by the implementation of the AWS SDK for JavaScript, which shares no code with this one.
test.each([
  ['XXHASH64', 'vWQhFpPp01E='],
  ['XXHASH3', '4e3/TMdoXBU='],
  ['XXHASH128', '+JJfuUj+1fHh7f9Mx2hcFQ=='],
] as const)('%s of a long body is what clients compute', (algorithm, base64) => {
  expect(checksumOf(algorithm, Buffer.alloc(100_000, '0123456789abcdef!'))).toBe(base64);
});

test.each(CHECKSUM_ALGORITHMS)('%s piece by piece is that of the whole, with other digests under way', (algorithm) => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 40_000, size: 'max' }), { maxLength: 6 });
  fc.assert(
    fc.property(pieces, pieces, (ours, theirs) => {
      const [digest, other] = [createDigest(algorithm), createDigest(algorithm)];
      for (let index = 0; index < Math.max(ours.length, theirs.length); index += 1) {
        digest.update(ours[index] ?? new Uint8Array());
        checksumOf(algorithm, CHECK_INPUT);
        other.update(theirs[index] ?? new Uint8Array());
      }
      expect(digest.digest()).toBe(checksumOf(algorithm, Buffer.concat(ours)));
      expect(other.digest()).toBe(checksumOf(algorithm, Buffer.concat(theirs)));
    }),
    { numRuns: 30 },
  );
});

describe('combining the checksums of parts', () => {
  test.each(CRC_ALGORITHMS)('%s combined is that of the concatenation', (algorithm) => {
    const part = fc.uint8Array({ maxLength: 5_000, size: 'max' });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const pieces = parts.map((bytes) => ({ checksum: checksumOf(algorithm, bytes), sizeBytes: bytes.length }));
        expect(combineCrc(algorithm, pieces)).toBe(checksumOf(algorithm, Buffer.concat(parts)));
      }),
    );
  });

  test.each(CRC_ALGORITHMS)('%s holds for lengths beyond 32 bits', (algorithm) => {
    const zeros = (sizeBytes: number, checksum: string) => ({ checksum, sizeBytes });
    const mebibyte = zeros(2 ** 20, checksumOf(algorithm, new Uint8Array(2 ** 20)));
    // 5 GiB of zeros as equal parts, and as doubled halves.
    const equal = combineCrc(
      algorithm,
      Array.from({ length: 5 * 1024 }, () => mebibyte),
    );
    let doubled = mebibyte;
    for (let times = 0; times < 10; times += 1) {
      doubled = zeros(doubled.sizeBytes * 2, combineCrc(algorithm, [doubled, doubled]));
    }
    const fourGibibytes = zeros(2 ** 32, combineCrc(algorithm, [doubled, doubled, doubled, doubled]));
    expect(combineCrc(algorithm, [doubled, fourGibibytes])).toBe(equal);
    expect(combineCrc(algorithm, [fourGibibytes, doubled])).toBe(equal);
  });

  test('COMPOSITE is the checksum of the parts’ binary checksums, and their number', () => {
    const parts = ['a', 'b', 'c'].map((text) => checksumOf('SHA256', Buffer.from(text)));
    const concatenated = Buffer.concat(parts.map((checksum) => Buffer.from(checksum, 'base64')));
    expect(compositeChecksum('SHA256', parts)).toBe(`${checksumOf('SHA256', concatenated)}-3`);
  });

  test('a value of another algorithm is refused', () => {
    const wrong = { checksum: checksumOf('CRC64NVME', CHECK_INPUT), sizeBytes: 9 };
    expect(() => combineCrc('CRC32', [wrong])).toThrow(TypeError);
  });
});

describe('parsing a checksum', () => {
  test.each(CHECKSUM_ALGORITHMS)('%s accepts its own values', (algorithm) => {
    const value = checksumOf(algorithm, CHECK_INPUT);
    expect(parseChecksumValue(algorithm, value)).toBe(value);
    expect(Buffer.from(value, 'base64').length).toBe(checksumBytes(algorithm));
  });

  test.each([
    '',
    'bad',
    'AAAAAA', // no padding
    'AAAAAB==', // bits beyond the last byte
    'AAAA-_==', // the URL alphabet
    'AAAA AA==',
    'AAAAAAAAAAA=', // too long
    'AAAAAA==-2',
    'cbf43926',
  ])('CRC32 refuses %j', (text) => {
    expect(parseChecksumValue('CRC32', text)).toBeUndefined();
  });
});
