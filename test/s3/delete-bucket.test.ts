import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

describe.each(['memory', 'embedded'] as const)('DeleteBucket on the %s engine', (engine) => {
  beforeAll(async () => {
    server = await startTestServer({ engine });
  });
  afterAll(() => server.close());

  test('removes an empty bucket; a second time there is none', async () => {
    const Bucket = await server.newBucket();
    const { $metadata } = await server.client.send(new DeleteBucketCommand({ Bucket }));
    expect($metadata.httpStatusCode).toBe(204);
    await expect(server.client.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({ name: 'NotFound' });
    const { Buckets = [] } = await server.client.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).not.toContain(Bucket);
    await expect(server.client.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
      $metadata: { httpStatusCode: 404 },
    });
  });

  test('leaves a bucket with an object, and removes it once that is gone', async () => {
    const Bucket = await server.newBucket();
    await server.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }));
    await expect(server.client.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({
      name: 'BucketNotEmpty',
      $metadata: { httpStatusCode: 409 },
    });
    await server.client.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'x' }));
    for (const Key of ['a', 'b']) await server.client.send(new DeleteObjectCommand({ Bucket, Key }));
    await server.client.send(new DeleteBucketCommand({ Bucket }));
  });

  test('leaves a bucket with nothing but a delete marker', async () => {
    const Bucket = await server.newBucket();
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    const { VersionId } = await server.client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await expect(server.client.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({
      name: 'BucketNotEmpty',
    });
    await server.client.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId }));
    await server.client.send(new DeleteBucketCommand({ Bucket }));
  });

  test('takes open uploads with it; a bucket made again has none of them', async () => {
    const Bucket = await server.newBucket();
    await server.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
    await server.client.send(new DeleteBucketCommand({ Bucket }));
    await server.client.send(new CreateBucketCommand({ Bucket }));
    const { Uploads } = await server.client.send(new ListMultipartUploadsCommand({ Bucket }));
    const { Versions } = await server.client.send(new ListObjectVersionsCommand({ Bucket }));
    expect([Uploads, Versions]).toEqual([undefined, undefined]);
  });

  test('and puts at the same time never lose an acknowledged object', async () => {
    for (let round = 0; round < 20; round++) {
      const Bucket = await server.newBucket();
      const [put, remove] = await Promise.allSettled([
        server.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' })),
        server.client.send(new DeleteBucketCommand({ Bucket })),
      ]);
      expect([put.status, remove.status].sort()).toEqual(['fulfilled', 'rejected']);
      const reason = put.status === 'rejected' ? put.reason : remove.status === 'rejected' ? remove.reason : undefined;
      expect(reason).toMatchObject({ name: put.status === 'rejected' ? 'NoSuchBucket' : 'BucketNotEmpty' });
    }
  });
});
