import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Bodies } from '../src/bench/bodies.ts';
import type { Connection } from '../src/bench/connection.ts';
import { startOwnPithos } from '../src/bench/own-pithos.ts';
import { load, pidsOfTree } from '../src/bench/process-times.ts';
import { connectTo, exchange, prepareRequest, type TargetRequest } from '../src/bench/target.ts';
import { bareEnvironment } from '../src/config/bare-environment.ts';

/**
 * The most anonymous memory that all processes of a server have together while clients stream large objects, half of
 * them putting, half of them getting: RssAnon of /proc/PID/status, sampled from the first request to the last. Linux
 * only.
 *
 *   node bench/memory.ts [--clients 64] [--mib 64] [--seconds 20] [--program src/main.ts] [flag of serve]…
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: '64' },
    mib: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '20' },
    program: { type: 'string', default: new URL('../src/main.ts', import.meta.url).pathname },
  },
});

const SAMPLE_MS = 50;
/** How long after the last request is looked once more, in milliseconds. */
const REST_MS = 5_000;
/** Objects that are put in turn, and as many that are got. */
const OBJECTS = 8;
const BUCKET = 'memory';

const bodies = new Bodies();
const bodyBytes = Number(values.mib) * 1024 ** 2;
const stop = new AbortController();
process.on('SIGINT', () => stop.abort());

await using own = await startOwnPithos({
  program: values.program,
  environment: bareEnvironment(),
  flags: positionals,
  signal: stop.signal,
});
const { target } = own;
console.log(`after the start     ${text(anonymousMib())}`);
await fill();
await stream();

async function fill(): Promise<void> {
  using connection = await connectTo(target);
  await send(connection, { method: 'PUT', bucket: BUCKET });
  for (let index = 0; index < OBJECTS; index += 1) await put(connection, `get-${index}`, index);
}

async function stream(): Promise<void> {
  const endMs = performance.now() + Number(values.seconds) * 1000;
  const counts = { put: 0, get: 0 };
  const client = async (_: unknown, number: number) => {
    using connection = await connectTo(target);
    const kind = number % 2 === 0 ? 'put' : 'get';
    for (let count = number; performance.now() < endMs && !stop.signal.aborted; count += 1) {
      const index = count % OBJECTS;
      if (kind === 'put') await put(connection, `put-${index}`, index);
      else
        await send(
          connection,
          { method: 'GET', bucket: BUCKET, key: `get-${index}` },
          bodies.of(bodyBytes, index).bytes,
        );
      counts[kind] += 1;
    }
  };
  let isOver = false;
  const clients = Promise.all(Array.from({ length: Number(values.clients) }, client)).finally(() => {
    isOver = true;
  });
  const sums: number[] = [];
  let most: readonly number[] = [];
  while (!isOver) {
    const now = anonymousMib();
    sums.push(sum(now));
    if (sum(now) > sum(most)) most = now;
    await delay(SAMPLE_MS);
  }
  await clients;
  console.log(`most while they ran ${text(most)}`);
  console.log(`on average          ${(sum(sums) / sums.length).toFixed(0)} MiB`);
  await delay(REST_MS);
  console.log(`${REST_MS / 1000} s later            ${text(anonymousMib())}`);
  console.log(
    `${counts.put} puts and ${counts.get} gets of ${values.mib} MiB, ${values.clients} clients, load ${load()}`,
  );
}

async function put(connection: Connection, key: string, index: number): Promise<void> {
  await send(connection, { method: 'PUT', bucket: BUCKET, key, body: bodies.of(bodyBytes, index) });
}

async function send(connection: Connection, request: TargetRequest, expected?: Uint8Array): Promise<void> {
  await exchange(connection, target, { request: prepareRequest(target, request, Date.now()), status: 200, expected });
}

/** Of the server's first process and its workers. */
function anonymousMib(): readonly number[] {
  return pidsOfTree(target.pid ?? 0).map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
  });
}

function sum(mib: readonly number[]): number {
  return mib.reduce((total, each) => total + each, 0);
}

function text(mib: readonly number[]): string {
  return `${sum(mib).toFixed(0)} MiB: ${mib.map((each) => each.toFixed(0)).join(' + ')}`;
}
