import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('HeadBucket gives the region of a bucket', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const found = await server.client.send(new HeadBucketCommand({ Bucket }));
  expect([found.BucketRegion, found.AccessPointAlias]).toEqual([server.region, false]);
});

test('HeadBucket answers 404 where there is no bucket, or none can be', async () => {
  await using server = await startTestServer();
  for (const Bucket of ['nothing-here', 'No_Bucket']) {
    await expect(server.client.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    });
  }
});

test('HeadBucket holds the expected owner against the real one', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const command = new HeadBucketCommand({ Bucket, ExpectedBucketOwner: '111122223333' });
  await expect(server.client.send(command)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
});
