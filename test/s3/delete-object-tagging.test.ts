import { DeleteObjectTaggingCommand, GetObjectTaggingCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('DeleteObjectTagging takes all tags off an object, and may be repeated', async () => {
  await using server = await startTestServer();
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await server.client.send(new PutObjectCommand({ ...name, Tagging: 'a=1&b=2' }));
  for (const _ of [1, 2]) {
    const { $metadata } = await server.client.send(new DeleteObjectTaggingCommand(name));
    expect($metadata.httpStatusCode).toBe(204);
  }
  expect((await server.client.send(new GetObjectTaggingCommand(name))).TagSet).toEqual([]);
  const other = server.client.send(new DeleteObjectTaggingCommand({ ...name, Key: 'other' }));
  await expect(other).rejects.toMatchObject({ name: 'NoSuchKey' });
});
