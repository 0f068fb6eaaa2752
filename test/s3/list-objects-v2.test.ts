import { ListObjectsV2Command, PutObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

describe.each(['memory', 'embedded'] as const)('ListObjectsV2 on the %s engine', (engine) => {
  beforeAll(async () => {
    server = await startTestServer({ engine });
  });
  afterAll(() => server.close());

  test('gives every key once, whatever the page size', async () => {
    const keys = ['a', 'a b', 'a&b', 'a+b', 'a<b>', "a'b", 'a"b', 'a%20b', 'aé', 'a\u{1f600}', 'b/', 'b//', 'b/c', 'z'];
    const Bucket = await bucketWith(keys);
    for (const pageSize of [1, 3, 14, 1000]) {
      const found: (string | undefined)[] = [];
      for await (const page of paginateListObjectsV2({ client: server.client, pageSize }, { Bucket })) {
        found.push(...(page.Contents ?? []).map(({ Key }) => Key));
        expect(page.KeyCount).toBe(page.Contents?.length);
      }
      expect(found).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }
  });

  test('shows keys that XML cannot say, percent-encoded', async () => {
    const keys = ['\u0001', '\u001f/x', 'a\r\nb', 'a\tb', '\ufffe'];
    const Bucket = await bucketWith(keys);
    const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket, EncodingType: 'url' }));
    expect(Contents.map(({ Key }) => decodeURIComponent(Key ?? ''))).toEqual(keys.toSorted());
  });

  test('groups, starts after a key and shows owners when asked', async () => {
    const Bucket = await bucketWith(['photos/1', 'photos/2', 'sample.jpg', 'videos/1']);
    const found = await server.client.send(
      new ListObjectsV2Command({ Bucket, Delimiter: '/', StartAfter: 'photos/', FetchOwner: true }),
    );
    expect(found.CommonPrefixes).toEqual([{ Prefix: 'videos/' }]);
    expect(found.Contents?.map(({ Key, Owner }) => [Key, typeof Owner?.ID])).toEqual([['sample.jpg', 'string']]);
    expect([found.KeyCount, found.StartAfter, found.IsTruncated]).toEqual([2, 'photos/', false]);
  });

  test('refuses a token that it did not make', async () => {
    const Bucket = await server.newBucket();
    const command = new ListObjectsV2Command({ Bucket, ContinuationToken: 'AbCd' });
    await expect(server.client.send(command)).rejects.toMatchObject({
      name: 'InvalidArgument',
      message: 'The continuation token provided is incorrect',
    });
  });
});

async function bucketWith(keys: readonly string[]): Promise<string> {
  const Bucket = await server.newBucket();
  for (const Key of keys) await server.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  return Bucket;
}
