import { hash, randomBytes } from 'node:crypto';
import {
  CopyObjectCommand,
  type CopyObjectCommandInput,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checksumOf } from '../../src/domain/digests.ts';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { complete, createUpload, PART_BYTES, partBytes, sendParts } from './multipart-steps.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const METADATA = { Metadata: { a: '1' }, ContentType: 'text/plain', CacheControl: 'no-cache' };

describe.each([
  ['nothing', 0],
  ['inline bytes', 100],
  ['a blob', 500_000],
])('of %s', (_, sizeBytes) => {
  test('CopyObject copies bytes and metadata, and the copy outlives its source', async () => {
    const bytes = randomBytes(sizeBytes);
    const source = await put(bytes, METADATA);
    const target = { Bucket: await server.newBucket(), Key: 'copy' };
    const { CopyObjectResult, CopySourceVersionId, VersionId } = await copy(source, target);
    expect(CopyObjectResult?.ETag).toBe(`"${hash('md5', bytes)}"`);
    expect(CopyObjectResult).toMatchObject({
      ChecksumCRC32: checksumOf('CRC32', bytes),
      ChecksumType: 'FULL_OBJECT',
    });
    expect([CopySourceVersionId, VersionId]).toEqual([undefined, undefined]);
    await server.client.send(new DeleteObjectCommand(source));
    const { Body, ...got } = await server.client.send(new GetObjectCommand({ ...target, ChecksumMode: 'ENABLED' }));
    expect(got).toMatchObject({ ...METADATA, ChecksumCRC32: checksumOf('CRC32', bytes) });
    expect(got.LastModified).toEqual(CopyObjectResult?.LastModified);
    expect(bytes.equals((await Body?.transformToByteArray()) ?? Buffer.of(0))).toBe(true);
  });

  test('CopyObject computes another checksum when it is asked for one', async () => {
    const bytes = randomBytes(sizeBytes);
    const source = await put(bytes);
    const ChecksumSHA256 = checksumOf('SHA256', bytes);
    const target = { Bucket: source.Bucket, Key: 'copy' };
    const { CopyObjectResult } = await copy(source, target, { ChecksumAlgorithm: 'SHA256' });
    expect(CopyObjectResult).toMatchObject({ ChecksumSHA256, ChecksumType: 'FULL_OBJECT' });
    expect(CopyObjectResult?.ChecksumCRC32).toBeUndefined();
    const head = await server.client.send(new HeadObjectCommand({ ...target, ChecksumMode: 'ENABLED' }));
    expect(head.ChecksumSHA256).toBe(ChecksumSHA256);
  });
});

test('CopyObject shares the parts of a multipart upload', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const upload = await createUpload(server.client, name);
  const bodies = [partBytes(PART_BYTES, 1), partBytes(9, 2)];
  const { ETag } = await complete(server.client, upload, await sendParts(server.client, upload, bodies));
  const target = { ...name, Key: 'copy' };
  const { CopyObjectResult } = await copy(name, target);
  expect(CopyObjectResult?.ETag).toBe(ETag);
  await server.client.send(new DeleteObjectCommand(name));
  const { Body } = await server.client.send(new GetObjectCommand(target));
  expect(Buffer.concat(bodies).equals((await Body?.transformToByteArray()) ?? Buffer.of(0))).toBe(true);
});

test('CopyObject with REPLACE gives the copy the metadata of the request', async () => {
  const source = await put(Buffer.from('body'), METADATA);
  const target = { Bucket: source.Bucket, Key: 'copy' };
  await copy(source, target, { MetadataDirective: 'REPLACE', Metadata: { b: '2' }, ContentType: 'image/png' });
  const head = await server.client.send(new HeadObjectCommand(target));
  expect(head.Metadata).toEqual({ b: '2' });
  expect([head.ContentType, head.CacheControl]).toEqual(['image/png', undefined]);
});

test('CopyObject with COPY keeps the metadata of the source, whatever the request says', async () => {
  const source = await put(Buffer.from('body'), METADATA);
  const target = { Bucket: source.Bucket, Key: 'copy' };
  await copy(source, target, { Metadata: { b: '2' }, ContentType: 'image/png' });
  expect(await server.client.send(new HeadObjectCommand(target))).toMatchObject(METADATA);
});

test('CopyObject does not copy a redirect, but takes one', async () => {
  const source = await put(Buffer.from('body'), { WebsiteRedirectLocation: '/old' });
  const [plain, redirected] = ['plain', 'redirected'].map((Key) => ({ Bucket: source.Bucket, Key }));
  if (plain === undefined || redirected === undefined) throw new Error('There are two.');
  await copy(source, plain);
  await copy(source, redirected, { WebsiteRedirectLocation: '/new' });
  expect((await server.client.send(new HeadObjectCommand(plain))).WebsiteRedirectLocation).toBeUndefined();
  expect((await server.client.send(new HeadObjectCommand(redirected))).WebsiteRedirectLocation).toBe('/new');
});

test('CopyObject onto itself must change something', async () => {
  const name = await put(Buffer.from('body'), METADATA);
  await expect(copy(name, name)).rejects.toMatchObject({
    name: 'InvalidRequest',
    $metadata: { httpStatusCode: 400 },
  });
  await copy(name, name, { MetadataDirective: 'REPLACE', Metadata: { b: '2' } });
  await copy(name, name, { StorageClass: 'STANDARD' });
  const { Body, Metadata } = await server.client.send(new GetObjectCommand(name));
  expect(await Body?.transformToString()).toBe('body');
  expect(Metadata).toEqual({ b: '2' });
});

