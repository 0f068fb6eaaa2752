import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ListPartsCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECKSUM_ALGORITHMS } from '../../src/domain/checksum.ts';
import { checksumOf } from '../../src/domain/digests.ts';
import { complete, createUpload, openS3, readObject, sendParts, type TestS3 } from './multipart-steps.ts';

let server: TestS3;
beforeAll(async () => {
  server = await openS3();
});
afterAll(() => server[Symbol.asyncDispose]());

const BODY = Buffer.from('the bytes of a part');

test('UploadPart answers the MD5 of the part as its ETag', async () => {
  const upload = await openUpload();
  const { ETag } = await server.s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: BODY }));
  expect(ETag).toBe(`"${createHash('md5').update(BODY).digest('hex')}"`);
});

test('UploadPart replaces an earlier part with its number', async () => {
  const upload = await openUpload();
  await sendParts(server.s3, upload, [Buffer.from('an older, longer body')]);
  const parts = await sendParts(server.s3, upload, [BODY]);
  await complete(server.s3, upload, parts);
  expect(await readObject(server.s3, upload)).toEqual(BODY);
});

test('UploadPart takes a body of no bytes', async () => {
  const upload = await openUpload();
  const parts = await sendParts(server.s3, upload, [Buffer.alloc(0)]);
  expect(parts[0]?.ETag).toBe('"d41d8cd98f00b204e9800998ecf8427e"');
  await complete(server.s3, upload, parts);
  expect(await readObject(server.s3, upload)).toEqual(Buffer.alloc(0));
});

test('UploadPart takes a stream, whose checksum comes in the trailer', async () => {
  const upload = await openUpload({ ChecksumAlgorithm: 'CRC32' });
  const Body = Readable.from([BODY.subarray(0, 5), BODY.subarray(5)]);
  const command = new UploadPartCommand({
    ...upload,
    PartNumber: 1,
    Body,
    ContentLength: BODY.length,
    ChecksumAlgorithm: 'CRC32',
  });
  expect(await server.s3.send(command)).toMatchObject({ ChecksumCRC32: checksumOf('CRC32', BODY) });
});

test.each(CHECKSUM_ALGORITHMS)(
  'UploadPart computes the %s that the upload asked for where the client sends none',
  async (algorithm) => {
    const upload = await openUpload({ ChecksumAlgorithm: algorithm });
    const sent = await server.withoutChecksums.send(new UploadPartCommand({ ...upload, PartNumber: 7, Body: BODY }));
    const expected = { [`Checksum${algorithm}`]: checksumOf(algorithm, BODY) };
    expect(sent).toMatchObject(expected);
    const { Parts } = await server.s3.send(new ListPartsCommand(upload));
    expect(Parts).toMatchObject([{ PartNumber: 7, ...expected }]);
  },
);

test('UploadPart refuses another checksum algorithm than the one the upload asked for', async () => {
  const upload = await openUpload({ ChecksumAlgorithm: 'SHA256' });
  const command = new UploadPartCommand({
    ...upload,
    PartNumber: 1,
    Body: BODY,
    ChecksumCRC32: checksumOf('CRC32', BODY),
  });
  await expect(server.s3.send(command)).rejects.toMatchObject({ name: 'InvalidRequest' });
});

test.each([
  ['Content-MD5', { ContentMD5: createHash('md5').update('other').digest('base64') }, 'BadDigest'],
  ['CRC32', { ChecksumCRC32: checksumOf('CRC32', Buffer.from('other')) }, 'BadDigest'],
  ['CRC64NVME', { ChecksumCRC64NVME: checksumOf('CRC64NVME', Buffer.from('other')) }, 'BadDigest'],
  ['SHA256', { ChecksumSHA256: checksumOf('SHA256', Buffer.from('other')) }, 'BadDigest'],
  ['malformed Content-MD5', { ContentMD5: 'bad' }, 'InvalidDigest'],
  ['malformed SHA1', { ChecksumSHA1: 'bad' }, 'InvalidRequest'],
] as const)('UploadPart refuses a wrong %s and stores nothing', async (_, digest, code) => {
  const upload = await openUpload();
  const command = new UploadPartCommand({ ...upload, PartNumber: 1, Body: BODY, ...digest });
  await expect(server.withoutChecksums.send(command)).rejects.toMatchObject({ name: code });
  expect((await server.s3.send(new ListPartsCommand(upload))).Parts).toBeUndefined();
});

test.each([0, 10_001, -1, 1.5])('UploadPart refuses part number %d', async (PartNumber) => {
  const upload = await openUpload();
  await expect(server.s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: BODY }))).rejects.toMatchObject({
    name: 'InvalidArgument',
    $metadata: { httpStatusCode: 400 },
  });
});

test('UploadPart takes part number 10,000', async () => {
  const upload = await openUpload();
  const { ETag } = await server.s3.send(new UploadPartCommand({ ...upload, PartNumber: 10_000, Body: BODY }));
  await complete(server.s3, upload, [{ PartNumber: 10_000, ETag }]);
  expect(await readObject(server.s3, upload)).toEqual(BODY);
});

test('UploadPart to an upload of another key or bucket is NoSuchUpload', async () => {
  const upload = await openUpload();
  const strangers = [
    { ...upload, Key: 'another key' },
    { ...upload, Bucket: await server.makeBucket() },
    { ...upload, UploadId: 'never-made' },
  ];
  for (const stranger of strangers) {
    await expect(
      server.s3.send(new UploadPartCommand({ ...stranger, PartNumber: 1, Body: BODY })),
    ).rejects.toMatchObject({
      name: 'NoSuchUpload',
      $metadata: { httpStatusCode: 404 },
    });
  }
});

test('UploadPart to a completed upload is NoSuchUpload and changes nothing', async () => {
  const upload = await openUpload();
  await complete(server.s3, upload, await sendParts(server.s3, upload, [BODY]));
  const late = new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'late' });
  await expect(server.s3.send(late)).rejects.toMatchObject({ name: 'NoSuchUpload' });
  expect(await readObject(server.s3, upload)).toEqual(BODY);
});

test('UploadPart refuses encryption by a key of the client’s', async () => {
  const upload = await openUpload();
  const command = new UploadPartCommand({ ...upload, PartNumber: 1, Body: BODY, SSECustomerAlgorithm: 'AES256' });
  await expect(server.s3.send(command)).rejects.toMatchObject({ name: 'NotImplemented' });
});

async function openUpload(options: Parameters<typeof createUpload>[2] = {}) {
  return createUpload(server.s3, { Bucket: await server.makeBucket(), Key: 'key' }, options);
}
