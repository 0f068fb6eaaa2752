import { GetBucketReplicationCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketReplication says of every bucket that it has none', async () => {
  await using server = await startTestServer();
  const get = server.client.send(new GetBucketReplicationCommand({ Bucket: await server.newBucket() }));
  await expect(get).rejects.toMatchObject({
    name: 'ReplicationConfigurationNotFoundError',
    $metadata: { httpStatusCode: 404 },
  });
});
