import {
  DeleteObjectCommand,
  GetObjectAclCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('PutObjectAcl opens an object and closes it, and leaves its ETag, its time and its bytes alone', async () => {
  await using server = await startTestServer();
  const name = { Bucket: await server.newBucket(), Key: 'a key' };
  const url = `${server.endpoint}/${name.Bucket}/a%20key`;
  await server.client.send(new PutObjectCommand({ ...name, Body: 'body' }));
  await server.client.send(new PutObjectAclCommand({ ...name, ACL: 'public-read' }));
  const open = await fetch(url);
  expect([open.status, await open.text()]).toEqual([200, 'body']);
  await server.client.send(new PutObjectAclCommand({ ...name, ACL: 'authenticated-read' }));
  expect((await fetch(url)).status).toBe(403);
  await server.client.send(new PutObjectAclCommand({ ...name, ACL: 'public-read' }));
  const again = await fetch(url);
  for (const header of ['etag', 'last-modified']) expect(again.headers.get(header)).toBe(open.headers.get(header));
});

test('PutObjectAcl changes the version that it names', async () => {
  await using server = await startTestServer();
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await server.client.send(new PutBucketVersioningCommand({ Bucket: name.Bucket, VersioningConfiguration }));
  const [first, second] = [
    await server.client.send(new PutObjectCommand(name)),
    await server.client.send(new PutObjectCommand(name)),
  ];
  await server.client.send(new PutObjectAclCommand({ ...name, VersionId: first.VersionId, ACL: 'public-read' }));
  const grantsOf = async (VersionId: string | undefined) =>
    (await server.client.send(new GetObjectAclCommand({ ...name, VersionId }))).Grants?.length;
  expect([await grantsOf(first.VersionId), await grantsOf(second.VersionId)]).toEqual([2, 1]);
  await server.client.send(new DeleteObjectCommand(name));
  const put = server.client.send(new PutObjectAclCommand({ ...name, ACL: 'private' }));
  await expect(put).rejects.toMatchObject({ name: 'NoSuchKey' });
});
