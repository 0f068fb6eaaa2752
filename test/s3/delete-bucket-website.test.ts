import { DeleteBucketWebsiteCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('DeleteBucketWebsite leaves a bucket as it is: without', async () => {
  await using server = await startTestServer();
  const deleteFrom = (Bucket: string) => server.client.send(new DeleteBucketWebsiteCommand({ Bucket }));
  const { $metadata } = await deleteFrom(await server.newBucket());
  expect($metadata.httpStatusCode).toBe(204);
  await expect(deleteFrom('no-such-bucket')).rejects.toMatchObject({ name: 'NoSuchBucket' });
});
