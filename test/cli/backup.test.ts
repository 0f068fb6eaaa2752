import { appendFile, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDataDirectory } from '../../src/data-directory.ts';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const BLOB_BYTES = 600_000;
const Bucket = 'kept';

let parent: TempDir;
let data: string;
let target: string;
let restored: string;
beforeEach(async () => {
  parent = await makeTempDir();
  data = join(parent.path, 'data');
  target = join(parent.path, 'backup');
  restored = join(parent.path, 'restored');
});
afterEach(() => parent[Symbol.asyncDispose]());

function clientOf({ endpoint, keys }: ServeProcess): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials: keys, forcePathStyle: true });
}

async function put(client: S3Client, key: string, sizeBytes = BLOB_BYTES): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key: key, Body: Buffer.alloc(sizeBytes, `${key} `) }));
}

/** Whether the key holds what `put` gave it. */
async function holds(client: S3Client, key: string, sizeBytes = BLOB_BYTES): Promise<boolean> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []).equals(Buffer.alloc(sizeBytes, `${key} `));
}

/** Two blobs, an inline body, and an upload with a part. */
async function fill(client: S3Client): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket }));
  await put(client, 'large');
  await put(client, 'other');
  await put(client, 'small', 100);
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'in parts' }));
  const Body = Buffer.alloc(BLOB_BYTES, 'part ');
  await client.send(new UploadPartCommand({ Bucket, Key: 'in parts', UploadId, PartNumber: 1, Body }));
}

/** The files of all blobs of a data directory or a backup. */
async function blobFiles(directory: string): Promise<string[]> {
  const entries = await readdir(join(directory, 'blobs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Changes one byte in the middle of a file. */
async function spoil(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  const { size } = await file.stat();
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, Math.floor(size / 2));
  await file.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, Math.floor(size / 2));
}

async function fillWithoutServer(): Promise<void> {
  await using server = await startServeProcess({ directory: data });
  await fill(clientOf(server));
}

test('a backup beside a running server is restored, byte for byte, with its keys and uploads', async () => {
  {
    await using server = await startServeProcess({ directory: data });
    await fill(clientOf(server));
    const keys = await runPithos(['keys', 'create', data, '--tenant', 'someone']);
    expect(await runPithos(['backup', target, data])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^whole: 3 blobs of 1800000 bytes, of which 3 blobs of 1800000 bytes copied; /),
    });
    await put(clientOf(server), 'later');
    const ended = await runPithos(['restore', target, restored]);
    expect(ended).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^whole: 3 blobs of 1800000 bytes, as of \d{4}-.*Z\n$/),
      stderr: '',
    });
    const [id = ''] = keys.stdout.split(' ');
    expect((await runPithos(['keys', 'list', restored])).stdout).toContain(id);
  }
  expect((await runPithos(['fsck', '--deep', restored])).stdout).toBe('clean: 3 versions, 3 blobs of 1800000 bytes\n');
  await using server = await startServeProcess({ directory: restored });
  const client = clientOf(server);
  expect([await holds(client, 'large'), await holds(client, 'other'), await holds(client, 'small', 100)]).toEqual([
    true,
    true,
    true,
  ]);
  await expect(holds(client, 'later')).rejects.toMatchObject({ name: 'NoSuchKey' });
});

test('a backup is for nobody but its user', async () => {
  await fillWithoutServer();
  await runPithos(['backup', target, data]);
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  const modes = await Promise.all(
    [target, ...entries.map((entry) => join(entry.parentPath, entry.name))].map(
      async (path) => (await stat(path)).mode,
    ),
  );
  expect(modes.filter((mode) => (mode & 0o077) !== 0)).toEqual([]);
});

test('blobs may lie in a directory of their own, and metadata in one', async () => {
  const [blobs, newBlobs] = [join(parent.path, 'blobs'), join(parent.path, 'new-blobs')];
  const file = join(parent.path, 'pithos.yaml');
  const configure = (metadata: string, blobPath: string, bucketPath = metadata) =>
    writeFile(
      file,
      JSON.stringify({
        options: { 'data-directory': metadata },
        bucketstore: { path: bucketPath },
        regions: { 'us-east-1': { 'storage-classes': { standard: { path: blobPath } } } },
      }),
    );
  await configure(data, blobs);
  {
    await using server = await startServeProcess({ directory: data, args: ['--config', file] });
    await fill(clientOf(server));
  }
  expect(await runPithos(['backup', target, '--config', file])).toMatchObject({ code: 0, stderr: '' });
  await configure(restored, newBlobs);
  expect(await runPithos(['restore', target, '--config', file])).toMatchObject({ code: 0, stderr: '' });
  expect(await blobFiles(newBlobs)).toHaveLength(3);
  expect(await runPithos(['fsck', '--deep', '--config', file])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^clean: 3 versions, 3 blobs /),
  });
  await configure(data, blobs, restored);
  expect(await runPithos(['backup', target, '--config', file])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('which have no moment in common'),
  });
});

