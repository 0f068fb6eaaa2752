import { DeleteBucketPolicyCommand, GetBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { policyOn } from '../support/policies.ts';
import { startTestServer } from '../support/start-server.ts';

test('DeleteBucketPolicy takes away what the policy allowed, and may be repeated', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const status = async () => (await fetch(`${server.endpoint}/${Bucket}`)).status;
  const Policy = policyOn(Bucket, { Action: 's3:ListBucket' });
  await server.client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect(await status()).toBe(200);
  for (let time = 1; time <= 2; time++) {
    const { $metadata } = await server.client.send(new DeleteBucketPolicyCommand({ Bucket }));
    expect($metadata.httpStatusCode).toBe(204);
  }
  expect(await status()).toBe(403);
  const get = server.client.send(new GetBucketPolicyCommand({ Bucket }));
  await expect(get).rejects.toMatchObject({ name: 'NoSuchBucketPolicy' });
});
