import { GetBucketCorsCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketCors answers NoSuchCORSConfiguration where no rules were put', async () => {
  await using server = await startTestServer();
  const get = server.client.send(new GetBucketCorsCommand({ Bucket: await server.newBucket() }));
  await expect(get).rejects.toMatchObject({ name: 'NoSuchCORSConfiguration', $metadata: { httpStatusCode: 404 } });
});
