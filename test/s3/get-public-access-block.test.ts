import { GetPublicAccessBlockCommand, PutPublicAccessBlockCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetPublicAccessBlock shows all four settings, and is not found where none was made', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const get = () => server.client.send(new GetPublicAccessBlockCommand({ Bucket }));
  await expect(get()).rejects.toMatchObject({ name: 'NoSuchPublicAccessBlockConfiguration' });
  const PublicAccessBlockConfiguration = { BlockPublicPolicy: true };
  await server.client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  expect((await get()).PublicAccessBlockConfiguration).toEqual({
    BlockPublicAcls: false,
    IgnorePublicAcls: false,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: false,
  });
});
