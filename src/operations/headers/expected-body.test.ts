import { expect, test } from 'vitest';
import { requestBody, s3Request } from '../../../test/support/s3-request.ts';
import { expectedBody } from './expected-body.ts';

const LIMIT = { bytesMax: 10 };
const CRC32_OF_NOTHING = 'AAAAAA==';
const UNDECLARED = requestBody([], { declaredBytes: undefined });

test('a body without digests is expected with its length alone', () => {
  const request = s3Request({ body: requestBody([Buffer.alloc(7)]) });
  expect(expectedBody(request, LIMIT)).toEqual({ bytesMax: 10, sizeBytes: 7, md5: undefined, checksum: undefined });
});

test('a body that is too long is refused before it is read', () => {
  const request = s3Request({ body: requestBody([], { declaredBytes: 11 }) });
  expect(() => expectedBody(request, LIMIT)).toThrow(
    expect.objectContaining({ code: 'EntityTooLarge', elements: { ProposedSize: 11, MaxSizeAllowed: 10 } }),
  );
});

test('a body whose length nothing tells is refused', () => {
  expect(() => expectedBody(s3Request({ body: UNDECLARED }), LIMIT)).toThrow(
    expect.objectContaining({ code: 'MissingContentLength', status: 411 }),
  );
});

test.each([
  { 'transfer-encoding': 'chunked' },
  { 'content-encoding': 'gzip,aws-chunked' },
  { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
])('a body with %o ends itself and needs no length', (headers) => {
  expect(expectedBody(s3Request({ headers, body: UNDECLARED }), LIMIT).sizeBytes).toBeUndefined();
});

test('a checksum header is expected with its value', () => {
  const headers = { 'x-amz-checksum-crc32': CRC32_OF_NOTHING, 'x-amz-sdk-checksum-algorithm': 'crc32' };
  expect(expectedBody(s3Request({ headers }), LIMIT).checksum).toEqual({
    algorithm: 'CRC32',
    source: { kind: 'header', value: CRC32_OF_NOTHING },
  });
});

test('a Content-MD5 that is announced as the checksum is one', () => {
  const md5 = '1B2M2Y8AsgTpgAmY7PhCfg==';
  const headers = { 'content-md5': md5, 'x-amz-sdk-checksum-algorithm': 'MD5' };
  const { checksum } = expectedBody(s3Request({ headers }), LIMIT);
  expect(checksum).toEqual({ algorithm: 'MD5', source: { kind: 'header', value: md5 } });
});

test('the value of an announced trailer is read after the body', async () => {
  const body = requestBody([], { trailers: { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' } });
  const { checksum } = expectedBody(s3Request({ body }), LIMIT);
  if (checksum?.source.kind !== 'trailer') throw new Error('It comes in the trailer.');
  expect(checksum.source.read()).toBeUndefined();
  for await (const _ of body);
  expect(checksum.source.read()).toBe('AAAAAAAAAAA=');
});

test.each([
  [{ 'content-md5': 'nonsense' }, 'InvalidDigest'],
  [{ 'content-md5': '' }, 'InvalidDigest'],
  [{ 'x-amz-checksum-crc32': 'AAAA' }, 'InvalidRequest'],
  [{ 'x-amz-checksum-sha256': CRC32_OF_NOTHING }, 'InvalidRequest'],
  [{ 'x-amz-checksum-crc32': CRC32_OF_NOTHING, 'x-amz-checksum-crc32c': CRC32_OF_NOTHING }, 'InvalidRequest'],
  [{ 'x-amz-sdk-checksum-algorithm': 'CRC32' }, 'InvalidRequest'],
  [{ 'x-amz-sdk-checksum-algorithm': 'SHA1', 'x-amz-checksum-crc32': CRC32_OF_NOTHING }, 'InvalidRequest'],
  [{ 'x-amz-checksum-sha512': 'AAAA' }, 'InvalidRequest'],
  [{ 'x-amz-checksum-xxhash4': 'AAAA' }, 'InvalidRequest'],
  [{ 'x-amz-sdk-checksum-algorithm': 'MD5' }, 'InvalidRequest'],
])('a body with %o is refused as %s', (headers, code) => {
  expect(() => expectedBody(s3Request({ headers }), LIMIT)).toThrow(expect.objectContaining({ code }));
});

test('a checksum in the header and another in the trailer are refused', () => {
  const body = requestBody([], { announcedTrailers: ['x-amz-checksum-crc32c'] });
  const request = s3Request({ headers: { 'x-amz-checksum-crc32': CRC32_OF_NOTHING }, body });
  expect(() => expectedBody(request, LIMIT)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
});
