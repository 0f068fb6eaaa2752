import { GetObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetObjectLockConfiguration says of every bucket that it has none', async () => {
  await using server = await startTestServer();
  const get = server.client.send(new GetObjectLockConfigurationCommand({ Bucket: await server.newBucket() }));
  await expect(get).rejects.toMatchObject({
    name: 'ObjectLockConfigurationNotFoundError',
    $metadata: { httpStatusCode: 404 },
  });
});
