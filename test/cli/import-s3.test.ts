import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const PART_BYTES = 5 * 1024 ** 2;
const ODD_KEYS = [
  'a b',
  'a+b',
  'a//b/',
  '/first',
  '100%',
  '%2F',
  'ä/日本/\u{1f600}',
  "!'()*&=?#",
  './../x',
  'tab\tnew\nline',
];

let parent: TempDir;
let source: TestServer;
let target: string;
beforeEach(async () => {
  parent = await makeTempDir();
  source = await startTestServer();
  target = join(parent.path, 'to');
});
afterEach(async () => {
  await source.close();
  await parent[Symbol.asyncDispose]();
});

test('import brings headers, metadata, tags, time, ETag and parts, and later only what changed', async () => {
  const bucket = await source.newBucket();
  const put = (Key: string, Body: string | Buffer) =>
    source.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  await source.client.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: 'whole',
      Body: Buffer.alloc(300_000, 'whole'),
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      ContentEncoding: 'br',
      Metadata: { colour: 'blue' },
      Tagging: 'b=2&a=1',
    }),
  );
  await put('empty', '');
  const bytes = await putParts(bucket, 'parts');
  for (const key of ODD_KEYS) await put(key, `body of ${key}`);
  const first = await importFrom(`s3://${bucket}`);
  expect(first).toMatchObject({ stderr: '', code: 0 });
  expect(first.stdout).toMatch(/^imported: 1 bucket, 13 objects of \d+ bytes copied, 0 the same, 0 problems\n$/);
  await put('empty', 'no more');
  const again = await importFrom(`s3://${bucket}`, '--json');
  expect(again.code).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({
    kind: 'imported',
    copiedObjects: 1,
    copiedBytes: 7,
    sameObjects: 12,
  });

  expect(await runPithos(['fsck', target, '--deep'])).toMatchObject({ code: 0 });
  await using server = await startServeProcess({ directory: target });
  const client = clientOf(server);
  for (const key of ['whole', 'parts', 'empty', ...ODD_KEYS]) {
    const at = { Bucket: bucket, Key: key };
    expect(await headOf(client, at)).toEqual(await headOf(source.client, at));
  }
  const tags = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: 'whole' }));
  expect(tags.TagSet).toEqual([
    { Key: 'a', Value: '1' },
    { Key: 'b', Value: '2' },
  ]);
  expect(await bodyOf(client, { Bucket: bucket, Key: 'parts' })).toEqual(bytes);
  const part = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'parts', PartNumber: 2 }));
  expect(part).toMatchObject({ ContentLength: 4, PartsCount: 2 });
  expect(`${await bodyOf(client, { Bucket: bucket, Key: '%2F' })}`).toBe('body of %2F');
});

test('import reads a bucket of more than a page, under another name, and a prefix alone', async () => {
  const bucket = await source.newBucket();
  const keys = Array.from({ length: 1_100 }, (_, index) => `${index % 2 === 0 ? 'even' : 'odd'}/${index}`);
  for (let index = 0; index < keys.length; index += 50) {
    await Promise.all(
      keys
        .slice(index, index + 50)
        .map((Key) => source.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }))),
    );
  }
  const odd = await importFrom(`s3://${bucket}/odd/`, '--bucket', 'renamed');
  expect(odd.stdout).toContain('550 objects');
  const all = await importFrom('s3://', '--parallel', '64');
  expect(all).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('1 bucket, 1100 objects') });
  const rest = await importFrom(`s3://${bucket}`, '--bucket', 'renamed');
  const bytes = keys.filter((key) => key.startsWith('even')).join('').length;
  expect(rest.stdout).toContain(`550 objects of ${bytes} bytes copied, 550 the same`);
});

