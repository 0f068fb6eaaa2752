import { GetBucketAclCommand, PutBucketAclCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('PutBucketAcl takes the answer of GetBucketAcl with one grant more, and opens the bucket', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const { Owner, Grants = [] } = await server.client.send(new GetBucketAclCommand({ Bucket }));
  const everybody = { Type: 'Group', URI: 'http://acs.amazonaws.com/groups/global/AllUsers' } as const;
  const AccessControlPolicy = { Owner, Grants: [{ Grantee: everybody, Permission: 'READ' as const }, ...Grants] };
  expect((await fetch(`${server.endpoint}/${Bucket}`)).status).toBe(403);
  await server.client.send(new PutBucketAclCommand({ Bucket, AccessControlPolicy }));
  expect((await fetch(`${server.endpoint}/${Bucket}`)).status).toBe(200);
  expect(await server.client.send(new GetBucketAclCommand({ Bucket }))).toMatchObject(AccessControlPolicy);
});

test('PutBucketAcl replaces what there was', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  for (const ACL of ['public-read-write', 'private'] as const) {
    await server.client.send(new PutBucketAclCommand({ Bucket, ACL }));
  }
  const { Grants } = await server.client.send(new GetBucketAclCommand({ Bucket }));
  expect(Grants).toMatchObject([{ Permission: 'FULL_CONTROL' }]);
});

test('PutBucketAcl of many clients at once gives the bucket the ACL of one of them', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const put = () => server.client.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }));
  await Promise.all(Array.from({ length: 30 }, put));
  const { Grants } = await server.client.send(new GetBucketAclCommand({ Bucket }));
  expect(Grants).toMatchObject([{ Permission: 'READ' }, { Permission: 'FULL_CONTROL' }]);
});
