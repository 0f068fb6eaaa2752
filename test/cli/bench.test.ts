import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LISTING_KINDS, listingWorkload } from '../../src/bench/listing-workloads.ts';
import { multipartWorkload } from '../../src/bench/multipart-workload.ts';
import { objectWorkload } from '../../src/bench/object-workloads.ts';
import { type BenchContext, runBench } from '../../src/bench/run-bench.ts';
import { Secret } from '../../src/domain/secret.ts';
import { withoutUserSettings } from '../support/serve-process.ts';
import { startTestServer, type TestServer } from '../support/start-server.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const MIB = 1024 ** 2;
const SHORT = ['--seconds', '0.1', '--rounds', '1', '--warm-up', '0', '--no-syncs'];
/** One of each kind, small. */
const WORKLOADS = [
  objectWorkload({ kind: 'put', sizeBytes: 4096, clientsCount: 4, objectsCount: 20 }),
  objectWorkload({ kind: 'get', sizeBytes: 4096, clientsCount: 4, objectsCount: 20 }),
  objectWorkload({ kind: 'put', sizeBytes: 65_536, clientsCount: 4, objectsCount: 10 }),
  objectWorkload({ kind: 'get', sizeBytes: 65_536, clientsCount: 4, objectsCount: 10 }),
  objectWorkload({ kind: 'put', sizeBytes: MIB, clientsCount: 2, objectsCount: 3 }),
  objectWorkload({ kind: 'get', sizeBytes: MIB, clientsCount: 2, objectsCount: 3 }),
  objectWorkload({ kind: 'mixed', sizeBytes: 4096, clientsCount: 4, objectsCount: 20 }),
  objectWorkload({ kind: 'delete', sizeBytes: 4096, clientsCount: 4, objectsCount: 20 }),
  multipartWorkload({ partsCount: 2, partBytes: 5 * MIB, clientsCount: 1 }),
  ...LISTING_KINDS.map((kind) => listingWorkload({ kind, keysCount: 210 })),
  listingWorkload({ kind: 'flat', keysCount: 1_010 }),
];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

function environment() {
  const { accessKeyId, secretAccessKey } = server.credentials;
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

function target(name: string) {
  const { accessKeyId, secretAccessKey } = server.credentials;
  const key = { accessKeyId, secret: new Secret(secretAccessKey), sessionToken: undefined };
  return { name, url: new URL(server.endpoint), region: 'us-east-1', key, pid: process.pid, isTemporary: false };
}

async function bucketsLeft(): Promise<number> {
  const { Buckets = [] } = await server.client.send(new ListBucketsCommand({}));
  return Buckets.filter(({ Name }) => Name?.startsWith('pithos-bench-')).length;
}

interface Fake extends AsyncDisposable {
  readonly endpoint: string;
}

/** A server before ours: what ours answers goes through `change`, which gives a status and a body. */
async function startFake(
  change: (asked: IncomingMessage, body: Buffer) => { status?: number; body?: Buffer },
): Promise<Fake> {
  const fake = createServer(async (asked, answer) => {
    const { method, headers, url: path } = asked;
    const forwarded = request(server.endpoint, { method: method ?? '', headers, path: path ?? '' });
    asked.pipe(forwarded);
    const [reply]: IncomingMessage[] = await once(forwarded, 'response');
    const body = reply === undefined ? Buffer.alloc(0) : await buffer(reply);
    const changed = change(asked, body);
    answer.writeHead(changed.status ?? reply?.statusCode ?? 500, { etag: reply?.headers.etag ?? '' });
    answer.end(changed.body ?? body);
  });
  fake.listen(0, '127.0.0.1');
  await once(fake, 'listening');
  const { port } = fake.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      fake.closeAllConnections();
      fake.close();
      await once(fake, 'close');
    },
  };
}

const PLAN = { clientsCount: undefined, countsSyncs: false, warmUpRounds: 0 };

