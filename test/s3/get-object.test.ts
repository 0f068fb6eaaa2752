import { randomBytes } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checksumOf } from '../../src/domain/digests.ts';
import { elementText } from '../support/raw-http.ts';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { complete, createUpload, PART_BYTES, partBytes, sendParts } from './multipart-steps.ts';
import { sendSigned } from './signed-request.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test('GetObject of a key that is not there is NoSuchKey', async () => {
  const Bucket = await server.newBucket();
  await expect(get({ Bucket, Key: 'key' })).rejects.toMatchObject({
    name: 'NoSuchKey',
    $metadata: { httpStatusCode: 404 },
  });
});

describe('a range', () => {
  test.each([
    ['inline', 10_000],
    ['in a blob', 600_000],
  ])('of an object %s is answered 206 with its bytes', async (_, sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    const name = await put(bytes);
    for (const [Range, first, last] of [
      ['bytes=0-0', 0, 0],
      ['bytes=5-', 5, sizeBytes - 1],
      ['bytes=-7', sizeBytes - 7, sizeBytes - 1],
      ['bytes=100-999', 100, 999],
      ['bytes=9000-99999999', 9000, sizeBytes - 1],
    ] as const) {
      const { $metadata, Body, ContentLength, ContentRange } = await get({ ...name, Range });
      expect($metadata.httpStatusCode).toBe(206);
      expect(ContentRange).toBe(`bytes ${first}-${last}/${sizeBytes}`);
      expect(ContentLength).toBe(last - first + 1);
      const sent = (await Body?.transformToByteArray()) ?? Buffer.alloc(0);
      expect(bytes.subarray(first, last + 1).equals(sent)).toBe(true);
    }
  });

  test('beyond the end is InvalidRange, with the size', async () => {
    const { Bucket, Key } = await put(Buffer.alloc(10));
    const answer = await sendSigned(server, {
      method: 'GET',
      path: `/${Bucket}/${Key}`,
      headers: { range: 'bytes=40-50' },
    });
    expect(answer.status).toBe(416);
    expect(elementText(answer.body, 'Code')).toBe('InvalidRange');
    expect(elementText(answer.body, 'ActualObjectSize')).toBe('10');
    expect(elementText(answer.body, 'RangeRequested')).toBe('bytes=40-50');
    expect(answer.headers.get('content-range')).toBe('bytes */10');
  });

  test('of an object of no bytes is InvalidRange', async () => {
    const name = await put(Buffer.alloc(0));
    await expect(get({ ...name, Range: 'bytes=0-' })).rejects.toMatchObject({ name: 'InvalidRange' });
  });

  test.each(['bytes=0-1,3-4', 'bytes=5-3', 'nonsense'])(
    'that reads %s is answered with the whole object',
    async (Range) => {
      const name = await put(Buffer.alloc(10));
      const { $metadata, ContentLength, ContentRange } = await get({ ...name, Range });
      expect([$metadata.httpStatusCode, ContentLength, ContentRange]).toEqual([200, 10, undefined]);
    },
  );

  test('carries no checksum, which would be of other bytes', async () => {
    const bytes = Buffer.from('0123456789');
    const name = await put(bytes);
    const whole = await get({ ...name, ChecksumMode: 'ENABLED' });
    expect(whole.ChecksumCRC32).toBe(checksumOf('CRC32', bytes));
    const part = await get({ ...name, ChecksumMode: 'ENABLED', Range: 'bytes=1-2' });
    expect(part.ChecksumCRC32).toBeUndefined();
    expect(await part.Body?.transformToString()).toBe('12');
  });

  test('counts under If-Range for the same version only', async () => {
    const { Bucket, Key, ETag } = await put(Buffer.alloc(10));
    const status = async (ifRange: string) => {
      const headers = { range: 'bytes=0-1', 'if-range': ifRange };
      return (await sendSigned(server, { method: 'GET', path: `/${Bucket}/${Key}`, headers })).status;
    };
    expect(await status(ETag ?? '')).toBe(206);
    expect(await status('"another"')).toBe(200);
    expect(await status(`W/${ETag}`)).toBe(200);
    expect(await status('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(200);
  });
});

describe('a condition', () => {
  test('that fails is PreconditionFailed, one that says nothing new is 304', async () => {
    const { ETag, ...name } = await put(Buffer.from('bar'));
    await expect(get({ ...name, IfMatch: '"x"' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    await expect(get({ ...name, IfUnmodifiedSince: new Date(0) })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    await expect(get({ ...name, IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
    const later = new Date(Date.now() + 1000);
    await expect(get({ ...name, IfModifiedSince: later })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    await get({ ...name, IfMatch: ETag, IfUnmodifiedSince: new Date(0) });
    await get({ ...name, IfNoneMatch: '"x"', IfModifiedSince: later });
  });

  test('answered 304 has the ETag and no body', async () => {
    const { Bucket, Key, ETag = '' } = await put(Buffer.from('bar'));
    const headers = { 'if-none-match': ETag };
    const answer = await sendSigned(server, { method: 'GET', path: `/${Bucket}/${Key}`, headers });
    expect(answer.status).toBe(304);
    expect(answer.headers.get('etag')).toBe(ETag);
    expect(answer.headers.get('last-modified')).toBeTruthy();
    expect(answer.headers.get('content-length')).toBeUndefined();
  });

  test('comes before the range', async () => {
    const { ETag, ...name } = await put(Buffer.alloc(10));
    const both = get({ ...name, IfNoneMatch: ETag, Range: 'bytes=40-50' });
    await expect(both).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
  });
});

describe('response-* parameters', () => {
  test('put other headers in place of the stored ones', async () => {
    const name = await put(Buffer.from('bar'), { ContentType: 'text/plain', CacheControl: 'no-cache' });
    const answer = await get({
      ...name,
      ResponseContentType: 'text/html',
      ResponseContentDisposition: 'attachment; filename="é.txt"',
      ResponseContentEncoding: 'br',
      ResponseContentLanguage: 'fr',
      ResponseCacheControl: 'max-age=5',
      ResponseExpires: new Date(0),
    });
    expect(answer).toMatchObject({
      ContentType: 'text/html',
      ContentEncoding: 'br',
      ContentLanguage: 'fr',
      CacheControl: 'max-age=5',
      ExpiresString: 'Thu, 01 Jan 1970 00:00:00 GMT',
    });
  });

  test('cannot smuggle a header', async () => {
    const { Bucket, Key } = await put(Buffer.from('bar'));
    for (const value of ['a\r\nSet-Cookie: x', 'a\nb', 'a\0b']) {
      const query = [['response-content-type', value]] as const;
      const answer = await sendSigned(server, { method: 'GET', path: `/${Bucket}/${Key}`, query });
      expect(answer.status).toBe(400);
      expect(elementText(answer.body, 'Code')).toBe('InvalidArgument');
    }
  });
});

describe('a version', () => {
  test('is given by its id, and hidden by a delete marker otherwise', async () => {
    const name = await versionedName();
    const { VersionId } = await server.client.send(new PutObjectCommand({ ...name, Body: 'old' }));
    await server.client.send(new PutObjectCommand({ ...name, Body: 'new' }));
    const marker = await server.client.send(new DeleteObjectCommand(name));
    expect(marker.DeleteMarker).toBe(true);
    const old = await get({ ...name, VersionId });
    expect(await old.Body?.transformToString()).toBe('old');
    expect(old.VersionId).toBe(VersionId);
    const path = `/${name.Bucket}/${name.Key}`;
    const hidden = await sendSigned(server, { method: 'GET', path });
    expect([hidden.status, elementText(hidden.body, 'Code')]).toEqual([404, 'NoSuchKey']);
    expect(hidden.headers.get('x-amz-delete-marker')).toBe('true');
    expect(hidden.headers.get('x-amz-version-id')).toBe(marker.VersionId);
    const query = [['versionId', marker.VersionId ?? '']] as const;
    const asked = await sendSigned(server, { method: 'GET', path, query });
    expect([asked.status, elementText(asked.body, 'Code')]).toEqual([405, 'MethodNotAllowed']);
    expect(asked.headers.get('x-amz-delete-marker')).toBe('true');
    expect(asked.headers.get('allow')).toBe('DELETE');
  });

  test('that is not there is NoSuchVersion, and an id that none can have InvalidArgument', async () => {
    const name = await versionedName();
    await server.client.send(new PutObjectCommand(name));
    const VersionId = '0000000000000000000000000000';
    await expect(get({ ...name, VersionId })).rejects.toMatchObject({ name: 'NoSuchVersion' });
    await expect(get({ ...name, VersionId: 'null' })).rejects.toMatchObject({ name: 'NoSuchVersion' });
    for (const impossible of ['a b', 'a/../b?', 'ü']) {
      await expect(get({ ...name, VersionId: impossible })).rejects.toMatchObject({ name: 'InvalidArgument' });
    }
    const path = `/${name.Bucket}/${name.Key}`;
    const empty = await sendSigned(server, { method: 'GET', path, query: [['versionId', '']] });
    expect([empty.status, elementText(empty.body, 'Code')]).toEqual([400, 'InvalidArgument']);
  });
});

describe('a part', () => {
  test('of a completed upload is given with the number of parts, and none else', async () => {
    const name = { Bucket: await server.newBucket(), Key: 'key' };
    const bodies = [partBytes(PART_BYTES, 1), partBytes(PART_BYTES, 2), partBytes(7, 3)];
    const upload = await createUpload(server.client, name, { ChecksumAlgorithm: 'CRC32' });
    const { ETag } = await complete(server.client, upload, await sendParts(server.client, upload, bodies));
    let offset = 0;
    for (const [index, body] of bodies.entries()) {
      const part = await get({ ...name, PartNumber: index + 1, ChecksumMode: 'ENABLED' });
      expect(part).toMatchObject({
        ETag,
        PartsCount: 3,
        ContentLength: body.length,
        ContentRange: `bytes ${offset}-${offset + body.length - 1}/${2 * PART_BYTES + 7}`,
        ChecksumCRC32: checksumOf('CRC32', body),
        $metadata: { httpStatusCode: 206 },
      });
      expect(body.equals((await part.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
      offset += body.length;
    }
    await expect(get({ ...name, PartNumber: 4 })).rejects.toMatchObject({
      name: 'InvalidPartNumber',
      $metadata: { httpStatusCode: 416 },
    });
    const across = await get({ ...name, Range: `bytes=${PART_BYTES - 3}-${2 * PART_BYTES + 3}` });
    const bytes = Buffer.concat(bodies).subarray(PART_BYTES - 3, 2 * PART_BYTES + 4);
    expect(bytes.equals((await across.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
    expect((await get(name)).PartsCount).toBeUndefined();
  });

  test('keeps the number that it was sent under', async () => {
    const name = { Bucket: await server.newBucket(), Key: 'key' };
    const upload = await createUpload(server.client, name);
    const parts = await sendParts(server.client, upload, [partBytes(PART_BYTES, 1), partBytes(2, 2), partBytes(3, 3)]);
    await complete(
      server.client,
      upload,
      parts.filter(({ PartNumber }) => PartNumber !== 2),
    );
    expect(await get({ ...name, PartNumber: 3 })).toMatchObject({ ContentLength: 3, PartsCount: 2 });
    await expect(get({ ...name, PartNumber: 2 })).rejects.toMatchObject({ name: 'InvalidPartNumber' });
  });

  test('1 of an object that was sent whole is the whole of it', async () => {
    const name = await put(Buffer.from('body'));
    const part = await get({ ...name, PartNumber: 1 });
    expect(await part.Body?.transformToString()).toBe('body');
    expect([part.$metadata.httpStatusCode, part.PartsCount]).toEqual([206, undefined]);
    await expect(get({ ...name, PartNumber: 2 })).rejects.toMatchObject({ name: 'InvalidPartNumber' });
  });

  test('cannot be asked for together with a range, nor by a number that is none', async () => {
    const name = await put(Buffer.from('body'));
    const both = get({ ...name, PartNumber: 1, Range: 'bytes=0-1' });
    await expect(both).rejects.toMatchObject({ name: 'InvalidRequest' });
    for (const PartNumber of [0, -1, 10_001]) {
      await expect(get({ ...name, PartNumber })).rejects.toMatchObject({ name: 'InvalidArgument' });
    }
  });
});

test('GetObject reads one version to its end although it is replaced and deleted meanwhile', async () => {
  const bytes = randomBytes(8 * 1024 ** 2);
  const name = await put(bytes);
  const { Body } = await get(name);
  await server.client.send(new PutObjectCommand({ ...name, Body: randomBytes(100_000) }));
  await server.client.send(new DeleteObjectCommand(name));
  expect(bytes.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
});

test('GetObject gives every byte back when many read at once', async () => {
  const bytes = randomBytes(1024 ** 2);
  const name = await put(bytes);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => (await get(name)).Body?.transformToByteArray()),
  );
  expect(answers.every((answer) => answer !== undefined && bytes.equals(answer))).toBe(true);
});

function get(input: GetObjectCommandInput) {
  return server.client.send(new GetObjectCommand(input));
}

async function put(Body: Buffer, options: object = {}) {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const { ETag } = await server.client.send(new PutObjectCommand({ ...options, ...name, Body }));
  return { ...name, ETag };
}

async function versionedName() {
  const Bucket = await server.newBucket();
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  return { Bucket, Key: 'key' };
}
