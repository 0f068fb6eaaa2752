import { CreateBucketCommand, GetBucketAclCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketAcl shows the owner, with full control of a bucket whose ACL was never set', async () => {
  await using server = await startTestServer();
  const { Owner, Grants } = await server.client.send(new GetBucketAclCommand({ Bucket: await server.newBucket() }));
  expect(Owner?.ID).toMatch(/./);
  expect(Grants).toEqual([{ Grantee: { ...Owner, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' }]);
});

test('GetBucketAcl shows what CreateBucket granted', async () => {
  await using server = await startTestServer();
  const Bucket = 'granting-bucket';
  const GrantRead = 'uri="http://acs.amazonaws.com/groups/global/AuthenticatedUsers"';
  await server.client.send(new CreateBucketCommand({ Bucket, GrantRead }));
  const { Grants } = await server.client.send(new GetBucketAclCommand({ Bucket }));
  const URI = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers';
  expect(Grants).toEqual([{ Grantee: { Type: 'Group', URI }, Permission: 'READ' }]);
});
