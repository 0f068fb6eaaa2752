import { ListPartsCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checksumOf } from '../../src/domain/digests.ts';
import { complete, createUpload, openS3, sendParts, type TestS3 } from './multipart-steps.ts';

let server: TestS3;
beforeAll(async () => {
  server = await openS3();
});
afterAll(() => server[Symbol.asyncDispose]());

test('ListParts shows each part with size, ETag, checksum and time, and whose they are', async () => {
  const { s3 } = server;
  const name = { Bucket: await server.makeBucket(), Key: 'a key & more' };
  const upload = await createUpload(s3, name, { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
  const [part] = await sendParts(s3, upload, [Buffer.from('bytes')]);
  const listed = await s3.send(new ListPartsCommand(upload));
  expect(listed).toMatchObject({
    ...upload,
    StorageClass: 'STANDARD',
    ChecksumAlgorithm: 'CRC32',
    ChecksumType: 'FULL_OBJECT',
    PartNumberMarker: '0',
    NextPartNumberMarker: '1',
    MaxParts: 1000,
    IsTruncated: false,
    Parts: [{ PartNumber: 1, ETag: part?.ETag, Size: 5, ChecksumCRC32: checksumOf('CRC32', Buffer.from('bytes')) }],
  });
  expect(listed.Owner?.ID).toBeTruthy();
  expect(listed.Initiator).toEqual(listed.Owner);
  expect(Math.abs(Date.now() - Number(listed.Parts?.[0]?.LastModified))).toBeLessThan(60_000);
});

test('ListParts pages by number, whatever the order in which the parts came', async () => {
  const { s3 } = server;
  const upload = await openUpload();
  const numbers = [10_000, 3, 1, 200, 20];
  for (const PartNumber of numbers)
    await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: `${PartNumber}` }));
  const pages: unknown[] = [];
  let PartNumberMarker: string | undefined;
  do {
    const page = await s3.send(new ListPartsCommand({ ...upload, MaxParts: 2, PartNumberMarker }));
    pages.push(page.Parts?.map(({ PartNumber }) => PartNumber));
    PartNumberMarker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (PartNumberMarker !== undefined);
  expect(pages).toEqual([[1, 3], [20, 200], [10_000]]);
});

test.each([
  ['of none where none is asked for', { MaxParts: 0 }, undefined, false],
  ['after a marker that is no part', { PartNumberMarker: '2' }, [3], false],
  ['after the last part', { PartNumberMarker: '10000' }, undefined, false],
  ['that is full and not truncated', { MaxParts: 2 }, [1, 3], false],
  ['of at most 1,000 although more are asked for', { MaxParts: 100_000 }, [1, 3], false],
] as const)('ListParts gives a page %s', async (_, range, numbers, isTruncated) => {
  const { s3 } = server;
  const upload = await openUpload();
  for (const PartNumber of [1, 3]) await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: 'part' }));
  const page = await s3.send(new ListPartsCommand({ ...upload, ...range }));
  expect(page.Parts?.map(({ PartNumber }) => PartNumber)).toEqual(numbers);
  expect(page.IsTruncated).toBe(isTruncated);
});

test.each([{ MaxParts: -1 }, { PartNumberMarker: '-1' }, { PartNumberMarker: 'one' }])(
  'ListParts refuses %j',
  async (range) => {
    const upload = await openUpload();
    await expect(server.s3.send(new ListPartsCommand({ ...upload, ...range }))).rejects.toMatchObject({
      name: 'InvalidArgument',
    });
  },
);

test('ListParts of a completed upload, of another key, or of an id that never was, is NoSuchUpload', async () => {
  const { s3 } = server;
  const upload = await openUpload();
  await complete(s3, upload, await sendParts(s3, upload, [Buffer.from('bytes')]));
  const open = await createUpload(s3, { Bucket: upload.Bucket, Key: 'another' });
  for (const name of [upload, { ...open, Key: upload.Key }, { ...open, UploadId: 'never-made' }]) {
    await expect(s3.send(new ListPartsCommand(name))).rejects.toMatchObject({ name: 'NoSuchUpload' });
  }
});

async function openUpload() {
  return createUpload(server.s3, { Bucket: await server.makeBucket(), Key: 'key' });
}
