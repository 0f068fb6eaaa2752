import { CreateBucketCommand, ListBucketsCommand, paginateListBuckets, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

describe('ListBuckets', () => {
  test('shows the owner and the buckets by name', async () => {
    await using server = await startTestServer();
    for (const Bucket of ['zebra', 'apple']) await server.client.send(new CreateBucketCommand({ Bucket }));
    const { Buckets = [], Owner, ContinuationToken } = await server.client.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toEqual(['apple', 'zebra']);
    expect(Math.abs((Buckets[0]?.CreationDate?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(Owner?.ID).toEqual(expect.stringMatching(/./));
    expect(ContinuationToken).toBeUndefined();
  });

  test('pages, filters by prefix and shows regions when asked', async () => {
    await using server = await startTestServer();
    const names = Array.from({ length: 7 }, (_, index) => `bucket-${index}`);
    for (const Bucket of [...names, 'other']) await server.client.send(new CreateBucketCommand({ Bucket }));
    const pages: (string | undefined)[][] = [];
    const pager = paginateListBuckets({ client: server.client, pageSize: 3 }, { Prefix: 'bucket-' });
    for await (const { Buckets = [] } of pager) {
      pages.push(Buckets.map(({ Name }) => Name));
      expect(Buckets.every(({ BucketRegion }) => BucketRegion === server.region)).toBe(true);
    }
    expect(pages).toEqual([names.slice(0, 3), names.slice(3, 6), names.slice(6)]);
    const elsewhere = await server.client.send(new ListBucketsCommand({ BucketRegion: 'mars-1' }));
    expect(elsewhere.Buckets ?? []).toEqual([]);
  });

  test('refuses a request without credentials', async () => {
    await using server = await startTestServer();
    const anonymous = new S3Client({
      endpoint: server.endpoint,
      region: server.region,
      credentials: { accessKeyId: '', secretAccessKey: '' },
      signer: { sign: async (request) => request },
    });
    await expect(anonymous.send(new ListBucketsCommand({}))).rejects.toMatchObject({ name: 'AccessDenied' });
    anonymous.destroy();
  });
});