test('import goes on where a connection was cut', async () => {
  const bucket = await source.newBucket();
  const body = randomBytes(48 * 1024 ** 2);
  await source.client.send(new PutObjectCommand({ Bucket: bucket, Key: 'large', Body: body }));
  await using proxy = await TcpProxy.start(new URL(source.endpoint).host);
  const running = importFrom(`s3://${bucket}`, '--endpoint', `http://${proxy.address}`);
  const ended = running.then(() => 'ended' as const);
  let cutsCount = 0;
  while (cutsCount < 3 && (await Promise.race([ended, proxy.passed(4 * 1024 ** 2)])) !== 'ended') {
    await proxy.cut();
    await proxy.mend();
    cutsCount += 1;
  }
  expect(await running).toMatchObject({ code: 0, stderr: '' });
  expect(cutsCount).toBe(3);
  await using server = await startServeProcess({ directory: target });
  const copied = await bodyOf(clientOf(server), { Bucket: bucket, Key: 'large' });
  expect(createHash('md5').update(copied).digest('hex')).toBe(createHash('md5').update(body).digest('hex'));
});

test('import tells what it cannot bring, brings the rest, and prints no secret', async () => {
  const bucket = await source.newBucket();
  await source.client.send(new PutObjectCommand({ Bucket: bucket, Key: 'here', Body: 'here' }));
  const missing = await importFrom('s3://not-there');
  expect(missing).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('s3://not-there: The source answered 404'),
  });
  const others = await importFrom(`s3://${bucket}`, '--tenant', 'somebody');
  expect(others.code).toBe(0);
  const refused = await importFrom(`s3://${bucket}`);
  expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('belongs to somebody') });
  const badKey = await runPithos(argsOf('s3://'), {
    SOURCE_ACCESS_KEY_ID: 'NOBODY',
    SOURCE_SECRET_ACCESS_KEY: 'hush-hush',
  });
  expect(badKey).toMatchObject({ code: 2, stderr: expect.stringContaining('403 InvalidAccessKeyId') });
  expect(badKey.stderr + badKey.stdout).not.toContain('hush-hush');
  const noKey = await runPithos(argsOf('s3://'));
  expect(noKey).toMatchObject({ code: 2, stderr: expect.stringContaining('SOURCE_ACCESS_KEY_ID') });
});

test.each([
  ['a source that is none', ['photos'], 's3://BUCKET'],
  ['an endpoint that is none', ['s3://b', '--endpoint', 'localhost:9000'], '--endpoint is a URL'],
  ['a new name for all buckets', ['s3://', '--bucket', 'b00'], '--bucket names one bucket'],
  ['a name that no bucket may have', ['s3://b', '--bucket', 'B'], '--bucket B'],
  ['no parallel work', ['s3://b', '--parallel', '0'], '--parallel is a number'],
])('import refuses %s', async (_, args, message) => {
  expect(await importFrom(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

/** Two parts, the second of 4 bytes. */
async function putParts(bucket: string, Key: string): Promise<Buffer> {
  const at = { Bucket: bucket, Key };
  const { UploadId } = await source.client.send(new CreateMultipartUploadCommand(at));
  const bodies = [Buffer.alloc(PART_BYTES, 1), Buffer.from('tail')];
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1;
    const { ETag } = await source.client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  }
  await source.client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
  return Buffer.concat(bodies);
}

function argsOf(...args: readonly string[]): readonly string[] {
  return ['import', ...args.slice(0, 1), target, '--endpoint', source.endpoint, ...args.slice(1)];
}

async function importFrom(...args: readonly string[]) {
  const { accessKeyId, secretAccessKey } = source.credentials;
  return await runPithos(argsOf(...args), { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
}

async function headOf(client: S3Client, at: { readonly Bucket: string; readonly Key: string }) {
  const { $metadata, ...head } = await client.send(new HeadObjectCommand(at));
  return head;
}

async function bodyOf(client: S3Client, at: { readonly Bucket: string; readonly Key: string }): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand(at));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

function clientOf({ endpoint, keys }: ServeProcess): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials: keys, forcePathStyle: true });
}
