import { expect, test } from 'vitest';
import { s3Request } from '../../../test/support/s3-request.ts';
import { storageClassOf, systemHeaders, userMetadata } from './object-description.ts';

test('an object without headers has the default content type and nothing else', () => {
  expect(systemHeaders(s3Request())).toEqual({ contentType: 'binary/octet-stream' });
});

test('every header that S3 stores is kept byte for byte', () => {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-cache',
    'content-disposition': 'attachment; filename="é.txt"',
    'content-encoding': 'gzip',
    'content-language': 'de',
    expires: 'whenever',
    'x-amz-website-redirect-location': '/elsewhere',
  };
  expect(systemHeaders(s3Request({ headers }))).toEqual({
    contentType: 'text/plain; charset=utf-8',
    cacheControl: 'no-cache',
    contentDisposition: 'attachment; filename="\u00c3\u00a9.txt"',
    contentEncoding: 'gzip',
    contentLanguage: 'de',
    expires: 'whenever',
    websiteRedirectLocation: '/elsewhere',
  });
});

test.each([
  ['gzip', 'gzip'],
  ['deflate, gzip', 'deflate, gzip'],
  ['aws-chunked', undefined],
  ['aws-chunked,gzip', 'gzip'],
  ['gzip, aws-chunked', 'gzip'],
  ['aws-chunked, aws-chunked', undefined],
  ['AWS-Chunked, br', 'br'],
])('Content-Encoding %s is stored as %s', (encoding, stored) => {
  expect(systemHeaders(s3Request({ headers: { 'content-encoding': encoding } })).contentEncoding).toBe(stored);
});

test.each(['elsewhere', 'ftp://x/', 'javascript:alert(1)'])('a redirect to %s is refused', (location) => {
  const request = s3Request({ headers: { 'x-amz-website-redirect-location': location } });
  expect(() => systemHeaders(request)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
});

test.each(['cache-control', 'content-type', 'x-amz-meta-a'])('%s with a control character is refused', (name) => {
  const request = s3Request({ headers: { [name]: 'a\r\nb' } });
  const read = () => [systemHeaders(request), userMetadata(request)];
  expect(read).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
});

test('a system header of more than 2 KiB is refused', () => {
  const request = s3Request({ headers: { 'content-disposition': 'x'.repeat(2049) } });
  expect(() => systemHeaders(request)).toThrow(expect.objectContaining({ code: 'MetadataTooLarge' }));
});

test('user metadata keeps the bytes of values, odd names and empty values', () => {
  const headers = { 'x-amz-meta-city': 'Łódź 🏭', 'x-amz-meta-__proto__': 'polluted', 'x-amz-meta-empty': '' };
  expect(userMetadata(s3Request({ headers }))).toEqual([
    ['city', Buffer.from('Łódź 🏭').toString('latin1')],
    ['__proto__', 'polluted'],
    ['empty', ''],
  ]);
  expect(Object.prototype).not.toHaveProperty('polluted');
});

test('repeated metadata headers are joined by commas', () => {
  const headers = { 'x-amz-meta-a': ['1', '2', '3'] };
  expect(userMetadata(s3Request({ headers }))).toEqual([['a', '1,2,3']]);
});

test('user metadata may have 2,048 bytes of names and values', () => {
  const exact = { 'x-amz-meta-ab': 'é'.repeat(1023) };
  expect(userMetadata(s3Request({ headers: exact }))).toHaveLength(1);
  const over = { 'x-amz-meta-abc': 'é'.repeat(1023) };
  expect(() => userMetadata(s3Request({ headers: over }))).toThrow(
    expect.objectContaining({ code: 'MetadataTooLarge', elements: { Size: 2049, MaxSizeAllowed: 2048 } }),
  );
});

test('a metadata header without a name is refused', () => {
  const request = s3Request({ headers: { 'x-amz-meta-': 'x' } });
  expect(() => userMetadata(request)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
});

test('the storage class is STANDARD unless the client names another', () => {
  expect(storageClassOf(s3Request())).toBe('STANDARD');
  expect(storageClassOf(s3Request({ headers: { 'x-amz-storage-class': 'COLD' } }))).toBe('COLD');
});

test('what cannot be a storage class is refused', () => {
  const request = s3Request({ headers: { 'x-amz-storage-class': 'no such' } });
  expect(() => storageClassOf(request)).toThrow(expect.objectContaining({ code: 'InvalidStorageClass' }));
});
