import { GetBucketLocationCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startServer } from '../../src/start-server.ts';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketLocation names no region for us-east-1', async () => {
  await using server = await startTestServer();
  expect(server.region).toBe('us-east-1');
  const Bucket = await server.newBucket();
  const { LocationConstraint } = await server.client.send(new GetBucketLocationCommand({ Bucket }));
  expect(LocationConstraint || undefined).toBeUndefined();
});

test('GetBucketLocation names any other region', async () => {
  await using server = await startServer({ region: 'ch-zurich-1' });
  const client = new S3Client(server.clientConfig());
  await server.createBucket('shoes');
  const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket: 'shoes' }));
  expect(LocationConstraint).toBe('ch-zurich-1');
  client.destroy();
});

test('GetBucketLocation of a missing bucket is NoSuchBucket', async () => {
  await using server = await startTestServer();
  await expect(server.client.send(new GetBucketLocationCommand({ Bucket: 'missing' }))).rejects.toMatchObject({
    name: 'NoSuchBucket',
  });
});
