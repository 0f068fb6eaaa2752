import { GetObjectAclCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetObjectAcl shows the owner with full control, and what PutObject granted', async () => {
  await using server = await startTestServer();
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await server.client.send(new PutObjectCommand(name));
  const { Owner, Grants } = await server.client.send(new GetObjectAclCommand(name));
  const own = { Grantee: { ...Owner, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' };
  expect(Grants).toEqual([own]);
  await server.client.send(new PutObjectCommand({ ...name, ACL: 'public-read' }));
  const URI = 'http://acs.amazonaws.com/groups/global/AllUsers';
  const after = await server.client.send(new GetObjectAclCommand(name));
  expect(after.Grants).toEqual([{ Grantee: { Type: 'Group', URI }, Permission: 'READ' }, own]);
});

test('GetObjectAcl answers NoSuchKey and NoSuchVersion', async () => {
  await using server = await startTestServer();
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const ask = (VersionId?: string) => server.client.send(new GetObjectAclCommand({ ...name, VersionId }));
  await expect(ask()).rejects.toMatchObject({ name: 'NoSuchKey' });
  await expect(ask('null')).rejects.toMatchObject({ name: 'NoSuchVersion' });
});
