import { GetBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketEncryption says of every bucket that it has none', async () => {
  await using server = await startTestServer();
  const get = server.client.send(new GetBucketEncryptionCommand({ Bucket: await server.newBucket() }));
  await expect(get).rejects.toMatchObject({
    name: 'ServerSideEncryptionConfigurationNotFoundError',
    $metadata: { httpStatusCode: 404 },
  });
});
