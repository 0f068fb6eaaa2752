import { GetBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketNotificationConfiguration shows an empty configuration', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const { $metadata, ...configuration } = await server.client.send(
    new GetBucketNotificationConfigurationCommand({ Bucket }),
  );
  expect($metadata.httpStatusCode).toBe(200);
  expect(configuration).toEqual({});
});
