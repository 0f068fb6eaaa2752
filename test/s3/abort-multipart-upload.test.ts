import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complete, createUpload, openS3, readObject, sendParts, type TestS3 } from './multipart-steps.ts';

let server: TestS3;
beforeAll(async () => {
  server = await openS3();
});
afterAll(() => server[Symbol.asyncDispose]());

test('AbortMultipartUpload drops the upload and its parts', async () => {
  const { s3 } = server;
  const upload = await openUpload();
  const parts = await sendParts(s3, upload, [Buffer.from('bytes')]);
  const { $metadata } = await s3.send(new AbortMultipartUploadCommand(upload));
  expect($metadata.httpStatusCode).toBe(204);
  const noSuchUpload = { name: 'NoSuchUpload', $metadata: { httpStatusCode: 404 } };
  await expect(s3.send(new ListPartsCommand(upload))).rejects.toMatchObject(noSuchUpload);
  await expect(complete(s3, upload, parts)).rejects.toMatchObject(noSuchUpload);
  await expect(s3.send(new AbortMultipartUploadCommand(upload))).rejects.toMatchObject(noSuchUpload);
  expect((await s3.send(new ListMultipartUploadsCommand({ Bucket: upload.Bucket }))).Uploads).toBeUndefined();
});

test('AbortMultipartUpload leaves other uploads of the key alone', async () => {
  const { s3 } = server;
  const upload = await openUpload();
  const other = await createUpload(s3, { Bucket: upload.Bucket, Key: upload.Key });
  const parts = await sendParts(s3, other, [Buffer.from('bytes')]);
  await s3.send(new AbortMultipartUploadCommand(upload));
  await complete(s3, other, parts);
  expect(await readObject(s3, other)).toEqual(Buffer.from('bytes'));
});

test('AbortMultipartUpload of a completed upload is NoSuchUpload and leaves the object alone', async () => {
  const { s3 } = server;
  const upload = await openUpload();
  await complete(s3, upload, await sendParts(s3, upload, [Buffer.from('bytes')]));
  await expect(s3.send(new AbortMultipartUploadCommand(upload))).rejects.toMatchObject({ name: 'NoSuchUpload' });
  expect(await readObject(s3, upload)).toEqual(Buffer.from('bytes'));
});

test.each(['another key', 'another bucket', 'an id that never was'])(
  'AbortMultipartUpload for %s is NoSuchUpload',
  async (what) => {
    const { s3 } = server;
    const upload = await openUpload();
    const stranger = {
      'another key': { ...upload, Key: 'another key' },
      'another bucket': { ...upload, Bucket: await server.makeBucket() },
      'an id that never was': { ...upload, UploadId: '56788' },
    }[what];
    await expect(s3.send(new AbortMultipartUploadCommand(stranger ?? upload))).rejects.toMatchObject({
      name: 'NoSuchUpload',
    });
    await s3.send(new ListPartsCommand(upload));
  },
);

test('AbortMultipartUpload refuses a condition on the time of initiation', async () => {
  const upload = await openUpload();
  const command = new AbortMultipartUploadCommand({ ...upload, IfMatchInitiatedTime: new Date() });
  await expect(server.s3.send(command)).rejects.toMatchObject({ name: 'NotImplemented' });
  await server.s3.send(new ListPartsCommand(upload));
});

async function openUpload() {
  return createUpload(server.s3, { Bucket: await server.makeBucket(), Key: 'key' });
}
