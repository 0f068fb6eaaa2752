import { createHash } from 'node:crypto';
import {
  CopyObjectCommand,
  type CopyPartResult,
  DeleteObjectCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
  type UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checksumOf } from '../../src/domain/digests.ts';
import {
  complete,
  createUpload,
  openS3,
  PART_BYTES,
  partBytes,
  readObject,
  sendParts,
  type TestS3,
  type UploadName,
} from './multipart-steps.ts';

let server: TestS3;
beforeAll(async () => {
  server = await openS3();
});
afterAll(() => server[Symbol.asyncDispose]());

const BODY = Buffer.from('0123456789'.repeat(10_000));

test.each([
  ['bytes=0-0', BODY.subarray(0, 1)],
  ['bytes=1-99998', BODY.subarray(1, 99_999)],
  ['bytes=99999-99999', BODY.subarray(-1)],
  ['bytes=0-99999', BODY],
] as const)('UploadPartCopy copies %s of its source', async (CopySourceRange, expected) => {
  const { upload, CopySource } = await openUpload({ body: BODY });
  const part = await copyPart(upload, { CopySource, CopySourceRange });
  expect(part).toMatchObject({ ETag: `"${createHash('md5').update(expected).digest('hex')}"` });
  expect(Math.abs(Date.now() - Number(part.LastModified))).toBeLessThan(60_000);
  await complete(server.s3, upload, [{ PartNumber: 1, ETag: part.ETag }]);
  expect(await readObject(server.s3, upload)).toEqual(expected);
});

test.each([0, 1, 100, 16 * 1024, 100_000])(
  'UploadPartCopy copies the whole of a source of %d bytes',
  async (sizeBytes) => {
    const body = BODY.subarray(0, sizeBytes);
    const { upload, CopySource } = await openUpload({ body });
    const part = await copyPart(upload, { CopySource });
    expect(part.ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
    await complete(server.s3, upload, [{ PartNumber: 1, ETag: part.ETag }]);
    expect(await readObject(server.s3, upload)).toEqual(body);
  },
);

test('UploadPartCopy keeps the bytes although the source is overwritten and deleted afterwards', async () => {
  const { upload, CopySource, source } = await openUpload({ body: BODY });
  const part = await copyPart(upload, { CopySource });
  await server.s3.send(new PutObjectCommand({ ...source, Body: 'something else' }));
  await server.s3.send(new DeleteObjectCommand(source));
  await complete(server.s3, upload, [{ PartNumber: 1, ETag: part.ETag }]);
  expect(await readObject(server.s3, upload)).toEqual(BODY);
});

test('UploadPartCopy from an object of several parts gives the MD5 of the bytes, not the ETag of the source', async () => {
  const { upload, source } = await openUpload({ body: BODY });
  const parted = await createUpload(server.s3, { ...source, Key: 'of two parts' });
  await complete(server.s3, parted, await sendParts(server.s3, parted, [partBytes(PART_BYTES, 1), BODY]));
  const whole = Buffer.concat([partBytes(PART_BYTES, 1), BODY]);
  const CopySource = `${source.Bucket}/of%20two%20parts`;
  const all = await copyPart(upload, { CopySource, PartNumber: 1 });
  const across = await copyPart(upload, {
    CopySource,
    PartNumber: 2,
    CopySourceRange: `bytes=${PART_BYTES - 10}-${PART_BYTES + 9}`,
  });
  expect(all.ETag).toBe(`"${createHash('md5').update(whole).digest('hex')}"`);
  await complete(server.s3, upload, [
    { PartNumber: 1, ETag: all.ETag },
    { PartNumber: 2, ETag: across.ETag },
  ]);
  const expected = Buffer.concat([whole, whole.subarray(PART_BYTES - 10, PART_BYTES + 10)]);
  expect((await readObject(server.s3, upload)).equals(expected)).toBe(true);
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
  'UploadPartCopy gives the part the %s that the upload asked for, whatever the source has',
  async (algorithm) => {
    const { upload, CopySource } = await openUpload({ body: BODY, algorithm });
    expect(await copyPart(upload, { CopySource })).toMatchObject({
      [`Checksum${algorithm}`]: checksumOf(algorithm, BODY),
    });
  },
);

test('UploadPartCopy copies the version that it names, and says which one it was', async () => {
  const Bucket = await server.makeBucket({ versioning: 'Enabled' });
  const source = { Bucket, Key: 'source ?+%&ü' };
  const { VersionId } = await server.s3.send(new PutObjectCommand({ ...source, Body: 'old' }));
  const { VersionId: newest } = await server.s3.send(new PutObjectCommand({ ...source, Body: 'new' }));
  const upload = await createUpload(server.s3, { Bucket: await server.makeBucket(), Key: 'target' });
  const path = `${Bucket}/${encodeURIComponent(source.Key)}`;
  const old = new UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource: `${path}?versionId=${VersionId}` });
  expect(await server.s3.send(old)).toMatchObject({
    CopySourceVersionId: VersionId,
    CopyPartResult: { ETag: `"${createHash('md5').update('old').digest('hex')}"` },
  });
  const current = new UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource: path });
  expect(await server.s3.send(current)).toMatchObject({ CopySourceVersionId: newest });
});

