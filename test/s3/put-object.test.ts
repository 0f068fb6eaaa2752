import { hash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECKSUM_ALGORITHMS } from '../../src/domain/checksum.ts';
import { checksumOf } from '../../src/domain/digests.ts';
import { elementText } from '../support/raw-http.ts';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { sendSigned } from './signed-request.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** Around the longest inline body, one chunk, and several. */
const SIZES = [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 256 * 1024, 3 * 1024 ** 2 + 7];

test.each(SIZES)('PutObject stores %i bytes, which GetObject gives back', async (sizeBytes) => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const Body = randomBytes(sizeBytes);
  const { ETag } = await server.client.send(new PutObjectCommand({ ...name, Body }));
  expect(ETag).toBe(`"${hash('md5', Body)}"`);
  const got = await server.client.send(new GetObjectCommand(name));
  expect(Body.equals((await got.Body?.transformToByteArray()) ?? Buffer.of(0))).toBe(true);
  expect(got).toMatchObject({ ContentLength: sizeBytes, ETag, ContentType: 'application/octet-stream' });
});

test('PutObject gives an object without a type the one that S3 gives', async () => {
  const Bucket = await server.newBucket();
  await sendSigned(server, { method: 'PUT', path: `/${Bucket}/key` });
  const { ContentType } = await server.client.send(new HeadObjectCommand({ Bucket, Key: 'key' }));
  expect(ContentType).toBe('binary/octet-stream');
});

test('PutObject takes a stream whose checksum comes in the trailer', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const bytes = randomBytes(300_000);
  const Body = Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]);
  const command = new PutObjectCommand({
    ...name,
    Body,
    ContentLength: bytes.length,
    ChecksumAlgorithm: 'CRC64NVME',
  });
  const ChecksumCRC64NVME = checksumOf('CRC64NVME', bytes);
  expect(await server.client.send(command)).toMatchObject({ ChecksumCRC64NVME, ChecksumType: 'FULL_OBJECT' });
});

test.each(CHECKSUM_ALGORITHMS)(
  'PutObject verifies a %s, stores it, and gives it back when asked',
  async (ChecksumAlgorithm) => {
    const name = { Bucket: await server.newBucket(), Key: 'key' };
    const Body = Buffer.from('some bytes');
    const expected = { [`Checksum${ChecksumAlgorithm}`]: checksumOf(ChecksumAlgorithm, Body) };
    // The SDK does not compute all of them itself.
    expect(await server.client.send(new PutObjectCommand({ ...name, Body, ...expected }))).toMatchObject(expected);
    const head = await server.client.send(new HeadObjectCommand({ ...name, ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({ ...expected, ChecksumType: 'FULL_OBJECT' });
    expect(await server.client.send(new HeadObjectCommand(name))).not.toMatchObject(expected);
    const wrong = new PutObjectCommand({
      ...name,
      Body,
      [`Checksum${ChecksumAlgorithm}`]: checksumOf(ChecksumAlgorithm, Buffer.from('other')),
    });
    await expect(server.client.send(wrong)).rejects.toMatchObject({ name: 'BadDigest' });
  },
);

test('PutObject with a Content-MD5 of other bytes stores nothing', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  for (const Body of [Buffer.from('short'), randomBytes(100_000)]) {
    const ContentMD5 = hash('md5', 'other', 'base64');
    const put = server.client.send(new PutObjectCommand({ ...name, Body, ContentMD5 }));
    await expect(put).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(server.client.send(new HeadObjectCommand(name))).rejects.toMatchObject({ name: 'NotFound' });
  }
});

test('PutObject replaces an object with everything that was said of it', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const first = { Metadata: { a: '1', b: '2' }, CacheControl: 'no-cache', ContentType: 'text/plain' };
  await server.client.send(new PutObjectCommand({ ...name, ...first, Body: 'first' }));
  expect(await server.client.send(new HeadObjectCommand(name))).toMatchObject(first);
  await server.client.send(new PutObjectCommand({ ...name, Metadata: { c: '3' }, Body: 'second' }));
  const head = await server.client.send(new HeadObjectCommand(name));
  expect(head.Metadata).toEqual({ c: '3' });
  expect(head.CacheControl).toBeUndefined();
});

test('PutObject stores the headers that S3 stores', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const stored = {
    CacheControl: 'max-age=1',
    ContentDisposition: 'attachment; filename="a.txt"',
    ContentEncoding: 'gzip',
    ContentLanguage: 'de',
    ContentType: 'text/plain',
    WebsiteRedirectLocation: 'https://example.com/',
  };
  const Expires = new Date('2030-01-02T03:04:05Z');
  await server.client.send(new PutObjectCommand({ ...name, ...stored, Expires }));
  const head = await server.client.send(new HeadObjectCommand(name));
  expect(head).toMatchObject({ ...stored, ExpiresString: 'Wed, 02 Jan 2030 03:04:05 GMT' });
});

test('PutObject takes metadata in UTF-8, which HeadObject gives back byte for byte', async () => {
  const path = `/${await server.newBucket()}/key`;
  const headers = { 'x-amz-meta-city': 'Łódź 🏭', 'x-amz-meta-__proto__': 'x' };
  expect((await sendSigned(server, { method: 'PUT', path, headers })).status).toBe(200);
  const head = await sendSigned(server, { method: 'HEAD', path });
  const city = Buffer.from(head.headers.get('x-amz-meta-city') ?? '', 'latin1').toString('utf8');
  expect(city).toBe('Łódź 🏭');
  expect(head.headers.get('x-amz-meta-__proto__')).toBe('x');
});

