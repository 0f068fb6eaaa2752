import { GetBucketTaggingCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('PutBucketTagging replaces all tags, 50 at most', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const put = (TagSet: { Key: string; Value: string }[]) =>
    server.client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  const tags = Array.from({ length: 50 }, (_, index) => ({ Key: `key ${index + 10}`, Value: `größe=${index}` }));
  await put([{ Key: 'gone', Value: '' }]);
  await put(tags);
  await expect(put([...tags, { Key: 'x', Value: '' }])).rejects.toMatchObject({ name: 'InvalidTag' });
  await expect(put([{ Key: 'aws:x', Value: '' }])).rejects.toMatchObject({ name: 'InvalidTag' });
  expect((await server.client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(tags);
});
