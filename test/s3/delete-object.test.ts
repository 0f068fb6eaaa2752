import {
  DeleteObjectCommand,
  type DeleteObjectCommandInput,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { sendSigned } from './signed-request.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

describe('without versioning', () => {
  test('DeleteObject removes the object, and is 204 again for what is not there', async () => {
    const name = { Bucket: await server.newBucket(), Key: 'key' };
    await put(name, 'body');
    for (const _ of [1, 2]) {
      const { $metadata, DeleteMarker, VersionId } = await remove(name);
      expect([$metadata.httpStatusCode, DeleteMarker, VersionId]).toEqual([204, undefined, undefined]);
    }
    await expect(read(name)).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('DeleteObject of the version null removes the object', async () => {
    const name = { Bucket: await server.newBucket(), Key: 'key' };
    await put(name, 'body');
    await remove({ ...name, VersionId: 'null' });
    await expect(read(name)).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

describe('with versioning', () => {
  test('DeleteObject hides the object under a marker, each time another', async () => {
    const name = await versionedName();
    const { VersionId } = await put(name, 'body');
    const first = await remove(name);
    const second = await remove(name);
    expect([first.DeleteMarker, second.DeleteMarker]).toEqual([true, true]);
    expect(first.VersionId).not.toBe(second.VersionId);
    await expect(read(name)).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(await read({ ...name, VersionId })).toBe('body');
    const { Versions, DeleteMarkers } = await listVersions(name.Bucket);
    expect(Versions?.map((version) => version.VersionId)).toEqual([VersionId]);
    expect(DeleteMarkers?.map((marker) => marker.VersionId)).toEqual([second.VersionId, first.VersionId]);
  });

  test('DeleteObject of a version removes it, which uncovers the one before', async () => {
    const name = await versionedName();
    await put(name, 'first');
    const { VersionId } = await put(name, 'second');
    const deleted = await remove({ ...name, VersionId });
    expect([deleted.VersionId, deleted.DeleteMarker]).toEqual([VersionId, undefined]);
    expect(await read(name)).toBe('first');
    const marker = await remove(name);
    const unmarked = await remove({ ...name, VersionId: marker.VersionId });
    expect([unmarked.VersionId, unmarked.DeleteMarker]).toEqual([marker.VersionId, true]);
    expect(await read(name)).toBe('first');
  });

  test('DeleteObject of a version that is not there is 204', async () => {
    const name = await versionedName();
    const VersionId = '0000000000000000000000000000';
    const { $metadata, DeleteMarker } = await remove({ ...name, VersionId });
    expect([$metadata.httpStatusCode, DeleteMarker]).toEqual([204, undefined]);
    expect((await listVersions(name.Bucket)).DeleteMarkers).toBeUndefined();
  });

  test('once suspended, DeleteObject replaces the null version by a marker that is null', async () => {
    const name = { Bucket: await server.newBucket(), Key: 'key' };
    await put(name, 'null');
    await setVersioning(name.Bucket, 'Enabled');
    const { VersionId } = await put(name, 'versioned');
    await setVersioning(name.Bucket, 'Suspended');
    for (const _ of [1, 2]) {
      const marker = await remove(name);
      expect([marker.DeleteMarker, marker.VersionId]).toEqual([true, 'null']);
    }
    const { Versions, DeleteMarkers } = await listVersions(name.Bucket);
    expect(Versions?.map((version) => version.VersionId)).toEqual([VersionId]);
    expect(DeleteMarkers).toMatchObject([{ VersionId: 'null', IsLatest: true }]);
    await remove({ ...name, VersionId: 'null' });
    expect(await read(name)).toBe('versioned');
  });
});

describe('under a condition', () => {
  test('DeleteObject removes the version that If-Match names only', async () => {
    const name = { Bucket: await server.newBucket(), Key: 'key' };
    const { ETag } = await put(name, 'body');
    await expect(remove({ ...name, IfMatch: '"x"' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    expect(await read(name)).toBe('body');
    await remove({ ...name, IfMatch: ETag });
    await expect(remove({ ...name, IfMatch: '*' })).rejects.toMatchObject({ name: 'NoSuchKey' });
    await put(name, 'body');
    await remove({ ...name, IfMatch: '*' });
    await expect(read(name)).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('DeleteObject removes an object of that size and time only', async () => {
    const name = { Bucket: await server.newBucket(), Key: 'key' };
    await put(name, 'body');
    const { LastModified } = await server.client.send(new HeadObjectCommand(name));
    const another = new Date(0);
    await expect(remove({ ...name, IfMatchSize: 5 })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(remove({ ...name, IfMatchLastModifiedTime: another })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    await remove({ ...name, IfMatchSize: 4, IfMatchLastModifiedTime: LastModified });
    await expect(read(name)).rejects.toMatchObject({ name: 'NoSuchKey' });
    const { $metadata } = await remove({ ...name, IfMatchSize: 4 });
    expect($metadata.httpStatusCode).toBe(204);
  });

  test('DeleteObject holds the condition against the version that it names', async () => {
    const name = await versionedName();
    const { VersionId, ETag } = await put(name, 'first');
    await put(name, 'second');
    await expect(remove({ ...name, VersionId, IfMatch: '"x"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await remove({ ...name, VersionId, IfMatch: ETag });
    await expect(read({ ...name, VersionId })).rejects.toMatchObject({ name: 'NoSuchVersion' });
  });

  test('a condition that fails makes no delete marker', async () => {
    const name = await versionedName();
    await expect(remove({ ...name, IfMatch: '*' })).rejects.toMatchObject({ name: 'NoSuchKey' });
    await remove({ ...name, IfMatchSize: 4 });
    await put(name, 'body');
    await expect(remove({ ...name, IfMatch: '"x"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect((await listVersions(name.Bucket)).DeleteMarkers).toBeUndefined();
  });
});

test('DeleteObject refuses what it would ignore: MFA and the bypass of governance', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await put(name, 'body');
  await expect(remove({ ...name, MFA: 'serial 123456' })).rejects.toMatchObject({ name: 'NotImplemented' });
  await expect(remove({ ...name, BypassGovernanceRetention: true })).rejects.toMatchObject({ name: 'NotImplemented' });
  expect(await read(name)).toBe('body');
});

test('DeleteObject with an empty versionId deletes nothing', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await put(name, 'body');
  const path = `/${name.Bucket}/${name.Key}`;
  const answer = await sendSigned(server, { method: 'DELETE', path, query: [['versionId', '']] });
  expect(answer.status).toBe(400);
  expect(await read(name)).toBe('body');
});

function remove(input: DeleteObjectCommandInput) {
  return server.client.send(new DeleteObjectCommand(input));
}

function put(name: { Bucket: string; Key: string }, Body: string) {
  return server.client.send(new PutObjectCommand({ ...name, Body }));
}

async function read(name: { Bucket: string; Key: string; VersionId?: string | undefined }) {
  const { Body } = await server.client.send(new GetObjectCommand(name));
  return Body?.transformToString();
}

function listVersions(Bucket: string) {
  return server.client.send(new ListObjectVersionsCommand({ Bucket }));
}

async function versionedName() {
  const Bucket = await server.newBucket();
  await setVersioning(Bucket, 'Enabled');
  return { Bucket, Key: 'key' };
}

async function setVersioning(Bucket: string, Status: 'Enabled' | 'Suspended'): Promise<void> {
  await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
}
