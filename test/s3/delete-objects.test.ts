import { hash } from 'node:crypto';
import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ObjectIdentifier,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { elementText } from '../support/raw-http.ts';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { sendSigned } from './signed-request.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test('DeleteObjects deletes a thousand objects and answers for each in order', async () => {
  const Bucket = await server.newBucket();
  const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
  await Promise.all(keys.slice(0, 100).map((Key) => put(Bucket, Key)));
  const { Deleted, Errors } = await remove(
    Bucket,
    keys.map((Key) => ({ Key })),
  );
  expect(Deleted?.map(({ Key }) => Key)).toEqual(keys);
  expect(Errors).toBeUndefined();
  expect((await server.client.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
});

test('DeleteObjects refuses more than a thousand objects, and none at all', async () => {
  const Bucket = await server.newBucket();
  await put(Bucket, 'key');
  const tooMany = Array.from({ length: 1_001 }, () => ({ Key: 'key' }));
  for (const objects of [tooMany, []]) {
    await expect(remove(Bucket, objects)).rejects.toMatchObject({
      name: 'MalformedXML',
      $metadata: { httpStatusCode: 400 },
    });
  }
  await server.client.send(new HeadObjectCommand({ Bucket, Key: 'key' }));
});

test('DeleteObjects with Quiet answers errors alone', async () => {
  const Bucket = await server.newBucket();
  await put(Bucket, 'a');
  const { Deleted, Errors } = await remove(Bucket, [{ Key: 'a' }, { Key: 'b', ETag: '"x"' }], true);
  expect(Deleted).toBeUndefined();
  expect(Errors).toMatchObject([{ Key: 'b', Code: 'NoSuchKey' }]);
});

