import { DeleteBucketCorsCommand, GetBucketCorsCommand, PutBucketCorsCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('DeleteBucketCors takes the rules away, and may be repeated', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const CORSConfiguration = { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] };
  await server.client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration }));
  for (const _ of [1, 2]) await server.client.send(new DeleteBucketCorsCommand({ Bucket }));
  const get = server.client.send(new GetBucketCorsCommand({ Bucket }));
  await expect(get).rejects.toMatchObject({ name: 'NoSuchCORSConfiguration' });
});