function contextWith({ onProgress }: Pick<BenchContext, 'onProgress'>): BenchContext {
  const never = new AbortController().signal;
  const onLeftover = (problem: string) => expect.unreachable(problem);
  return { signal: never, kill: never, clock: { nowMs: () => Date.now() }, onProgress, onLeftover };
}

test('every workload runs on two targets, its bodies are compared, and nothing is left behind', async () => {
  const report = await runBench(
    { ...PLAN, targets: [target('a'), target('b')], workloads: WORKLOADS, seconds: 0.05, rounds: 1 },
    contextWith({ onProgress: () => undefined }),
  );
  expect(report.results).toHaveLength(2 * WORKLOADS.length);
  for (const result of report.results) {
    expect(result.operationsCount).toBeGreaterThan(0);
    expect(result.rate).toBeGreaterThan(0);
    expect(result.latency.maxMs).toBeGreaterThanOrEqual(result.latency.p50Ms);
    expect(result.generatorCpuUs).toBeGreaterThan(0);
  }
  const deletes = report.results.filter(({ workload }) => workload === 'delete-4k');
  // There are no more to delete, whatever time is left.
  for (const { operationsCount } of deletes) expect(operationsCount).toBeLessThanOrEqual(20);
  expect(await bucketsLeft()).toBe(0);
});

test('the rate counts every operation, though many run at once, and each round begins with another target', async () => {
  const steps: string[] = [];
  const workload = objectWorkload({ kind: 'get', sizeBytes: 4096, clientsCount: 8, objectsCount: 20 });
  const { results } = await runBench(
    { ...PLAN, targets: [target('a'), target('b')], workloads: [workload], seconds: 0.25, rounds: 2 },
    contextWith({ onProgress: (step) => steps.push(step) }),
  );
  const [{ rate = 0, operationsCount = 0 } = {}] = results;
  expect(rate * 0.5).toBeGreaterThan(operationsCount * 0.5);
  expect(rate * 0.5).toBeLessThan(operationsCount * 1.2);
  expect(steps.filter((step) => step.startsWith('round')).map((step) => step.slice(-1))).toEqual(['a', 'b', 'b', 'a']);
});

test('what servers do to warm up does not count', async () => {
  const steps: string[] = [];
  const workload = objectWorkload({ kind: 'put', sizeBytes: 4096, clientsCount: 8, objectsCount: 20 });
  const { results, warmUpRounds } = await runBench(
    { ...PLAN, targets: [target('a'), target('b')], workloads: [workload], seconds: 0.2, rounds: 1, warmUpRounds: 2 },
    contextWith({ onProgress: (step) => steps.push(step) }),
  );
  expect(steps.filter((step) => step.startsWith('warming')).map((step) => step.slice(-1))).toEqual([
    'a',
    'b',
    'b',
    'a',
  ]);
  expect(warmUpRounds).toBe(2);
  const [{ rate = 0, operationsCount = 0 } = {}] = results;
  expect(operationsCount).toBeLessThan(rate * 0.2 * 1.5);
});

test('bench without an endpoint measures a Pithos of its own, whatever the user has set', async () => {
  await using folder = await makeTempDir();
  const [json, plot] = [join(folder.path, 'figures.json'), join(folder.path, 'plot.svg')];
  const ended = await runPithos(
    ['bench', '--workloads', 'put-4k,put-64k', ...SHORT, '--concurrency', '4', '--json', json, '--plot', plot],
    { PITHOS_SERVICE_PORT: 'no port', TMPDIR: folder.path },
  );
  expect(ended).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('put 64 KiB, 4 clients') });
  const { results } = JSON.parse(await readFile(json, 'utf8'));
  expect(results).toHaveLength(2);
  if (process.platform === 'linux') expect(results[0].serverCpuUs).toBeGreaterThan(0);
  expect(await readFile(plot, 'utf8')).toMatch(/^<svg/);
});

