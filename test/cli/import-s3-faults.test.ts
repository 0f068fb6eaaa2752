import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Relayed, startHttpRelay } from '../support/http-relay.ts';
import { startServeProcess } from '../support/serve-process.ts';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { type Ended, runPithos } from './run-pithos.ts';

const SLOW_DOWN = { status: 503, body: '<Error><Code>SlowDown</Code><Message>Later</Message></Error>' };
const MIDDLE_BYTE = 150_000;

let parent: TempDir;
let source: TestServer;
let target: string;
let bucket: string;
beforeEach(async () => {
  parent = await makeTempDir();
  source = await startTestServer();
  target = join(parent.path, 'to');
  bucket = await source.newBucket();
});
afterEach(async () => {
  await source.close();
  await parent[Symbol.asyncDispose]();
});

test('import asks again where the source is too busy', async () => {
  await put('a', 'of a');
  const asked = new Map<string, number>();
  const ended = await importThrough(({ url }) => {
    const count = (asked.get(url) ?? 0) + 1;
    asked.set(url, count);
    return count <= 2 ? SLOW_DOWN : 'pass';
  });
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('1 object of 4 bytes copied') });
  expect([...asked.values()]).toEqual([3, 3]);
});

test('import leaves out a body that is not what its ETag says, and brings the rest', async () => {
  for (const key of ['a', 'bad', 'c']) await put(key, 'x'.repeat(2 * MIDDLE_BYTE));
  const flip = (body: Buffer) => body.fill(0, MIDDLE_BYTE, MIDDLE_BYTE + 1);
  const decide = ({ url }: { url: string }): Relayed => (url.endsWith('/bad') ? { change: flip } : 'pass');
  const ended = await importThrough(decide);
  expect(ended.code).toBe(1);
  expect(ended.stdout).toContain(`s3://${bucket}/bad: Its bytes do not have the MD5`);
  expect(ended.stdout).toContain('2 objects of 600000 bytes copied, 0 the same, 1 problem');
  expect(await listed()).toEqual(['a', 'c']);
  expect(await importThrough(() => 'pass')).toMatchObject({ code: 0, stdout: expect.stringContaining('1 object of') });
  expect(await listed()).toEqual(['a', 'bad', 'c']);
  expect(await runPithos(['fsck', target, '--deep'])).toMatchObject({ code: 0 });
});

test('import keeps the ETag of an upload whose parts the source does not tell', async () => {
  await putParts('parts');
  const decide = (): Relayed => ({ without: 'x-amz-mp-parts-count' });
  expect(await importThrough(decide)).toMatchObject({ code: 0, stdout: expect.stringContaining('1 object of') });
  expect(await importThrough(decide)).toMatchObject({ code: 0, stdout: expect.stringContaining('1 the same') });
});

test('import leaves out an upload whose parts do not give its ETag', async () => {
  await putParts('parts');
  const flip = (body: Buffer) => body.fill(0, 0, 1);
  const ended = await importThrough(({ method, url }) =>
    method === 'GET' && url.endsWith('/parts') ? { change: flip } : 'pass',
  );
  expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('Its parts give the ETag') });
  expect(await listed()).toEqual([]);
});

test('import passes over an object that was deleted after it was listed', async () => {
  await put('a', 'of a');
  await put('gone', 'of gone');
  const missing = { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' };
  const ended = await importThrough(({ url }) => (url.endsWith('/gone') ? missing : 'pass'));
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('1 object of 4 bytes copied') });
});

test('import reads the listing of a server that knows the first version alone', async () => {
  await put('a b', '1');
  await put('c', '2');
  const pageOf = (key: string, isTruncated: boolean): Relayed => ({
    status: 200,
    body: `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated><Contents><Key>${key}</Key><Size>1</Size><ETag>"x"</ETag><LastModified>2020-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>`,
  });
  const ended = await importThrough(({ url }) => {
    if (!url.includes('?')) return 'pass';
    return url.includes('marker=a%20b') ? pageOf('c', false) : pageOf('a b', true);
  });
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('2 objects of 2 bytes copied') });
});

test('import tells a listing that does not go on, or is none', async () => {
  const stalled = { status: 200, body: '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>' };
  expect(await importThrough(() => stalled)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('does not go on'),
  });
  const page = { status: 200, body: '<html><br></html>' };
  expect(await importThrough(() => page)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('is none of S3'),
  });
});

async function importThrough(decide: Parameters<typeof startHttpRelay>[1]): Promise<Ended> {
  await using relay = await startHttpRelay(source.endpoint, decide);
  const { accessKeyId, secretAccessKey } = source.credentials;
  return await runPithos(['import', `s3://${bucket}`, target, '--endpoint', relay.endpoint], {
    SOURCE_ACCESS_KEY_ID: accessKeyId,
    SOURCE_SECRET_ACCESS_KEY: secretAccessKey,
  });
}

async function put(Key: string, Body: string): Promise<void> {
  await source.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
}

async function putParts(Key: string): Promise<void> {
  const at = { Bucket: bucket, Key };
  const { UploadId } = await source.client.send(new CreateMultipartUploadCommand(at));
  const { ETag } = await source.client.send(
    new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'the only part' }),
  );
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  await source.client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }));
}

/** The keys that the target has. */
async function listed(): Promise<readonly (string | undefined)[]> {
  await using server = await startServeProcess({ directory: target, workers: 1 });
  const { endpoint, keys } = server;
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials: keys, forcePathStyle: true });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key }) => Key);
}
