import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runPithos } from '../cli/run-pithos.ts';
import { randomNumbers } from '../history/workload.ts';
import { SERVE_KEYS, type ServeProcess, startServeProcess, withoutUserSettings } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { type Content, contentsAt, NOTHING, type Write, writeMixedLoad } from './acknowledged-writes.ts';
import { blobsOf, runFsck } from './inspect-directory.ts';
import { SmallDisk } from './small-disk.ts';
import { waitUntil } from './wait-until.ts';

const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const READER = new URL('read-store.ts', import.meta.url).pathname;
const BUCKETS = ['plain', 'versioned'];
const WRITERS = 6;
/** Bytes are deleted soon after nothing refers to them: a backup that did not hold them would miss some. */
const EAGER_RECLAIM = { PITHOS_OPTIONS_RECLAIM_GRACE: '10s', PITHOS_OPTIONS_DISK_FREE_MIN: '1M' };
const DOOMED_COUNT = 200;
const DOOMED_BYTES = 80_000;
/** Until they are deleted, in milliseconds: the grace, and a run of the job that comes as often. */
const RECLAIM_MS = 24_000;
/** The same after the pin of a process that is held up has expired. */
const PIN_LAPSES_MS = 60_000 + RECLAIM_MS;
/** How often a backup's progress is looked at, in milliseconds. */
const LOOK_MS = 5;
const KILLS = 6;

let parent: TempDir;
let data: string;
let target: string;
let restored: string;
beforeEach(async () => {
  console.log(`PITHOS_TEST_SEED=${SEED}`);
  parent = await makeTempDir();
  data = join(parent.path, 'data');
  target = join(parent.path, 'backup');
  restored = join(parent.path, 'restored');
});
afterEach(() => parent[Symbol.asyncDispose]());

test('a backup under load, with the server killed later, restores all that was acknowledged before it began', async () => {
  await using server = await startServeProcess({ directory: data, env: EAGER_RECLAIM });
  using client = clientOf(server);
  await makeBuckets(client);
  const writes = await writeMixedLoad(client, { buckets: BUCKETS, writers: WRITERS, writesEach: 40, seed: SEED });
  const doomed = await putDoomed(client);
  const beganAt = process.hrtime.bigint();
  const backup = startBackup();
  const during = writeMixedLoad(client, { buckets: BUCKETS, writers: WRITERS, writesEach: 60, seed: SEED + 1 });
  await untilCopying();
  backup.process.kill('SIGSTOP');
  for (const Key of doomed) await client.send(new DeleteObjectCommand({ Bucket: 'plain', Key }));
  await setTimeout(RECLAIM_MS);
  backup.process.kill('SIGCONT');
  expect(await backup.ended()).toEqual({ code: 0, output: expect.stringMatching(/^whole: \d+ blobs of /) });
  const endedAt = process.hrtime.bigint();
  writes.push(...(await during));
  await waitUntil(
    'the pin is gone, and the blobs that it held',
    async () => {
      const { stored, referenced } = await blobsOf(data);
      return stored.size === referenced.size;
    },
    { timeoutMs: 3 * RECLAIM_MS },
  );
  await writeMixedLoad(client, { buckets: BUCKETS, writers: WRITERS, writesEach: 20, seed: SEED + 2 });
  await server.kill();
  await rm(data, { recursive: true });

  expect(await runPithos(['restore', target, restored])).toMatchObject({ code: 0, stderr: '' });
  expect(await runFsck(restored)).toEqual({ exitCode: 0, output: expect.stringMatching(/^clean/) });
  expect(await lossesOf(restored, allowedContents(writes, beganAt, endedAt))).toEqual([]);
  const kept = await readContents(
    restored,
    doomed.map((key) => `plain/${key}`),
  );
  expect(Object.values(kept).filter((content) => content === NOTHING)).toEqual([]);
});

test('a backup that is killed leaves none, or the one before, whole', async () => {
  await using server = await startServeProcess({ directory: data, env: EAGER_RECLAIM });
  using client = clientOf(server);
  await makeBuckets(client);
  const first = startBackup();
  await untilCopying('the metadata');
  first.process.kill('SIGKILL');
  await first.ended();
  const refused = await runPithos(['restore', target, restored]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('has no whole backup') });
  expect(existsSync(restored)).toBe(false);
  const random = randomNumbers(SEED);
  expect(await startBackup().ended()).toMatchObject({ code: 0 });
  for (let kill = 0; kill < KILLS; kill++) {
    await writeMixedLoad(client, { buckets: BUCKETS, writers: WRITERS, writesEach: 15, seed: SEED + kill });
    const backup = startBackup();
    await untilCopying('the metadata');
    await setTimeout(random() * 500);
    backup.process.kill('SIGKILL');
    await backup.ended();
    const ended = await runPithos(['restore', target, restored]);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whole: /) });
    expect(await runFsck(restored)).toEqual({ exitCode: 0, output: expect.stringMatching(/^clean/) });
    await rm(restored, { recursive: true });
  }
  expect(await startBackup().ended()).toMatchObject({ code: 0 });
});