test('bench tells wrong bytes and ends with 1, and the bucket is gone', async () => {
  await using fake = await startFake(({ method, url = '' }, body) => {
    if (method !== 'GET' || !url.includes('/get/')) return {};
    return { body: Buffer.concat([body.subarray(0, -1), Buffer.from([(body.at(-1) ?? 0) ^ 1])]) };
  });
  const args = ['bench', '--endpoint', `liar=${fake.endpoint}`, '--workloads', 'get-1m', ...SHORT];
  const ended = await runPithos(args, environment());
  expect(ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^pithos: liar did not answer GET .* differs/),
  });
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  expect(await bucketsLeft()).toBe(0);
});

test('bench tells an answer of 500 and ends with 1, and the bucket is gone', async () => {
  let putsCount = 0;
  await using fake = await startFake(({ method, url = '' }) =>
    method === 'PUT' && url.includes('/put/') && ++putsCount > 20
      ? { status: 500, body: Buffer.from('<Error><Code>InternalError</Code><Message>Oops.</Message></Error>') }
      : {},
  );
  const args = ['bench', '--endpoint', `weak=${fake.endpoint}`, '--workloads', 'put-4k', ...SHORT];
  const ended = await runPithos(args, environment());
  expect(ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^pithos: weak answered 500 to PUT .*, not 200: InternalError: Oops\./),
  });
  expect(await bucketsLeft()).toBe(0);
});

test('bench tells a listing that lacks a key', async () => {
  await using fake = await startFake(({ url = '' }, body) =>
    url.includes('prefix=') ? { body: Buffer.from(`${body}`.replace(/<Contents>.*?<\/Contents>/, '')) } : {},
  );
  const args = [
    'bench',
    '--endpoint',
    `liar=${fake.endpoint}`,
    '--workloads',
    'list-flat',
    '--list-keys',
    '5',
    ...SHORT,
  ];
  expect(await runPithos(args, environment())).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/liar: GET .*: entry 0 of the page is not flat/),
  });
});

test('bench tells a bucket that it cannot delete, and ends with 1', async () => {
  await using fake = await startFake(({ method, url = '' }) =>
    method === 'POST' && url.includes('delete') ? { status: 403, body: Buffer.from('') } : {},
  );
  const args = ['bench', '--endpoint', `miser=${fake.endpoint}`, '--workloads', 'get-1m', ...SHORT];
  const ended = await runPithos(args, environment());
  expect(ended).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('get 1 MiB'),
    stderr: expect.stringMatching(/the bucket pithos-bench-\w+ of miser is still there: miser answered 403/),
  });
  expect(await bucketsLeft()).toBe(1);
});

test('bench that is interrupted deletes its bucket first', async () => {
  const before = await bucketsLeft();
  const args = ['bench', '--endpoint', `a=${server.endpoint}`, '--workloads', 'put-4k', '--seconds', '60'];
  const running = spawn(process.execPath, [MAIN, ...args], {
    env: { ...withoutUserSettings(process.env), ...environment() },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const complaint = errorText(running);
  const exited = once(running, 'exit');
  while ((await bucketsLeft()) === before && running.exitCode === null);
  running.kill('SIGINT');
  expect(await exited).toEqual([2, null]);
  expect(await complaint).toContain('stopped before it was done');
  expect(await bucketsLeft()).toBe(before);
});

test.each([
  [
    'a server that is not there',
    ['--endpoint', 'gone=http://127.0.0.1:1'],
    'gone cannot be reached at http://127.0.0.1:1',
  ],
  ['a file that cannot be written', ['--json', '/no/such/folder/x.json'], '--json cannot be written'],
])('bench refuses %s in a sentence', async (_, args, message) => {
  const ended = await runPithos(['bench', ...args], environment());
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  expect(ended.stderr).not.toContain('    at ');
});

async function errorText({ stderr }: ChildProcess): Promise<string> {
  return stderr === null ? '' : `${await buffer(stderr)}`;
}
