import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { Content } from './content.ts';
import { type CallFailure, FailingDisk } from './failing-disk.ts';
import { findLosses } from './find-losses.ts';
import { runFsck } from './inspect-directory.ts';
import { type Buckets, LoadClient } from './load-client.ts';
import { S3Client, type S3Endpoint } from './s3-client.ts';

const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Date.now() % 1_000_000);
const BUCKETS: Buckets = { plain: 'plain', versioned: 'versioned' };
const CLIENTS = 4;
/** Which of the calls of a load fails, in turn. */
const FAILING_NUMBERS = [1, 4, 12];
/** More than a small PutObject makes. */
const COMMIT_WRITES_MAX = 20;
const FAILING_NUMBERS_AT_START = [1, 3];
/** How long the load goes on after a call has failed, and how long it waits for one, in milliseconds. */
const LOAD_AFTER_MS = 150;
const LOAD_MS_MAX = 8_000;
/** By itself, or at once where other writes were under way: then its last words are all that tells why. */
const ENDED = [1, null];
/** What tells a client to send the same again. */
const TEMPORARY = ['SlowDown', 'InsufficientStorage'];
const CLEAN = { exitCode: 0, output: expect.stringMatching(/^clean/) };

/** `ends`: a failure after which the process cannot know what the disk holds must end it. */
const UNDER_LOAD: readonly (CallFailure & { readonly ends: 'never' | 'may' | 'must' })[] = [
  { call: 'write', error: 'EIO', ends: 'may' },
  { call: 'write', error: 'ENOSPC', ends: 'may' },
  { call: 'write', error: 'SHORT', ends: 'may' },
  { call: 'sync', error: 'EIO', ends: 'must' },
  { call: 'sync', error: 'ENOSPC', ends: 'may' },
  { call: 'read', error: 'EIO', ends: 'never' },
  { call: 'read', error: 'SHORT', ends: 'never' },
  { call: 'close', error: 'EIO', ends: 'never' },
  { call: 'open', error: 'EIO', ends: 'never' },
  { call: 'open', error: 'EMFILE', ends: 'never' },
  { call: 'mkdir', error: 'ENOSPC', ends: 'never' },
];

const AT_START: readonly CallFailure[] = [
  { call: 'write', error: 'EIO' },
  { call: 'write', error: 'SHORT' },
  { call: 'sync', error: 'EIO' },
  { call: 'rename', error: 'EIO' },
  { call: 'rename', error: 'ENOSPC' },
  { call: 'close', error: 'EIO' },
  { call: 'unlink', error: 'EIO' },
];

let home: TempDir;
let data: string;
let disk: FailingDisk;
beforeAll(() => console.log(`PITHOS_TEST_SEED=${SEED}`));
beforeEach(async () => {
  home = await makeTempDir();
  data = join(home.path, 'data');
  disk = await FailingDisk.make(home.path, data);
  return () => home[Symbol.asyncDispose]();
});

describe('A call that fails under load', () => {
  test.each(UNDER_LOAD)('($call, $error) is told to the client, or has changed nothing', async (failure) => {
    const clients = Array.from(
      { length: CLIENTS },
      (_, index) => new LoadClient({ index, seed: SEED, buckets: BUCKETS }),
    );
    let server = await start();
    await makeBuckets(server);
    const refusals = new Set<string>();
    let endsCount = 0;
    try {
      for (const from of FAILING_NUMBERS) {
        await disk.fail({ ...failure, from });
        await runLoad(server, clients, refusals);
        expect(disk.failedCount, `call number ${from}`).toBeGreaterThan(0);
        await disk.heal();
        if (!isRunning(server.pid)) {
          endsCount++;
          expect(ENDED).toContain(await server.stop());
          expect(server.output()).toContain('stopped, because storage failed: ');
          server = await start();
        }
        expect(await findLosses(server, BUCKETS, clients)).toEqual([]);
      }
    } finally {
      await server.stop();
    }
    expect(await runFsck(data)).toEqual(CLEAN);
    if (failure.ends === 'never') {
      expect(endsCount).toBe(0);
      expect(TEMPORARY).toEqual(expect.arrayContaining([...refusals]));
    }
    if (failure.ends === 'must') expect(endsCount).toBe(FAILING_NUMBERS.length);
  });
});

