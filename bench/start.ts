import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuMsOfTree, load } from '../src/bench/process-times.ts';
import { prepareDataDirectory } from '../src/data-directory.ts';
import { parseBucketId } from '../src/domain/names.ts';
import { openDatabase } from '../src/stores/embedded/database.ts';
import { EmbeddedMetastore } from '../src/stores/embedded/metastore.ts';
import { draftOf } from './draft.ts';
import { freePort } from './free-port.ts';

/**
 * The time from the start of `pithos serve` to its first answer over HTTP, on a directory with objects in it, and the
 * CPU that all its processes took until then. Several programs, such as the sources and a build, are started by turns.
 *
 *   node bench/start.ts [--objects 1000000] [--rounds 9] [--program src/main.ts]… [flag of serve]…
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    objects: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '9' },
    program: { type: 'string', multiple: true, default: [new URL('../src/main.ts', import.meta.url).pathname] },
  },
});

const WRITERS = 256;
const POLL_MS = 4;
const BODY_BYTES = 100;
const REQUEST = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
/** What `pithos serve` makes where nobody names a region. */
const REGION = 'us-east-1';

interface Start {
  readonly elapsedMs: number;
  readonly cpuMs: number;
}

const directory = await mkdtemp(join(tmpdir(), 'pithos-bench-'));
try {
  await fill(Number(values.objects));
  // The first start of each compiles, and makes what a used directory has.
  for (const program of values.program) await start(program);
  const starts = new Map<string, Start[]>(values.program.map((program) => [program, []]));
  const loadBefore = load();
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const program of values.program) starts.get(program)?.push(await start(program));
  }
  for (const [program, each] of starts) {
    console.log(program);
    console.log(`  first answer after, in ms: ${spread(each.map(({ elapsedMs }) => elapsedMs))}`);
    console.log(`  CPU until then, in ms:     ${spread(each.map(({ cpuMs }) => cpuMs))}`);
  }
  console.log(`${values.objects} objects, load ${loadBefore} before and ${load()} after`);
} finally {
  await rm(directory, { recursive: true });
}

async function start(program: string): Promise<Start> {
  const port = await freePort();
  const settings = ['--port', String(port), '--admin-port', 'off', '--log-format', 'json', ...positionals];
  const beganAtMs = performance.now();
  const server = spawn(process.execPath, [program, 'serve', directory, ...settings], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PITHOS_ACCESS_KEY_ID: 'BENCHKEY', PITHOS_SECRET_ACCESS_KEY: 'benchsecretbenchsecret' },
  });
  const exited = once(server, 'exit');
  while (!(await answers(port))) {
    if (server.exitCode !== null) throw new Error('The server did not start.');
    await delay(POLL_MS);
  }
  const elapsedMs = performance.now() - beganAtMs;
  const cpuMs = cpuMsOfTree(server.pid ?? 0);
  server.kill('SIGTERM');
  await exited;
  return { elapsedMs, cpuMs };
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  let hasAnswered = false;
  socket.on('connect', () => socket.write(REQUEST));
  socket.on('data', () => {
    hasAnswered = true;
  });
  // Nobody listens yet.
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.on('close', resolve));
  return hasAnswered;
}

/** Objects as small puts leave them, without a server and unsynced. */
async function fill(objectsCount: number): Promise<void> {
  await prepareDataDirectory(directory);
  await using database = await openDatabase({ directory, durability: 'relaxed' });
  const meta = new EmbeddedMetastore(database, { name: REGION, nowMs: () => Date.now() });
  const bucketId = parseBucketId(randomBytes(16).toString('hex'));
  const bytes = randomBytes(BODY_BYTES);
  const options = { signal: new AbortController().signal };
  let next = 0;
  const write = async () => {
    while (next < objectsCount) {
      const index = next++;
      const draft = draftOf(`dir-${index % 1000}/key-${index}`, bytes);
      const outcome = await meta.putVersion(bucketId, draft, {}, options);
      if (outcome.kind !== 'stored') throw new Error(outcome.kind);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b).map((value) => value.toFixed(0));
  return `median ${sorted[Math.floor(sorted.length / 2)]}, ${sorted[0]} to ${sorted.at(-1)}`;
}
