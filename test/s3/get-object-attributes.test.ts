import { hash } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  type GetObjectAttributesCommandInput,
  type ObjectAttributes,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checksumOf } from '../../src/domain/digests.ts';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { complete, createUpload, PART_BYTES, partBytes, sendParts } from './multipart-steps.ts';
import { sendSigned } from './signed-request.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const EVERYTHING: ObjectAttributes[] = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];

test('GetObjectAttributes gives what is asked for, and nothing else', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await server.client.send(new PutObjectCommand({ ...name, Body: 'body', ChecksumAlgorithm: 'SHA256' }));
  const { $metadata, LastModified, ...everything } = await attributes(name);
  expect(LastModified).toBeInstanceOf(Date);
  expect(everything).toEqual({
    ETag: hash('md5', 'body'),
    Checksum: { ChecksumSHA256: checksumOf('SHA256', Buffer.from('body')), ChecksumType: 'FULL_OBJECT' },
    StorageClass: 'STANDARD',
    ObjectSize: 4,
  });
  const size = await attributes({ ...name, ObjectAttributes: ['ObjectSize'] });
  expect([size.ObjectSize, size.ETag, size.Checksum]).toEqual([4, undefined, undefined]);
});

test('GetObjectAttributes lists the parts of a completed upload, a page at a time', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const upload = await createUpload(server.client, name, { ChecksumAlgorithm: 'CRC32' });
  const bodies = [partBytes(PART_BYTES, 1), partBytes(PART_BYTES, 2), partBytes(3, 3)];
  await complete(server.client, upload, await sendParts(server.client, upload, bodies));
  const parts = bodies.map((body, index) => ({
    PartNumber: index + 1,
    Size: body.length,
    ChecksumCRC32: checksumOf('CRC32', body),
  }));
  expect((await attributes(name)).ObjectParts).toMatchObject({ TotalPartsCount: 3, IsTruncated: false, Parts: parts });
  expect((await attributes({ ...name, MaxParts: 1, PartNumberMarker: '1' })).ObjectParts).toEqual({
    TotalPartsCount: 3,
    PartNumberMarker: '1',
    NextPartNumberMarker: '2',
    MaxParts: 1,
    IsTruncated: true,
    Parts: parts.slice(1, 2),
  });
  const last = await attributes({ ...name, MaxParts: 2, PartNumberMarker: '1' });
  expect(last.ObjectParts).toMatchObject({ IsTruncated: false, Parts: parts.slice(1) });
});

test('GetObjectAttributes of versions and delete markers answers as HeadObject does', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await server.client.send(new PutBucketVersioningCommand({ Bucket: name.Bucket, VersioningConfiguration }));
  await expect(attributes(name)).rejects.toMatchObject({ name: 'NoSuchKey' });
  const { VersionId } = await server.client.send(new PutObjectCommand({ ...name, Body: 'body' }));
  const marker = await server.client.send(new DeleteObjectCommand(name));
  expect(await attributes({ ...name, VersionId })).toMatchObject({ VersionId, ObjectSize: 4 });
  await expect(attributes(name)).rejects.toMatchObject({ name: 'NoSuchKey' });
  await expect(attributes({ ...name, VersionId: marker.VersionId })).rejects.toMatchObject({
    name: 'MethodNotAllowed',
  });
});

test('GetObjectAttributes refuses an attribute that is none', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await server.client.send(new PutObjectCommand(name));
  const path = `/${name.Bucket}/${name.Key}`;
  const headers = { 'x-amz-object-attributes': 'ETag,Color' };
  const answer = await sendSigned(server, { method: 'GET', path, query: [['attributes', '']], headers });
  expect(answer.status).toBe(400);
});

function attributes(input: Partial<GetObjectAttributesCommandInput> & { Bucket: string; Key: string }) {
  return server.client.send(new GetObjectAttributesCommand({ ObjectAttributes: EVERYTHING, ...input }));
}
