import { CreateMultipartUploadCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complete, createUpload, openS3, sendParts, type TestS3 } from './multipart-steps.ts';

let server: TestS3;
beforeAll(async () => {
  server = await openS3();
});
afterAll(() => server[Symbol.asyncDispose]());

test('CreateMultipartUpload settles the headers and metadata that the object will have', async () => {
  const { s3 } = server;
  const name = { Bucket: await server.makeBucket(), Key: 'a/key with spaces & ünïcödé' };
  const expires = new Date('2030-01-02T03:04:05Z');
  const upload = await createUpload(s3, name, {
    CacheControl: 'no-cache',
    ContentDisposition: 'attachment',
    ContentEncoding: 'gzip',
    ContentLanguage: 'de',
    ContentType: 'text/plain',
    Expires: expires,
    Metadata: { colour: 'blue', empty: '' },
    StorageClass: 'STANDARD',
    ACL: 'private',
  });
  await complete(s3, upload, await sendParts(s3, upload, [Buffer.from('bytes')]));
  expect(await s3.send(new HeadObjectCommand(name))).toMatchObject({
    CacheControl: 'no-cache',
    ContentDisposition: 'attachment',
    ContentEncoding: 'gzip',
    ContentLanguage: 'de',
    ContentType: 'text/plain',
    ExpiresString: expires.toUTCString(),
    Metadata: { colour: 'blue', empty: '' },
    ContentLength: 5,
  });
});

test('CreateMultipartUpload answers bucket, key and the id of an upload of its own each time', async () => {
  const { s3 } = server;
  const name = { Bucket: await server.makeBucket(), Key: 'key' };
  const first = await s3.send(new CreateMultipartUploadCommand(name));
  const second = await s3.send(new CreateMultipartUploadCommand(name));
  expect(first).toMatchObject({ ...name, UploadId: expect.stringMatching(/^[\w.-]{8,}$/) });
  expect(second.UploadId).not.toBe(first.UploadId);
});

test('CreateMultipartUpload answers the checksum that it settled, where the client asked for one', async () => {
  const { s3 } = server;
  const name = { Bucket: await server.makeBucket(), Key: 'key' };
  const asked = await s3.send(new CreateMultipartUploadCommand({ ...name, ChecksumAlgorithm: 'CRC32C' }));
  expect(asked).toMatchObject({ ChecksumAlgorithm: 'CRC32C', ChecksumType: 'COMPOSITE' });
  const unasked = await s3.send(new CreateMultipartUploadCommand(name));
  expect(unasked.ChecksumAlgorithm).toBeUndefined();
});

test.each([
  ['an unknown storage class', { StorageClass: 'GLACIER' }, 400, 'InvalidStorageClass'],
  [
    'a checksum type that its algorithm has not',
    { ChecksumAlgorithm: 'SHA1', ChecksumType: 'FULL_OBJECT' },
    400,
    'InvalidRequest',
  ],
  ['encryption', { ServerSideEncryption: 'AES256' }, 501, 'NotImplemented'],
  ['tags that are none', { Tagging: 'aws:a=b' }, 400, 'InvalidTag'],
  ['a lock', { ObjectLockLegalHoldStatus: 'ON' }, 501, 'NotImplemented'],
  ['an ACL for a service of AWS', { ACL: 'aws-exec-read' }, 501, 'NotImplemented'],
] as const)('CreateMultipartUpload refuses %s', async (_, options, status, code) => {
  const Bucket = await server.makeBucket();
  await expect(createUpload(server.s3, { Bucket, Key: 'key' }, options)).rejects.toMatchObject({
    name: code,
    $metadata: { httpStatusCode: status },
  });
});

test('CreateMultipartUpload in a bucket that does not exist is NoSuchBucket', async () => {
  await expect(createUpload(server.s3, { Bucket: 'no-such-bucket', Key: 'key' })).rejects.toMatchObject({
    name: 'NoSuchBucket',
  });
});
