import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const TAGS = [
  { Key: 'done', Value: '' },
  { Key: 'for whom', Value: 'größe + co' },
];
const HEADER = 'for+whom=gr%C3%B6%C3%9Fe%20%2B%20co&done';

test('GetObjectTagging shows the tags that came with the object, by key, and GET and HEAD how many', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await server.client.send(new PutObjectCommand({ ...name, Tagging: HEADER }));
  expect((await server.client.send(new GetObjectTaggingCommand(name))).TagSet).toEqual(TAGS);
  expect((await server.client.send(new GetObjectCommand(name))).TagCount).toBe(2);
  expect((await server.client.send(new HeadObjectCommand(name))).TagCount).toBe(2);
});

test('GetObjectTagging shows no tags of an object without, and GET does not speak of them', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await expect(server.client.send(new GetObjectTaggingCommand(name))).rejects.toMatchObject({ name: 'NoSuchKey' });
  await server.client.send(new PutObjectCommand(name));
  expect((await server.client.send(new GetObjectTaggingCommand(name))).TagSet).toEqual([]);
  expect((await server.client.send(new GetObjectCommand(name))).TagCount).toBeUndefined();
});

test('an upload has the tags that it was opened with', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const { UploadId } = await server.client.send(new CreateMultipartUploadCommand({ ...name, Tagging: HEADER }));
  const part = await server.client.send(new UploadPartCommand({ ...name, UploadId, PartNumber: 1, Body: 'part' }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
  await server.client.send(new CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload }));
  expect((await server.client.send(new GetObjectTaggingCommand(name))).TagSet).toEqual(TAGS);
});

test('a copy has the tags of its source, unless they are replaced', async () => {
  const Bucket = await server.newBucket();
  await server.client.send(new PutObjectCommand({ Bucket, Key: 'source', Tagging: HEADER }));
  const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/source` };
  const tags = async () =>
    (await server.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'copy' }))).TagSet?.map(({ Key }) => Key);
  await server.client.send(new CopyObjectCommand(copy));
  expect(await tags()).toEqual(['done', 'for whom']);
  await server.client.send(new CopyObjectCommand({ ...copy, TaggingDirective: 'REPLACE', Tagging: 'new=1' }));
  expect(await tags()).toEqual(['new']);
  await server.client.send(new CopyObjectCommand({ ...copy, TaggingDirective: 'REPLACE' }));
  expect(await tags()).toEqual([]);
});

test.each([
  ['a=1&a=2', 'InvalidTag'],
  ['=1', 'InvalidTag'],
  ['aws:a=1', 'InvalidTag'],
  ['a=%ff', 'InvalidArgument'],
  ['a=%3C', 'InvalidTag'],
  [Array.from({ length: 11 }, (_, index) => `k${index}=v`).join('&'), 'InvalidTag'],
  [`${'k'.repeat(129)}=v`, 'InvalidTag'],
  [`k=${'v'.repeat(257)}`, 'InvalidTag'],
])('PutObject refuses the tags %.40s', async (Tagging, code) => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const put = server.client.send(new PutObjectCommand({ ...name, Tagging }));
  await expect(put).rejects.toMatchObject({ name: code, $metadata: { httpStatusCode: 400 } });
  await expect(server.client.send(new HeadObjectCommand(name))).rejects.toMatchObject({ name: 'NotFound' });
});
