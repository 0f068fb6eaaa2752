import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

describe.each(['memory', 'embedded'] as const)('ListObjectVersions on the %s engine', (engine) => {
  beforeAll(async () => {
    server = await startTestServer({ engine });
  });
  afterAll(() => server.close());

  test('shows the object of an unversioned bucket as its null version', async () => {
    const Bucket = await server.newBucket();
    await server.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }));
    const { Versions = [], DeleteMarkers } = await server.client.send(new ListObjectVersionsCommand({ Bucket }));
    expect(Versions.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest])).toEqual([['a', 'null', true]]);
    expect(DeleteMarkers).toBeUndefined();
  });

  test('shows versions and markers newest first, and pages through them one by one', async () => {
    const Bucket = await server.newBucket();
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    const ids: (string | undefined)[] = [];
    for (const Key of ['a', 'a', 'b', 'c/1', 'c/2']) {
      ids.push((await server.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))).VersionId);
    }
    const marker = (await server.client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }))).VersionId;
    const expected = [marker, ids[1], ids[0], ids[2], ids[3], ids[4]];

    const found: (string | undefined)[] = [];
    let KeyMarker: string | undefined;
    let VersionIdMarker: string | undefined;
    do {
      const page = await server.client.send(
        new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, KeyMarker, VersionIdMarker }),
      );
      found.push(...[...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ VersionId }) => VersionId));
      KeyMarker = page.NextKeyMarker;
      VersionIdMarker = page.NextVersionIdMarker;
    } while (KeyMarker !== undefined);
    expect(found).toEqual(expected);

    const grouped = await server.client.send(new ListObjectVersionsCommand({ Bucket, Delimiter: '/', Prefix: 'c' }));
    expect([grouped.Versions, grouped.CommonPrefixes]).toEqual([undefined, [{ Prefix: 'c/' }]]);
  });

  test('refuses a version marker without a key marker', async () => {
    const Bucket = await server.newBucket();
    const command = new ListObjectVersionsCommand({ Bucket, VersionIdMarker: 'null' });
    await expect(server.client.send(command)).rejects.toMatchObject({
      name: 'InvalidArgument',
      message: 'A version-id marker cannot be specified without a key marker.',
    });
  });
});