test.each([
  ['blobs', 1024 ** 2, 16],
  ['metadata', 16 * 1024, 1_000],
])(
  'a backup of %s onto a disk that gets full says so, and goes on when there is space',
  async (_, sizeBytes, count) => {
    await using disk = await SmallDisk.mount(2 * sizeBytes * count);
    target = join(disk.path, 'backup');
    await using server = await startServeProcess({ directory: data });
    using client = clientOf(server);
    await client.send(new CreateBucketCommand({ Bucket: 'full' }));
    const Body = Buffer.alloc(sizeBytes, 'full ');
    for (let key = 0; key < count; key++) {
      await client.send(new PutObjectCommand({ Bucket: 'full', Key: `${key}`, Body }));
    }
    await disk.takeAllBut(6 * 1024 ** 2);
    const full = await runPithos(['backup', target, data]);
    expect(full).toMatchObject({ code: 2, stderr: expect.stringMatching(/^pithos: .*(free|space).*\n$/) });
    expect(await runPithos(['restore', target, restored])).toMatchObject({ code: 2 });
    await disk.giveBack();
    expect(await runPithos(['backup', target, data])).toMatchObject({ code: 0 });
    expect(await runPithos(['restore', target, restored])).toMatchObject({ code: 0 });
    expect(await runFsck(restored)).toMatchObject({ exitCode: 0 });
  },
);

test('a backup that was held up for longer than its pin lasts is none', async () => {
  await using server = await startServeProcess({ directory: data, env: EAGER_RECLAIM });
  using client = clientOf(server);
  await makeBuckets(client);
  const doomed = await putDoomed(client);
  const backup = startBackup();
  await untilCopying();
  backup.process.kill('SIGSTOP');
  for (const Key of doomed) await client.send(new DeleteObjectCommand({ Bucket: 'plain', Key }));
  await setTimeout(PIN_LAPSES_MS);
  backup.process.kill('SIGCONT');
  const { code, output } = await backup.ended();
  expect({ code, output }).toEqual({ code: 2, output: expect.stringContaining('Run the backup again.') });
  expect(await runPithos(['restore', target, restored])).toMatchObject({ code: 2 });
});

interface RunningBackup {
  readonly process: ChildProcess;
  ended(): Promise<{ readonly code: number | null; readonly output: string }>;
}

function startBackup(): RunningBackup {
  const process_ = spawn(process.execPath, [MAIN, 'backup', target, data], {
    env: withoutUserSettings(process.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [process_.stdout, process_.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const closed = once(process_, 'close');
  return {
    process: process_,
    async ended() {
      await closed;
      return { code: process_.exitCode, output };
    },
  };
}

/** The snapshot has been taken then, and no backup of it is whole yet. */
async function untilCopying(what: 'blobs' | 'the metadata' = 'blobs'): Promise<void> {
  const path = join(target, 'incoming', what === 'blobs' ? 'blobs' : 'metadata.mdb');
  while (!existsSync(path)) await setTimeout(LOOK_MS);
}

async function makeBuckets(client: S3Client): Promise<void> {
  for (const Bucket of BUCKETS) await client.send(new CreateBucketCommand({ Bucket }));
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration }));
}

/** Objects with a blob each; their keys. */
async function putDoomed(client: S3Client): Promise<readonly string[]> {
  const keys = Array.from({ length: DOOMED_COUNT }, (_, index) => `doomed-${index}`);
  const Body = Buffer.alloc(DOOMED_BYTES, 'doomed ');
  await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket: 'plain', Key, Body }))));
  return keys;
}

/** What each key may hold in a snapshot taken between two moments. */
function allowedContents(writes: readonly Write[], from: bigint, to: bigint): Map<string, readonly Content[]> {
  const allowed = new Map<string, readonly Content[]>(contentsAt(writes, from));
  for (const { bucket, key, content, beganAt } of writes) {
    if (beganAt <= from || beganAt > to) continue;
    const name = `${bucket}/${key}`;
    allowed.set(name, [...(allowed.get(name) ?? [NOTHING]), content]);
  }
  return allowed;
}

async function lossesOf(directory: string, allowed: ReadonlyMap<string, readonly Content[]>): Promise<string[]> {
  const found = await readContents(directory, [...allowed.keys()]);
  return [...allowed].flatMap(([name, contents]) => {
    const content = found[name] ?? 'no answer';
    return contents.includes(content) ? [] : [`${name} holds ${content}, not ${contents.join(' or ')}.`];
  });
}

/** The MD5 of what each of these (`bucket/key`) holds. */
async function readContents(directory: string, names: readonly string[]): Promise<Record<string, Content>> {
  const env = withoutUserSettings(process.env);
  const reader = promisify(execFile)(process.execPath, [READER, directory], { env });
  reader.child.stdin?.end(JSON.stringify(names));
  const { contents, problems }: { contents: Record<string, Content>; problems: string } = JSON.parse(
    (await reader).stdout,
  );
  expect(problems).toBe('');
  return contents;
}

function clientOf({ endpoint }: ServeProcess): S3Client & Disposable {
  const settings = { region: 'us-east-1', forcePathStyle: true, credentials: SERVE_KEYS, maxAttempts: 1 };
  const client = new S3Client({ endpoint, ...settings });
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}