test('A commit whose last write finds the disk full is in doubt and ends the server; the next start has the rest', async () => {
  const content = new Content(1, 100);
  const path = `/${BUCKETS.plain}/key`;
  const statuses: (number | undefined)[] = [];
  {
    await using server = await start();
    await makeBuckets(server);
    using s3 = new S3Client(server);
    expect((await s3.ask({ method: 'PUT', path, body: { content } })).status).toBe(200);
    for (let from = 1; from <= COMMIT_WRITES_MAX && statuses.at(-1) !== 500; from++) {
      await disk.fail({ call: 'write', error: 'ENOSPC', from });
      statuses.push((await s3.send({ method: 'PUT', path: `${path}-${from}`, body: { content } }))?.status);
    }
    await expect.poll(() => isRunning(server.pid), { timeout: 20_000 }).toBe(false);
    expect(server.output()).toContain('stopped, because storage failed: ');
  }
  expect(statuses.at(-1)).toBe(500);
  await disk.heal();
  await using server = await start();
  using s3 = new S3Client(server);
  expect((await s3.ask({ method: 'GET', path, expected: content })).status).toBe(200);
});

describe('A call that fails while a server starts', () => {
  test.each(AT_START)('($call, $error) ends it, or nothing, and the next start has everything', async (failure) => {
    const client = new LoadClient({ index: 0, seed: SEED, buckets: BUCKETS });
    let failedCount = 0;
    for (const from of FAILING_NUMBERS_AT_START) {
      await disk.fail({ ...failure, from });
      try {
        await using _server = await start();
      } catch (error) {
        expect(String(error)).toMatch(/The server ended with [12]:/);
      }
      failedCount += disk.failedCount;
      await disk.heal();
      await using server = await start();
      if (from === 1) await makeBuckets(server);
      await client.run(server, stepsOf(10));
      expect(await findLosses(server, BUCKETS, [client])).toEqual([]);
    }
    expect(failedCount).toBeGreaterThan(0);
    expect(await runFsck(data)).toEqual(CLEAN);
  });
});

function start(): Promise<ServeProcess> {
  return startServeProcess({ directory: data, workers: 1, env: disk.env, args: ['--log-format', 'json'] });
}

/** Until a call has failed and some more requests were sent, or the server has ended; adds the codes of refusals. */
async function runLoad(server: ServeProcess, clients: readonly LoadClient[], refusals: Set<string>): Promise<void> {
  const beganAt = performance.now();
  let failedAt: number | undefined;
  const isOver = (): boolean => {
    const now = performance.now();
    if (failedAt === undefined && disk.failedCount > 0) failedAt = now;
    return now - beganAt > LOAD_MS_MAX || (failedAt !== undefined && now - failedAt > LOAD_AFTER_MS);
  };
  const onAnswer: S3Endpoint['onAnswer'] = (_, answer) => {
    if (answer !== undefined && answer.status >= 500) refusals.add(answer.code);
  };
  const endpoint = { ...server, onAnswer, mayFail: true };
  await Promise.all(clients.map((client) => client.run(endpoint, isOver)));
  await expect
    .poll(() => !server.output().includes('storage failed') || !isRunning(server.pid), { timeout: 20_000 })
    .toBe(true);
}

function stepsOf(count: number): () => boolean {
  let left = count;
  return () => left-- <= 0;
}

async function makeBuckets(server: ServeProcess): Promise<void> {
  using s3 = new S3Client(server);
  for (const bucket of Object.values(BUCKETS)) await s3.ask({ method: 'PUT', path: `/${bucket}` });
  const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
  await s3.ask({ method: 'PUT', path: `/${BUCKETS.versioned}`, query: [['versioning', '']], body });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
