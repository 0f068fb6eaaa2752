import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  type CreateBucketConfiguration,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
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
import { type ServeProcess, startServeProcess, withoutUserSettings } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const PART_BYTES = 5 * 1024 ** 2;
const LARGE = Buffer.alloc(300_000, 'large');
const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const LARGE_KEYS = 100;
const SMALL_KEYS = 1_000;
const VERSIONS = 1_001;
const PUTS_AT_ONCE = 16;
/** Keys that a run copies at one time. */
const KEYS_AT_ONCE = 8;
const BLOB_ID = /[0-9a-f]{32}/;
/** Some 2,100 puts, and two runs. */
const PAGES_TIMEOUT_MS = 300_000;

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

test(
  'migrate goes on where a run was killed, past pages of keys and of versions, while clients read from the source',
  async () => {
    {
      await using server = await startServeProcess({ directory: placeOf('from') });
      const client = clientOf(server);
      await fillPages(client);
      await mkdir(placeOf('to'));
      const run = execFile(process.execPath, [MAIN, ...args], { env: withoutUserSettings(process.env) });
      const ended = once(run, 'exit');
      await untilSomeAreCopied(placeOf('to'), run);
      run.kill('SIGKILL');
      expect(await ended).toEqual([null, 'SIGKILL']);
      let isRunning = true;
      const second = runPithos([...args, '--json']).finally(() => {
        isRunning = false;
      });
      let readsCount = 0;
      while (isRunning) {
        expect(await bodyOf(client, { Bucket: 'plain', Key: 'large-7' })).toBe(LARGE.toString());
        readsCount++;
      }
      expect(readsCount).toBeGreaterThan(1);
      const { stdout, code } = await second;
      expect(code).toBe(0);
      const [copied] = stdout
        .split('\n')
        .map((line) => JSON.parse(line || '{}'))
        .filter(({ kind }) => kind === 'copied');
      expect(copied.copiedVersions + copied.sameVersions).toBe(LARGE_KEYS + SMALL_KEYS + VERSIONS);
      expect(copied.copiedVersions).toBeGreaterThan(0);
      expect(copied.sameVersions).toBeGreaterThan(0);
    }
    expect(await runPithos([...args, '--compare'])).toMatchObject({ code: 0 });
    expect(await runPithos(['fsck', placeOf('to'), '--deep'])).toMatchObject({ code: 0 });
  },
  PAGES_TIMEOUT_MS,
);

test('migrate keeps regions and storage classes that the target has, and takes its default for others', async () => {
  const regionsOf = (side: string, second: string) => `
    bucketstore: { default-region: eu }
    regions:
      eu: { storage-classes: { standard: {}, standard_ia: { path: ${placeOf(`${side}-cold`)} } } }
      ${second}: {}
      both: {}
    options: { data-directory: ${placeOf(side)} }
  `;
  await writeFile(placeOf('from.yaml'), regionsOf('from', 'asia'));
  await writeFile(placeOf('to.yaml'), regionsOf('to', 'africa'));
  const inEurope = { Bucket: 'in-eu', Key: 'cold' };
  {
    await using server = await startServeProcess({
      directory: placeOf('from'),
      args: ['--config', placeOf('from.yaml')],
    });
    const client = clientOf(server);
    for (const region of ['asia', 'both']) {
      const CreateBucketConfiguration: CreateBucketConfiguration = { LocationConstraint: JSON.parse(`"${region}"`) };
      await client.send(new CreateBucketCommand({ Bucket: `in-${region}`, CreateBucketConfiguration }));
      await client.send(new PutObjectCommand({ Bucket: `in-${region}`, Key: 'k', Body: LARGE }));
    }
    await client.send(new CreateBucketCommand({ Bucket: 'in-eu' }));
    await client.send(new PutObjectCommand({ ...inEurope, Body: LARGE, StorageClass: 'STANDARD_IA' }));
  }
  const moved = await runPithos(args);
  expect(moved.stdout).toContain('3 versions of 900000 bytes copied');
  expect(moved).toMatchObject({ code: 0, stderr: '' });
  await using server = await startServeProcess({ directory: placeOf('to'), args: ['--config', placeOf('to.yaml')] });
  const client = clientOf(server);
  const regions = ['in-asia', 'in-both', 'in-eu'].map((Bucket) =>
    client.send(new GetBucketLocationCommand({ Bucket })),
  );
  expect((await Promise.all(regions)).map((each) => each.LocationConstraint)).toEqual(['eu', 'both', 'eu']);
  expect(await bodyOf(client, { Bucket: 'in-asia', Key: 'k' })).toBe(LARGE.toString());
  expect(await bodyOf(client, inEurope)).toBe(LARGE.toString());
  expect(await client.send(new HeadObjectCommand(inEurope))).toMatchObject({ StorageClass: 'STANDARD_IA' });
});

test('migrate refuses two configurations of one directory', async () => {
  {
    await using _ = await startServeProcess({ directory: placeOf('from') });
  }
  const ended = await runPithos(['migrate', '--from', placeOf('from.yaml'), '--to', placeOf('from.yaml')]);
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('there is nothing to move') });
});

/** More keys than one page of a listing has, and more versions of one key. */
async function fillPages(client: S3Client): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: 'plain' }));
  await client.send(new CreateBucketCommand({ Bucket: 'versioned' }));
  await client.send(
    new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' } }),
  );
  const puts = [
    ...Array.from({ length: LARGE_KEYS }, (_, index) => ({ Bucket: 'plain', Key: `large-${index}`, Body: LARGE })),
    ...Array.from({ length: SMALL_KEYS }, (_, index) => ({ Bucket: 'plain', Key: `small-${index}`, Body: 'small' })),
    ...Array.from({ length: VERSIONS }, (_, index) => ({ Bucket: 'versioned', Key: 'k', Body: `version ${index}` })),
  ].values();
  const sendAll = async () => {
    for (const put of puts) await client.send(new PutObjectCommand(put));
  };
  await Promise.all(Array.from({ length: PUTS_AT_ONCE }, sendAll));
}

/** Until the data directory has more blobs than are copied at one time, so that some are versions already. */
async function untilSomeAreCopied(directory: string, run: ChildProcess): Promise<void> {
  for (;;) {
    const names = await readdir(directory, { recursive: true });
    const ids = names.flatMap((name) => (name.startsWith('blobs/') ? (BLOB_ID.exec(name) ?? []) : []));
    if (new Set(ids).size > KEYS_AT_ONCE) return;
    if (run.exitCode !== null) throw new Error('The run ended before it could be killed.');
  }
}

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
