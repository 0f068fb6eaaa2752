import { HeadObjectCommand, ListObjectsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

describe('ListObjects', () => {
  test('shows of an object what HeadObject shows of it', async () => {
    const Bucket = await bucketWith(['a']);
    const { Contents = [] } = await server.client.send(new ListObjectsCommand({ Bucket }));
    const head = await server.client.send(new HeadObjectCommand({ Bucket, Key: 'a', ChecksumMode: 'ENABLED' }));
    expect(Contents).toHaveLength(1);
    expect(Contents[0]).toMatchObject({
      Key: 'a',
      ETag: head.ETag,
      Size: head.ContentLength,
      LastModified: head.LastModified,
      StorageClass: 'STANDARD',
      ChecksumAlgorithm: ['CRC32'],
      ChecksumType: head.ChecksumType,
    });
    expect(Contents[0]?.Owner?.ID).toEqual(expect.stringMatching(/./));
  });

  test('orders keys by their UTF-8 bytes', async () => {
    const Bucket = await bucketWith(['\u{1f600}', '\uffee', 'é', 'z', 'Z', '~']);
    const { Contents = [] } = await server.client.send(new ListObjectsCommand({ Bucket }));
    expect(Contents.map(({ Key }) => Key)).toEqual(['Z', 'z', '~', 'é', '\uffee', '\u{1f600}']);
  });

  test('groups by delimiter and pages by marker', async () => {
    const Bucket = await bucketWith(['asdf', 'boo/bar', 'boo/baz/xyzzy', 'cquux/thud', 'cquux/bla']);
    const found: (string | undefined)[] = [];
    let Marker: string | undefined;
    do {
      const page = await server.client.send(new ListObjectsCommand({ Bucket, Delimiter: '/', MaxKeys: 1, Marker }));
      const { Contents = [], CommonPrefixes = [] } = page;
      found.push(...Contents.map(({ Key }) => Key), ...CommonPrefixes.map(({ Prefix }) => Prefix));
      Marker = page.NextMarker;
      expect(page.IsTruncated).toBe(Marker !== undefined);
    } while (Marker !== undefined);
    expect(found).toEqual(['asdf', 'boo/', 'cquux/']);
  });

  test('refuses restore attributes', async () => {
    const Bucket = await server.newBucket();
    const command = new ListObjectsCommand({ Bucket, OptionalObjectAttributes: ['RestoreStatus'] });
    await expect(server.client.send(command)).rejects.toMatchObject({ name: 'NotImplemented' });
  });

  test('of a missing bucket is NoSuchBucket', async () => {
    await expect(server.client.send(new ListObjectsCommand({ Bucket: 'missing' }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
      $metadata: { httpStatusCode: 404 },
    });
  });
});

async function bucketWith(keys: readonly string[]): Promise<string> {
  const Bucket = await server.newBucket();
  for (const Key of keys) await server.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  return Bucket;
}