test('DeleteObjects deletes keys with every kind of character', async () => {
  const Bucket = await server.newBucket();
  const keys = ['a b', '<&>"\'', 'Łódź', '🏭', 'a/../b', '__proto__', '%41', 'tab\there'];
  await Promise.all(keys.map((Key) => put(Bucket, Key)));
  const { Deleted } = await remove(
    Bucket,
    keys.map((Key) => ({ Key })),
  );
  expect(Deleted?.map(({ Key }) => Key)).toEqual(keys);
  expect((await server.client.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
});

test('DeleteObjects answers a key that is too long by itself', async () => {
  const Bucket = await server.newBucket();
  await put(Bucket, 'a');
  const { Deleted, Errors } = await remove(Bucket, [{ Key: 'k'.repeat(1025) }, { Key: 'a' }]);
  expect(Errors).toMatchObject([{ Code: 'KeyTooLongError' }]);
  expect(Deleted).toMatchObject([{ Key: 'a' }]);
});

test('DeleteObjects makes markers, and removes versions and markers by their ids', async () => {
  const Bucket = await versionedBucket();
  const { VersionId } = await put(Bucket, 'key');
  const marked = await remove(Bucket, [{ Key: 'key' }, { Key: 'other' }]);
  expect(marked.Deleted).toMatchObject([
    { Key: 'key', DeleteMarker: true },
    { Key: 'other', DeleteMarker: true },
  ]);
  const DeleteMarkerVersionId = marked.Deleted?.[0]?.DeleteMarkerVersionId;
  const { Deleted } = await remove(Bucket, [
    { Key: 'key', VersionId },
    { Key: 'key', VersionId: DeleteMarkerVersionId },
    { Key: 'key', VersionId: '0000000000000000000000000000' },
    { Key: 'other', VersionId: marked.Deleted?.[1]?.DeleteMarkerVersionId },
  ]);
  expect(Deleted).toHaveLength(4);
  expect(Deleted?.[0]).toEqual({ Key: 'key', VersionId });
  expect(Deleted?.[1]).toEqual({
    Key: 'key',
    VersionId: DeleteMarkerVersionId,
    DeleteMarker: true,
    DeleteMarkerVersionId,
  });
  const left = await server.client.send(new ListObjectVersionsCommand({ Bucket }));
  expect([left.Versions, left.DeleteMarkers]).toEqual([undefined, undefined]);
});

test('DeleteObjects deletes an object that is named twice once', async () => {
  const Bucket = await versionedBucket();
  const { VersionId } = await put(Bucket, 'key');
  const { Deleted, Errors } = await remove(Bucket, [
    { Key: 'key', VersionId },
    { Key: 'key', VersionId },
  ]);
  expect([Deleted?.length, Errors]).toEqual([2, undefined]);
});

test('DeleteObjects answers an impossible version id by itself', async () => {
  const Bucket = await versionedBucket();
  await put(Bucket, 'key');
  const { Errors } = await remove(Bucket, [{ Key: 'key', VersionId: 'not an id' }]);
  expect(Errors).toMatchObject([{ Key: 'key', VersionId: 'not an id', Code: 'InvalidArgument' }]);
});

test('DeleteObjects holds the conditions of each object', async () => {
  const Bucket = await server.newBucket();
  const { ETag } = await put(Bucket, 'a');
  await put(Bucket, 'b');
  await put(Bucket, 'c');
  const { LastModified } = await server.client.send(new HeadObjectCommand({ Bucket, Key: 'c' }));
  const refused = await remove(Bucket, [
    { Key: 'a', ETag: '"x"' },
    { Key: 'b', Size: 99 },
    { Key: 'c', LastModifiedTime: new Date(0) },
    { Key: 'missing', ETag: '*' },
  ]);
  expect(refused.Errors?.map(({ Code }) => Code)).toEqual([
    'PreconditionFailed',
    'PreconditionFailed',
    'PreconditionFailed',
    'NoSuchKey',
  ]);
  const { Deleted } = await remove(Bucket, [
    { Key: 'a', ETag },
    { Key: 'b', Size: 4 },
    { Key: 'c', LastModifiedTime: LastModified },
    { Key: 'missing', Size: 4 },
  ]);
  expect(Deleted).toHaveLength(4);
});

test('DeleteObjects needs a digest of its body, and holds the body against it', async () => {
  const Bucket = await server.newBucket();
  await put(Bucket, 'key');
  const body = Buffer.from('<Delete><Object><Key>key</Key></Object></Delete>');
  const send = (headers: Readonly<Record<string, string>>) =>
    sendSigned(server, { method: 'POST', path: `/${Bucket}`, query: [['delete', '']], headers, body });
  expect(elementText((await send({})).body, 'Code')).toBe('InvalidRequest');
  expect(elementText((await send({ 'content-md5': hash('md5', 'x', 'base64') })).body, 'Code')).toBe('BadDigest');
  expect(elementText((await send({ 'x-amz-checksum-crc32': 'AAAAAA==' })).body, 'Code')).toBe('BadDigest');
  await server.client.send(new HeadObjectCommand({ Bucket, Key: 'key' }));
  expect((await send({ 'content-md5': hash('md5', body, 'base64') })).status).toBe(200);
});

test.each([
  '<Delete><Object><Key>a</Key><Kee>b</Kee></Object></Delete>',
  '<Delete><Object><VersionId>a</VersionId></Object></Delete>',
  '<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>',
  '<Delete><Objects><Key>a</Key></Objects></Delete>',
  '<Delete><Object><Key>a</Key></Object><Quiet>yes</Quiet></Delete>',
  '<Remove><Object><Key>a</Key></Object></Remove>',
  '<Delete><Object><Key>a</Key><Size>four</Size></Object></Delete>',
  '<!DOCTYPE x><Delete><Object><Key>a</Key></Object></Delete>',
])('DeleteObjects refuses %s', async (text) => {
  const Bucket = await server.newBucket();
  const body = Buffer.from(text);
  const headers = { 'content-md5': hash('md5', body, 'base64') };
  const request = { method: 'POST', path: `/${Bucket}`, query: [['delete', '']], headers, body } as const;
  expect(elementText((await sendSigned(server, request)).body, 'Code')).toBe('MalformedXML');
});

function remove(Bucket: string, Objects: ObjectIdentifier[], Quiet = false) {
  return server.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet } }));
}

function put(Bucket: string, Key: string) {
  return server.client.send(new PutObjectCommand({ Bucket, Key, Body: 'body' }));
}

async function versionedBucket() {
  const Bucket = await server.newBucket();
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  return Bucket;
}
