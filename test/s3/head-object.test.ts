import {
  DeleteObjectCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { complete, createUpload, PART_BYTES, partBytes, sendParts } from './multipart-steps.ts';
import { sendSigned } from './signed-request.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test('HeadObject says what GetObject would, without a body', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const Metadata = { a: '1' };
  const { ETag } = await server.client.send(new PutObjectCommand({ ...name, Body: 'body', Metadata }));
  const head = await server.client.send(new HeadObjectCommand(name));
  expect(head).toMatchObject({ ETag, ContentLength: 4, AcceptRanges: 'bytes', Metadata });
  expect(head.LastModified?.getTime()).toBeLessThanOrEqual(Date.now());
  expect(head.VersionId).toBeUndefined();
  expect(head.StorageClass).toBeUndefined();
});

test('HeadObject of an object of no bytes has the length 0', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await server.client.send(new PutObjectCommand({ ...name, Body: '' }));
  expect((await server.client.send(new HeadObjectCommand(name))).ContentLength).toBe(0);
});

test('HeadObject of a key that is not there is a 404 without a body', async () => {
  const Bucket = await server.newBucket();
  const head = server.client.send(new HeadObjectCommand({ Bucket, Key: 'key' }));
  await expect(head).rejects.toMatchObject({ name: 'NotFound', $metadata: { httpStatusCode: 404 } });
});

test('HeadObject of a range has the length of the range', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await server.client.send(new PutObjectCommand({ ...name, Body: '0123456789' }));
  const head = await server.client.send(new HeadObjectCommand({ ...name, Range: 'bytes=2-4' }));
  expect(head).toMatchObject({ ContentLength: 3, ContentRange: 'bytes 2-4/10', $metadata: { httpStatusCode: 206 } });
  const beyond = server.client.send(new HeadObjectCommand({ ...name, Range: 'bytes=10-' }));
  await expect(beyond).rejects.toMatchObject({ $metadata: { httpStatusCode: 416 } });
});

test('HeadObject of a part has its length and the number of parts', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const upload = await createUpload(server.client, name);
  const bodies = [partBytes(PART_BYTES, 1), partBytes(10, 2)];
  await complete(server.client, upload, await sendParts(server.client, upload, bodies));
  const head = await server.client.send(new HeadObjectCommand({ ...name, PartNumber: 2 }));
  expect(head).toMatchObject({ ContentLength: 10, PartsCount: 2 });
});

test('HeadObject answers conditions as GetObject does', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const { ETag } = await server.client.send(new PutObjectCommand({ ...name, Body: 'body' }));
  const status = async (condition: object) =>
    server.client.send(new HeadObjectCommand({ ...name, ...condition })).then(
      ({ $metadata }) => $metadata.httpStatusCode,
      (error: { $metadata: { httpStatusCode: number } }) => error.$metadata.httpStatusCode,
    );
  expect(await status({ IfMatch: ETag })).toBe(200);
  expect(await status({ IfMatch: '"x"' })).toBe(412);
  expect(await status({ IfNoneMatch: ETag })).toBe(304);
  expect(await status({ IfModifiedSince: new Date(Date.now() + 1000) })).toBe(304);
  expect(await status({ IfUnmodifiedSince: new Date(0) })).toBe(412);
});

test('HeadObject shows a delete marker by its headers', async () => {
  const Bucket = await server.newBucket();
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  const { VersionId = '' } = await server.client.send(new DeleteObjectCommand({ Bucket, Key: 'key' }));
  const path = `/${Bucket}/key`;
  const hidden = await sendSigned(server, { method: 'HEAD', path });
  expect(hidden.status).toBe(404);
  expect(hidden.headers.get('x-amz-delete-marker')).toBe('true');
  const named = await sendSigned(server, { method: 'HEAD', path, query: [['versionId', VersionId]] });
  expect(named.status).toBe(405);
  expect(named.headers.get('x-amz-delete-marker')).toBe('true');
});