test('a second backup copies what is new, and forgets what is gone', async () => {
  await using server = await startServeProcess({ directory: data });
  const client = clientOf(server);
  await fill(client);
  await runPithos(['backup', target, data]);
  await put(client, 'later');
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'large' }));
  expect((await runPithos(['backup', target, data])).stdout).toMatch(
    /^whole: 3 blobs of 1800000 bytes, of which 1 blob of 600000 bytes copied; /,
  );
  expect(await blobFiles(target)).toHaveLength(3);
  expect((await readdir(target)).filter((name) => name.endsWith('.mdb'))).toHaveLength(1);
  await runPithos(['restore', target, restored]);
  expect((await runPithos(['fsck', '--deep', restored])).stdout).toMatch(/^clean: 3 versions, 3 blobs /);
});

test('a damaged blob of a backup is told and left out by restore, and copied anew by a deep backup', async () => {
  await fillWithoutServer();
  await runPithos(['backup', target, data]);
  const [file = ''] = await blobFiles(target);
  await spoil(file);
  const ended = await runPithos(['restore', target, restored]);
  expect(ended).toMatchObject({ code: 1, stdout: expect.stringMatching(/^Region us-east-1: Blob .*\n1 problem: /) });
  expect((await runPithos(['fsck', restored])).code).toBe(1);
  expect((await runPithos(['backup', target, data])).stdout).toMatch(/ 0 blobs of 0 bytes copied; /);
  expect((await runPithos(['backup', '--deep', target, data])).stdout).toMatch(/ 1 blob of 600000 bytes copied; /);
  await rm(restored, { recursive: true });
  expect((await runPithos(['restore', target, restored])).code).toBe(0);
});

test('a damaged blob of the data directory is told, and all else is backed up', async () => {
  await fillWithoutServer();
  const [file = ''] = await blobFiles(data);
  await spoil(file);
  const ended = await runPithos(['backup', target, data]);
  expect(ended).toMatchObject({ code: 1, stdout: expect.stringMatching(/^Region us-east-1: Blob .*\n1 problem: /) });
  expect(await blobFiles(target)).toHaveLength(2);
  expect(JSON.parse(await readFile(join(target, 'complete.json'), 'utf8'))).toMatchObject({ damagedBlobs: 1 });
});

test.each([
  ['metadata are not what was written', async (file: string) => await spoil(file), /is not what was written/],
  ['metadata are too long', async (file: string) => await appendFile(file, 'x'), /is not what was written/],
  ['metadata are gone', async (file: string) => await rm(file), /is missing/],
])('a backup whose %s makes no data directory', async (_, damage, sentence) => {
  await fillWithoutServer();
  await runPithos(['backup', target, data]);
  const name = (await readdir(target)).find((each) => each.endsWith('.mdb')) ?? '';
  await damage(join(target, name));
  expect(await runPithos(['restore', target, restored])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(sentence),
  });
  expect(await runPithos(['fsck', restored])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is no data directory of Pithos'),
  });
});

test('no server takes what a restore has begun', async () => {
  await fillWithoutServer();
  await runPithos(['backup', target, data]);
  const name = (await readdir(target)).find((each) => each.endsWith('.mdb')) ?? '';
  await spoil(join(target, name));
  await runPithos(['restore', target, restored]);
  const served = await runPithos(['serve', restored, '--port', '0', '--admin-port', 'off']);
  expect(served).toMatchObject({ code: 2, stderr: expect.stringContaining('is no data directory of Pithos') });
});

test('a target takes one backup at a time, and no restore beside it', async () => {
  await fillWithoutServer();
  await runPithos(['backup', target, data]);
  {
    await using _ = await lockDataDirectory(target, { user: 'backup' });
    for (const args of [
      ['backup', target, data],
      ['restore', target, restored],
    ]) {
      const sentence = `is in use by the backup with process id ${process.pid}`;
      expect(await runPithos(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(sentence) });
    }
  }
  expect(await runPithos(['restore', target, restored])).toMatchObject({ code: 0 });
});

test('restore makes new directories only, and of backups only', async () => {
  await fillWithoutServer();
  await runPithos(['backup', target, data]);
  await mkdir(restored);
  await writeFile(join(restored, 'mine'), '');
  for (const [args, sentence] of [
    [[target, restored], 'is not empty: name a new directory.'],
    [[target, data], 'is not empty: name a new directory.'],
    [[data, join(parent.path, 'new')], 'has no whole backup'],
    [[join(parent.path, 'nothing'), join(parent.path, 'new')], 'has no whole backup'],
  ] as const) {
    expect(await runPithos(['restore', ...args])).toMatchObject({ code: 2, stderr: expect.stringContaining(sentence) });
  }
  expect(await readdir(restored)).toEqual(['mine']);
  expect(await readdir(parent.path)).not.toContain('new');
});

test('backup takes data directories only, and keeps them apart', async () => {
  await fillWithoutServer();
  await mkdir(restored);
  await writeFile(join(restored, 'mine'), '');
  for (const [args, sentence] of [
    [[target, restored], 'is no data directory of Pithos'],
    [[restored, data], 'is not empty and has no backup'],
    [[data, target], 'is no data directory of Pithos'],
    [[join(data, 'backup'), data], 'lie in each other'],
    [[parent.path, data], 'lie in each other'],
    [[target, '--cassandra', '127.0.0.1'], '`nodetool snapshot` on every node backs them up'],
  ] as const) {
    expect(await runPithos(['backup', ...args])).toMatchObject({ code: 2, stderr: expect.stringContaining(sentence) });
  }
});