test.each([
  '0-2',
  'bytes=0',
  'bytes=hello-world',
  'bytes=0-bar',
  'bytes=hello-',
  'bytes=0-2,3-5',
  'bytes=3-2',
  'bytes=-5',
  'bytes=5-',
])('UploadPartCopy refuses the range %s', async (CopySourceRange) => {
  const { upload, CopySource } = await openUpload({ body: Buffer.from('12345') });
  await expect(copyPart(upload, { CopySource, CopySourceRange })).rejects.toMatchObject({
    name: 'InvalidArgument',
    $metadata: { httpStatusCode: 400 },
  });
});

test.each(['bytes=0-5', 'bytes=5-5', 'bytes=100-200'])(
  'UploadPartCopy refuses %s of five bytes',
  async (CopySourceRange) => {
    const { upload, CopySource } = await openUpload({ body: Buffer.from('12345') });
    await expect(copyPart(upload, { CopySource, CopySourceRange })).rejects.toMatchObject({
      name: expect.stringMatching(/^Invalid(Range|Argument)$/),
    });
  },
);

test.each([
  [{ CopySourceIfMatch: '"other"' }, 'PreconditionFailed'],
  [{ CopySourceIfNoneMatch: '*' }, 'PreconditionFailed'],
  [{ CopySourceIfModifiedSince: new Date(Date.now() - 1000) }, undefined],
  [{ CopySourceIfUnmodifiedSince: new Date('2020-01-01') }, 'PreconditionFailed'],
  [{ CopySourceIfMatch: createHash('md5').update(BODY).digest('hex') }, undefined],
] as const)('UploadPartCopy with %j is %s', async (condition, code) => {
  const { upload, CopySource } = await openUpload({ body: BODY });
  const copied = copyPart(upload, { CopySource, ...condition });
  if (code === undefined) await copied;
  else await expect(copied).rejects.toMatchObject({ name: code, $metadata: { httpStatusCode: 412 } });
});

test('UploadPartCopy of what is not there says what is missing', async () => {
  const { upload, CopySource, source } = await openUpload({ body: BODY });
  const wrong = [
    [{ CopySource: `${source.Bucket}/nothing` }, 'NoSuchKey'],
    [{ CopySource: 'no-such-bucket/key' }, 'NoSuchBucket'],
    [{ CopySource, UploadId: 'never-made' }, 'NoSuchUpload'],
    [{ CopySource, Key: 'another key' }, 'NoSuchUpload'],
    [{ CopySource, PartNumber: 10_001 }, 'InvalidArgument'],
    [{ CopySource: 'no-slash' }, 'InvalidArgument'],
  ] as const;
  for (const [change, name] of wrong) {
    await expect(copyPart(upload, change)).rejects.toMatchObject({ name });
  }
});

test('UploadPartCopy composes an object of an older one and new bytes, with one checksum', async () => {
  const { upload, source } = await openUpload({ body: partBytes(PART_BYTES, 1) });
  const head = await copyPart(upload, { CopySource: `${source.Bucket}/${source.Key}` });
  const [tail] = (await sendParts(server.s3, upload, [Buffer.from('head'), Buffer.from('tail')])).slice(1);
  // Part 1 was sent anew above; copy it again over that.
  const again = await copyPart(upload, { CopySource: `${source.Bucket}/${source.Key}` });
  expect(again.ETag).toBe(head.ETag);
  const whole = Buffer.concat([partBytes(PART_BYTES, 1), Buffer.from('tail')]);
  const completed = await complete(server.s3, upload, [
    { PartNumber: 1, ETag: again.ETag },
    { ...tail, PartNumber: 2 },
  ]);
  expect(completed).toMatchObject({ ChecksumType: 'FULL_OBJECT', ChecksumCRC32: checksumOf('CRC32', whole) });
  expect((await readObject(server.s3, upload)).equals(whole)).toBe(true);
});

test('UploadPartCopy can copy a part from a copy of an object', async () => {
  const { upload, source, CopySource } = await openUpload({ body: BODY });
  await server.s3.send(new CopyObjectCommand({ Bucket: source.Bucket, Key: 'copy', CopySource }));
  const part = await copyPart(upload, { CopySource: `${source.Bucket}/copy` });
  await server.s3.send(new DeleteObjectCommand(source));
  await server.s3.send(new DeleteObjectCommand({ Bucket: source.Bucket, Key: 'copy' }));
  await complete(server.s3, upload, [{ PartNumber: 1, ETag: part.ETag }]);
  expect(await readObject(server.s3, upload)).toEqual(BODY);
});

async function openUpload(options: { body: Buffer; algorithm?: 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256' }) {
  const source = { Bucket: await server.makeBucket(), Key: 'source' };
  await server.s3.send(new PutObjectCommand({ ...source, Body: options.body }));
  const target = { Bucket: await server.makeBucket(), Key: 'target' };
  const upload = await createUpload(server.s3, target, options.algorithm && { ChecksumAlgorithm: options.algorithm });
  return { source, upload, CopySource: `${source.Bucket}/${source.Key}` };
}

async function copyPart(
  upload: UploadName,
  options: Partial<UploadPartCopyCommandInput> & { CopySource: string },
): Promise<CopyPartResult> {
  const { CopyPartResult } = await server.s3.send(new UploadPartCopyCommand({ ...upload, PartNumber: 1, ...options }));
  return CopyPartResult ?? {};
}
