import { DeleteBucketTaggingCommand, GetBucketTaggingCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('DeleteBucketTagging takes the tags away, and may be repeated', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] };
  await server.client.send(new PutBucketTaggingCommand({ Bucket, Tagging }));
  for (const _ of [1, 2]) await server.client.send(new DeleteBucketTaggingCommand({ Bucket }));
  const get = server.client.send(new GetBucketTaggingCommand({ Bucket }));
  await expect(get).rejects.toMatchObject({ name: 'NoSuchTagSet' });
});
