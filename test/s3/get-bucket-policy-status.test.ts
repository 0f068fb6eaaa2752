import {
  GetBucketPolicyStatusCommand,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { policyOn } from '../support/policies.ts';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketPolicyStatus calls a bucket public by its policy, or by its ACL unless that is ignored', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const isPublic = async () =>
    (await server.client.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic;
  const put = (Condition: object) => {
    const Policy = policyOn(Bucket, { Action: 's3:GetObject', Condition });
    return server.client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  };
  expect(await isPublic()).toBe(false);
  await put({});
  expect(await isPublic()).toBe(true);
  await put({ IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } });
  expect(await isPublic()).toBe(false);
  await server.client.send(new PutBucketAclCommand({ Bucket, ACL: 'authenticated-read' }));
  expect(await isPublic()).toBe(true);
  const PublicAccessBlockConfiguration = { IgnorePublicAcls: true };
  await server.client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  expect(await isPublic()).toBe(false);
});
