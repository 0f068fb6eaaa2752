import { GetBucketTaggingCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketTagging answers NoSuchTagSet where no tags were put', async () => {
  await using server = await startTestServer();
  const get = server.client.send(new GetBucketTaggingCommand({ Bucket: await server.newBucket() }));
  await expect(get).rejects.toMatchObject({ name: 'NoSuchTagSet', $metadata: { httpStatusCode: 404 } });
});
