import { expect, test } from 'vitest';
import { s3Request } from '../../test/support/s3-request.ts';
import { contextOf, twoRegions } from '../../test/support/two-regions.ts';
import { S3Error } from '../domain/s3-error.ts';
import { openCopySource, parseCopyRange, parseCopySource, resolveCopyRange } from './copy-source.ts';

test.each([
  ['bucket/key', 'key', undefined],
  ['/bucket/key', 'key', undefined],
  ['bucket/a/b//c', 'a/b//c', undefined],
  ['bucket//key', '/key', undefined],
  ['bucket/a%2Fb', 'a/b', undefined],
  ['bucket%2Fkey', 'key', undefined],
  ['bucket/a%20b+c', 'a b+c', undefined],
  ['bucket/%C5%81%C3%B3d%C5%BA', 'Łódź', undefined],
  ['bucket/Łódź', 'Łódź', undefined],
  // Decoded once, not twice.
  ['bucket/a%2525', 'a%25', undefined],
  ['bucket/a%3Fb', 'a?b', undefined],
  ['bucket/a?b', 'a?b', undefined],
  ['bucket/..%2F..%2Fetc', '../../etc', undefined],
  ['bucket/key?versionId=abc', 'key', 'abc'],
  ['bucket/key?versionId=null', 'key', 'null'],
  ['bucket/a%3FversionId=x', 'a?versionId=x', undefined],
  ['bucket/a?versionId=x?versionId=y', 'a?versionId=x', 'y'],
])('the copy source %s is the key %s in version %s', (header, key, versionId) => {
  const source = parseCopySource(s3Request({ headers: { 'x-amz-copy-source': header } }));
  expect(source).toEqual({ bucket: 'bucket', key, versionId, conditions: {} });
});

test.each([
  ['', 'InvalidArgument'],
  ['bucket', 'InvalidArgument'],
  ['/bucket', 'InvalidArgument'],
  ['bucket/', 'InvalidArgument'],
  ['//key', 'InvalidArgument'],
  ['bucket/%', 'InvalidArgument'],
  ['bucket/%ff', 'InvalidArgument'],
  ['bucket/key?versionId=', 'InvalidArgument'],
  ['Bad_Bucket/key', 'InvalidBucketName'],
  [`bucket/${'k'.repeat(1025)}`, 'KeyTooLongError'],
  ['arn:aws:s3:us-east-1:123456789012:accesspoint/ap/object/key', 'NotImplemented'],
])('the copy source %s is refused as %s', (header, code) => {
  const parse = () => parseCopySource(s3Request({ headers: { 'x-amz-copy-source': header } }));
  expect(parse).toThrow(expect.objectContaining({ code }));
});

test('a copy range is exact: its two ends within the source', () => {
  expect(resolveCopyRange({ first: 0, last: 4 }, 5)).toEqual({ offsetBytes: 0, lengthBytes: 5 });
  expect(() => resolveCopyRange({ first: 0, last: 5 }, 5)).toThrow(expect.objectContaining({ code: 'InvalidRange' }));
});

test('a copy range is bytes=first-last', () => {
  const rangeOf = (text: string) => parseCopyRange(s3Request({ headers: { 'x-amz-copy-source-range': text } }));
  expect(rangeOf('bytes=0-2')).toEqual({ first: 0, last: 2 });
  for (const text of ['0-2', 'bytes=0', 'bytes=2-', 'bytes=-2', 'bytes=2-0', 'bytes=0-2,3-5', 'bytes=a-b']) {
    expect(() => rangeOf(text)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  }
});

test.each([
  ['bobs-bucket/key', 's3:GetObject'],
  ['bobs-bucket/key?versionId=null', 's3:GetObjectVersion'],
])('the source %s is opened only for who may %s', async (header, action) => {
  const asked: unknown[] = [];
  const context = await contextOf(await twoRegions(), 'west-bucket', {
    openBucket: async (...call) => {
      asked.push(call);
      throw new S3Error('AccessDenied');
    },
  });
  const source = parseCopySource(s3Request({ headers: { 'x-amz-copy-source': header } }));
  await expect(openCopySource(context, source)).rejects.toMatchObject({ code: 'AccessDenied' });
  expect(asked).toEqual([['bobs-bucket', action, 'key', source.versionId]]);
});