test('CopyObject of a blob onto itself keeps its bytes', async () => {
  const bytes = randomBytes(300_000);
  const name = await put(bytes);
  for (const b of ['1', '2']) await copy(name, name, { MetadataDirective: 'REPLACE', Metadata: { b } });
  const { Body } = await server.client.send(new GetObjectCommand(name));
  expect(bytes.equals((await Body?.transformToByteArray()) ?? Buffer.of(0))).toBe(true);
});

describe('a condition on the source', () => {
  test('that does not hold is PreconditionFailed, all four of them', async () => {
    const { ETag, ...source } = await put(Buffer.from('body'));
    const target = { Bucket: source.Bucket, Key: 'copy' };
    const later = new Date(Date.now() + 1000);
    for (const condition of [
      { CopySourceIfMatch: '"x"' },
      { CopySourceIfNoneMatch: ETag },
      { CopySourceIfUnmodifiedSince: new Date(0) },
      { CopySourceIfModifiedSince: later },
    ]) {
      await expect(copy(source, target, condition)).rejects.toMatchObject({ name: 'PreconditionFailed' });
    }
    await copy(source, target, { CopySourceIfMatch: ETag, CopySourceIfUnmodifiedSince: new Date(0) });
    await copy(source, target, { CopySourceIfNoneMatch: '"x"', CopySourceIfModifiedSince: later });
  });
});

test('a condition on the destination holds against the version that the copy replaces', async () => {
  const source = await put(Buffer.from('body'));
  const target = { Bucket: source.Bucket, Key: 'copy' };
  await expect(copy(source, target, { IfMatch: '*' })).rejects.toMatchObject({ name: 'NoSuchKey' });
  const { CopyObjectResult } = await copy(source, target, { IfNoneMatch: '*' });
  await expect(copy(source, target, { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await expect(copy(source, target, { IfMatch: '"x"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await copy(source, target, { IfMatch: CopyObjectResult?.ETag });
});

describe('with versions', () => {
  test('CopyObject copies the version that is named, onto its own key too', async () => {
    const name = await versionedName();
    const first = await server.client.send(new PutObjectCommand({ ...name, Body: 'first' }));
    await server.client.send(new PutObjectCommand({ ...name, Body: 'second' }));
    const copied = await copy(name, name, {}, first.VersionId);
    expect(copied.CopySourceVersionId).toBe(first.VersionId);
    expect(copied.VersionId).not.toBe(first.VersionId);
    const { Body, VersionId } = await server.client.send(new GetObjectCommand(name));
    expect(await Body?.transformToString()).toBe('first');
    expect(VersionId).toBe(copied.VersionId);
  });

  test('CopyObject of a delete marker is refused', async () => {
    const name = await versionedName();
    const { VersionId } = await server.client.send(new DeleteObjectCommand(name));
    const target = { ...name, Key: 'copy' };
    await expect(copy(name, target)).rejects.toMatchObject({ name: 'NoSuchKey' });
    await expect(copy(name, target, {}, VersionId)).rejects.toMatchObject({ name: 'InvalidRequest' });
    await expect(copy(name, target, {}, '0000000000000000')).rejects.toMatchObject({ name: 'NoSuchVersion' });
  });
});

test('CopyObject reads its source by a name that is encoded once', async () => {
  const Bucket = await server.newBucket();
  const keys = ['a b+c', 'Łódź', '50%25', 'a?b', 'a?versionId=b', 'a/./b', '"<&>"'];
  for (const Key of keys) {
    await server.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    await copy({ Bucket, Key }, { Bucket, Key: 'copy' });
    const { Body } = await server.client.send(new GetObjectCommand({ Bucket, Key: 'copy' }));
    expect(await Body?.transformToString()).toBe(Key);
  }
});

test('CopyObject of what is not there is NoSuchKey or NoSuchBucket', async () => {
  const Bucket = await server.newBucket();
  const target = { Bucket, Key: 'copy' };
  await expect(copy({ Bucket, Key: 'key' }, target)).rejects.toMatchObject({ name: 'NoSuchKey' });
  const elsewhere = { Bucket: 'no-such-bucket', Key: 'key' };
  await expect(copy(elsewhere, target)).rejects.toMatchObject({ name: 'NoSuchBucket' });
});

test.each([
  [{ MetadataDirective: 'MERGE' }, 'InvalidArgument'],
  [{ StorageClass: 'GLACIER' }, 'InvalidStorageClass'],
  [{ ACL: 'aws-exec-read' }, 'NotImplemented'],
  [{ ServerSideEncryption: 'AES256' }, 'NotImplemented'],
  [{ Tagging: 'a=b' }, 'InvalidRequest'],
  [{ ChecksumAlgorithm: 'CRC128' }, 'InvalidRequest'],
])('CopyObject with %o is refused as %s', async (parameter, name) => {
  const source = await put(Buffer.from('body'));
  const options = parameter as Partial<CopyObjectCommandInput>;
  await expect(copy(source, { Bucket: source.Bucket, Key: 'copy' }, options)).rejects.toMatchObject({ name });
});

interface Name {
  readonly Bucket: string;
  readonly Key: string;
}

function copy(source: Name, target: Name, options: Partial<CopyObjectCommandInput> = {}, versionId?: string) {
  const path = `${source.Bucket}/${encodeURIComponent(source.Key)}`;
  const CopySource = versionId === undefined ? path : `${path}?versionId=${versionId}`;
  return server.client.send(new CopyObjectCommand({ ...options, ...nameOf(target), CopySource }));
}

function nameOf({ Bucket, Key }: Name): Name {
  return { Bucket, Key };
}

async function put(Body: Buffer, options: object = {}) {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const { ETag } = await server.client.send(new PutObjectCommand({ ...options, ...name, Body }));
  return { ...name, ETag };
}

async function versionedName(): Promise<Name> {
  const Bucket = await server.newBucket();
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  return { Bucket, Key: 'key' };
}
