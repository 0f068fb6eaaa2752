import { readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const BLOB_BYTES = 100_000;

let parent: TempDir;
let directory: string;
beforeEach(async () => {
  parent = await makeTempDir();
  directory = join(parent.path, 'data');
});
afterEach(() => parent[Symbol.asyncDispose]());

async function putObjects({ endpoint, keys }: ServeProcess): Promise<void> {
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials: keys, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'checked' }));
  await client.send(new PutObjectCommand({ Bucket: 'checked', Key: 'small', Body: 'inline' }));
  await client.send(new PutObjectCommand({ Bucket: 'checked', Key: 'large', Body: Buffer.alloc(BLOB_BYTES, 7) }));
}

/** The files of all blobs. */
async function blobFiles(): Promise<string[]> {
  const entries = await readdir(join(directory, 'blobs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('fsck finds whole stores clean, beside a running server and after it', async () => {
  {
    await using server = await startServeProcess({ directory });
    await putObjects(server);
    const beside = await runPithos(['fsck', directory, '--deep']);
    expect(beside).toEqual({ code: 0, stdout: `clean: 2 versions, 1 blob of ${BLOB_BYTES} bytes\n`, stderr: '' });
  }
  expect((await runPithos(['fsck', directory])).code).toBe(0);
});

test.each([
  ['that is gone', (file: string) => rm(file)],
  ['that is too short', (file: string) => truncate(file, BLOB_BYTES / 2)],
])('fsck tells of a blob %s', async (_, damage) => {
  {
    await using server = await startServeProcess({ directory });
    await putObjects(server);
  }
  const [file = ''] = await blobFiles();
  await damage(file);
  const ended = await runPithos(['fsck', directory]);
  expect(ended.code).toBe(1);
  expect(ended.stdout).toMatch(/^Region us-east-1: Blob [0-9a-f]{32} .*\n1 problem: 2 versions, /);
});

test('fsck could not run where there is no data', async () => {
  const ended = await runPithos(['fsck', directory]);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toMatch(/^pithos: .* is no data directory of Pithos: .*\n$/);
});
