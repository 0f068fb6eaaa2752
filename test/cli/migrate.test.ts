import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const PART_BYTES = 5 * 1024 ** 2;
const LARGE = Buffer.alloc(300_000, 'large');

let parent: TempDir;
let args: readonly string[];
beforeEach(async () => {
  parent = await makeTempDir();
  for (const side of ['from', 'to']) {
    await writeFile(placeOf(`${side}.yaml`), `options:\n  data-directory: ${placeOf(side)}\n`);
  }
  args = ['migrate', '--from', placeOf('from.yaml'), '--to', placeOf('to.yaml')];
});
afterEach(() => parent[Symbol.asyncDispose]());

test('migrate brings over keys, buckets, versions in order, uploads and tags, and then only what is new', async () => {
  let listedBefore: readonly string[];
  {
    await using server = await startServeProcess({ directory: placeOf('from') });
    const client = clientOf(server);
    await fill(client);
    listedBefore = await listed(client);
    await runPithos(['keys', 'create', placeOf('from'), '--tenant', 'mover', '--member-of', 'staff']);
    const first = await runPithos(args);
    expect(first.stderr).toBe('');
    expect(first.stdout).toMatch(/6 versions of \d+ bytes copied, 0 the same, 0 removed, 1 open upload left behind/);
    expect(first.code).toBe(0);
    const again = await runPithos(args);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toMatch(/0 versions of 0 bytes copied, 6 the same/);
    await client.send(new PutObjectCommand({ Bucket: 'plain', Key: 'large', Body: 'short now' }));
    await client.send(new DeleteObjectCommand({ Bucket: 'plain', Key: 'small' }));
    await client.send(
      new PutObjectTaggingCommand({ Bucket: 'plain', Key: 'parts', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
    );
    const compared = await runPithos([...args, '--compare']);
    expect(compared.code).toBe(1);
    expect(compared.stdout).toContain('s3://plain/large: the target has 1 versions, and not the same.');
    const last = await runPithos([...args, '--json']);
    expect(last.code).toBe(0);
    expect(JSON.parse(last.stdout.split('\n')[0] ?? '')).toMatchObject({
      kind: 'copied',
      copiedVersions: 1,
      removedVersions: 1,
    });
  }
  expect(await runPithos(['fsck', placeOf('to'), '--deep'])).toMatchObject({ code: 0 });
  const [keysOfSource, keysOfTarget] = await Promise.all(
    ['from', 'to'].map((side) => runPithos(['keys', 'list', placeOf(side), '--show-secrets'])),
  );
  expect(keysOfTarget?.stdout).toContain('tenant=mover  member-of=staff');
  expect(keysOfTarget).toEqual(keysOfSource);
  await using server = await startServeProcess({ directory: placeOf('to') });
  const client = clientOf(server);
  expect(await listed(client)).toEqual(listedBefore);
  expect(await bodyOf(client, { Bucket: 'plain', Key: 'large' })).toBe('short now');
  const parts = await client.send(new HeadObjectCommand({ Bucket: 'plain', Key: 'parts', PartNumber: 2 }));
  expect(parts).toMatchObject({ ContentLength: 4, PartsCount: 2, Metadata: { colour: 'blue' } });
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: 'plain', Key: 'parts' }));
  expect(TagSet).toEqual([{ Key: 'a', Value: 'b' }]);
});

test('migrate leaves a bucket alone that the target has made itself, and says so', async () => {
  for (const side of ['from', 'to']) {
    await using server = await startServeProcess({ directory: placeOf(side) });
    const client = clientOf(server);
    await client.send(new CreateBucketCommand({ Bucket: 'both' }));
    await client.send(new PutObjectCommand({ Bucket: 'both', Key: side, Body: side }));
  }
  const ended = await runPithos(args);
  expect(ended.code).toBe(1);
  expect(ended.stdout).toContain('Bucket both is another one in the target');
  await using server = await startServeProcess({ directory: placeOf('to') });
  expect(await bodyOf(clientOf(server), { Bucket: 'both', Key: 'to' })).toBe('to');
});

test('migrate refuses two configurations of one directory', async () => {
  {
    await using _ = await startServeProcess({ directory: placeOf('from') });
  }
  const ended = await runPithos(['migrate', '--from', placeOf('from.yaml'), '--to', placeOf('from.yaml')]);
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('there is nothing to move') });
});

/** 2 buckets with 6 versions, one of them a delete marker, and an upload that is open. */
async function fill(client: S3Client): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: 'plain' }));
  await client.send(new PutObjectCommand({ Bucket: 'plain', Key: 'small', Body: 'inline' }));
  await client.send(new PutObjectCommand({ Bucket: 'plain', Key: 'large', Body: LARGE }));
  const at = { Bucket: 'plain', Key: 'parts' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...at, Metadata: { colour: 'blue' } }));
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (const [index, Body] of [Buffer.alloc(PART_BYTES, 1), Buffer.from('tail')].entries()) {
    const PartNumber = index + 1;
    const { ETag } = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  }
  await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
  await client.send(new CreateMultipartUploadCommand({ ...at }));
  await client.send(new CreateBucketCommand({ Bucket: 'versioned' }));
  await client.send(new PutObjectCommand({ Bucket: 'versioned', Key: 'k', Body: 'null version' }));
  await client.send(
    new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' } }),
  );
  await client.send(new PutObjectCommand({ Bucket: 'versioned', Key: 'k', Body: 'second' }));
  await client.send(new DeleteObjectCommand({ Bucket: 'versioned', Key: 'k' }));
}

/** What a client sees of the versions, but for their ids. */
async function listed(client: S3Client): Promise<readonly string[]> {
  const { Versions = [], DeleteMarkers = [] } = await client.send(
    new ListObjectVersionsCommand({ Bucket: 'versioned' }),
  );
  return [...Versions, ...DeleteMarkers].map((row) =>
    JSON.stringify({ ...row, VersionId: row.VersionId === 'null' ? 'null' : 'made here' }),
  );
}

async function bodyOf(client: S3Client, at: { readonly Bucket: string; readonly Key: string }): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand(at));
  return (await Body?.transformToString()) ?? '';
}

function clientOf({ endpoint, keys }: ServeProcess): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials: keys, forcePathStyle: true });
}

function placeOf(name: string): string {
  return join(parent.path, name);
}