test('PutObject takes headers that are no UTF-8, which GetObject gives back byte for byte, from a copy too', async () => {
  const bucket = await server.newBucket();
  const path = `/${bucket}/key`;
  const latin1 = Buffer.from('caf\u00e9 \u00ff', 'latin1');
  const headers = { 'x-amz-meta-name': latin1, 'content-disposition': latin1, 'content-type': 'text/plain' };
  expect((await sendSigned(server, { method: 'PUT', path, headers })).status).toBe(200);
  const copy = { method: 'PUT', path: `/${bucket}/copy`, headers: { 'x-amz-copy-source': path } };
  expect((await sendSigned(server, copy)).status).toBe(200);
  for (const each of [path, `/${bucket}/copy`]) {
    const got = await sendSigned(server, { method: 'GET', path: each });
    expect(got.headers.get('x-amz-meta-name')).toBe('caf\u00e9 \u00ff');
    expect(got.headers.get('content-disposition')).toBe('caf\u00e9 \u00ff');
  }
});

test('PutObject joins repeated metadata by commas and refuses more than 2 KiB', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const put = server.client.send(new PutObjectCommand({ ...name, Metadata: { a: 'x'.repeat(2048) } }));
  await expect(put).rejects.toMatchObject({ name: 'MetadataTooLarge', $metadata: { httpStatusCode: 400 } });
});

test('PutObject with If-None-Match: * stores a key once', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const put = () => server.client.send(new PutObjectCommand({ ...name, IfNoneMatch: '*' }));
  await put();
  await expect(put()).rejects.toMatchObject({ name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } });
  await server.client.send(new DeleteObjectCommand(name));
  await put();
});

test('of concurrent PutObjects with If-None-Match: * one alone wins', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const puts = Array.from({ length: 20 }, (_, index) =>
    server.client.send(new PutObjectCommand({ ...name, Body: `${index}`, IfNoneMatch: '*' })),
  );
  const outcomes = await Promise.allSettled(puts);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('PutObject with If-Match replaces that version only', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const put = (Body: string, condition: object) =>
    server.client.send(new PutObjectCommand({ ...name, Body, ...condition }));
  await expect(put('x', { IfMatch: '*' })).rejects.toMatchObject({ name: 'NoSuchKey' });
  await expect(put('x', { IfMatch: '"abc"' })).rejects.toMatchObject({ name: 'NoSuchKey' });
  const { ETag } = await put('first', {});
  await expect(put('x', { IfMatch: '"abc"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await expect(put('x', { IfNoneMatch: ETag })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await put('second', { IfMatch: ETag });
  await expect(put('third', { IfMatch: ETag })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await put('third', { IfMatch: '*' });
});

test('PutObject names the version where the bucket has versions', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const put = (Body: string) => server.client.send(new PutObjectCommand({ ...name, Body }));
  expect((await put('null')).VersionId).toBeUndefined();
  await setVersioning(name.Bucket, 'Enabled');
  const first = (await put('first')).VersionId;
  const second = (await put('second')).VersionId;
  expect(first).toBeTruthy();
  expect(second).not.toBe(first);
  await setVersioning(name.Bucket, 'Suspended');
  expect((await put('null again')).VersionId).toBeUndefined();
  for (const [VersionId, text] of [
    [first, 'first'],
    [second, 'second'],
    ['null', 'null again'],
    [undefined, 'null again'],
  ] as const) {
    const { Body } = await server.client.send(new GetObjectCommand({ ...name, VersionId }));
    expect(await Body?.transformToString()).toBe(text);
  }
});

test.each([{ ServerSideEncryption: 'AES256' }, { ObjectLockLegalHoldStatus: 'ON' }, { WriteOffsetBytes: 0 }] as const)(
  'PutObject refuses %o, which it would ignore',
  async (parameter) => {
    const name = { Bucket: await server.newBucket(), Key: 'key' };
    const put = server.client.send(new PutObjectCommand({ ...name, ...parameter }));
    await expect(put).rejects.toMatchObject({ name: 'NotImplemented' });
  },
);

test('PutObject refuses a storage class that the region has not', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await server.client.send(new PutObjectCommand({ ...name, StorageClass: 'STANDARD' }));
  const put = server.client.send(new PutObjectCommand({ ...name, StorageClass: 'GLACIER' }));
  await expect(put).rejects.toMatchObject({ name: 'InvalidStorageClass', $metadata: { httpStatusCode: 400 } });
});

test('PutObject refuses more than 5 GiB before it reads any', async () => {
  const path = `/${await server.newBucket()}/key`;
  const headers = { 'content-length': String(5 * 1024 ** 3 + 1), expect: '100-continue' };
  const answer = await sendSigned(server, { method: 'PUT', path, headers });
  expect(answer.status).toBe(400);
  expect(elementText(answer.body, 'Code')).toBe('EntityTooLarge');
  expect(elementText(answer.body, 'MaxSizeAllowed')).toBe('5368709120');
});

test('PutObject into a bucket that is not there is NoSuchBucket', async () => {
  const put = server.client.send(new PutObjectCommand({ Bucket: 'no-such-bucket', Key: 'key', Body: 'x' }));
  await expect(put).rejects.toMatchObject({ name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } });
});

async function setVersioning(Bucket: string, Status: 'Enabled' | 'Suspended'): Promise<void> {
  await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
}
