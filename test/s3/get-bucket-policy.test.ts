import { GetBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { policyOn } from '../support/policies.ts';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketPolicy gives the policy back as it was put, space for space', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const get = () => server.client.send(new GetBucketPolicyCommand({ Bucket }));
  await expect(get()).rejects.toMatchObject({ name: 'NoSuchBucketPolicy' });
  const Policy = `${policyOn(Bucket, { Sid: 'Grüße', Action: 's3:GetObject' }).replace('{', '{ \n')}\n`;
  await server.client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect((await get()).Policy).toBe(Policy);
});
