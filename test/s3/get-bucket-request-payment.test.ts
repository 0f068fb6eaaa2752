import { GetBucketRequestPaymentCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketRequestPayment names the owner unless another payer was put', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const { Payer } = await server.client.send(new GetBucketRequestPaymentCommand({ Bucket }));
  expect(Payer).toBe('BucketOwner');
});
