import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { randomNumbers } from '../history/workload.ts';
import { RawConnection } from '../support/raw-http.ts';
import { killNow, type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { Content } from './content.ts';
import { findProblems, SHORT_GRACES } from './final-check.ts';
import { type Buckets, LoadClient } from './load-client.ts';
import { makeBuckets } from './make-buckets.ts';
import { openRequest, S3Client } from './s3-client.ts';

/** Another one makes another run; a failed one is repeated with its own. */
const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Date.now() % 1_000_000);
const KILLS_PER_ROUND = 10;
/** The server is ended and started again after each. */
const ROUNDS = Math.ceil(Number(process.env['PITHOS_TEST_KILLS'] ?? 50) / KILLS_PER_ROUND);
const KILLS = ROUNDS * KILLS_PER_ROUND;
/** For a round with the start after it, in milliseconds; the checks at the end have as much as ten. */
const ROUND_MS_MAX = 60_000;
const WORKERS = 3;
const CLIENTS = 16;
/** Longest time between two kills, in milliseconds. */
const KILL_PAUSE_MS = 1_500;
/** Uploads on connections of their own, which the two workers share. */
const UPLOADS = 4;
/** Connections that two workers share. */
const CONNECTIONS = 8;
const HEALTH_REQUEST = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** How long a worker that runs may take to answer, in milliseconds. */
const PATIENCE_MS = 3_000;
const BUCKETS: Buckets = { plain: 'plain', versioned: 'versioned' };

const timeout = (ROUNDS + 10) * ROUND_MS_MAX;
test(`worker processes killed at ${KILLS} random moments lose, tear and leak nothing`, { timeout }, async () => {
  await using directory = await makeTempDir();
  const data = `${directory.path}/data`;
  const random = randomNumbers(SEED);
  const clients = Array.from(
    { length: CLIENTS },
    (_, index) => new LoadClient({ index, seed: SEED, buckets: BUCKETS }),
  );
  console.log(`Seed ${SEED} (PITHOS_TEST_SEED).`);
  const beganAt = performance.now();
  let kills = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await using server = await startServeProcess({ directory: data, workers: WORKERS, env: SHORT_GRACES });
    if (round === 0) await makeBuckets(server, BUCKETS);
    let isOver = false;
    const running = Promise.all(clients.map((client) => client.run(server, () => isOver)));
    running.catch(() => undefined);
    while (kills < (round + 1) * KILLS_PER_ROUND) {
      await setTimeout(random() * KILL_PAUSE_MS);
      kills += killOne(server, random);
    }
    await setTimeout(random() * KILL_PAUSE_MS);
    // Every second round the whole server ends at once, under load; in the others it is stopped, under load too.
    const ended = round % 2 === 0 ? server.kill() : server.stop();
    isOver = true;
    const exitCode = await ended;
    expect(exitCode, lastWords(server)).toBe(round % 2 === 0 ? undefined : 0);
    await running.catch((error: unknown) => {
      throw new Error(`A client did not get what it should; the server said:\n${troubleOf(server)}`, { cause: error });
    });
  }
  const killedAt = performance.now();
  await using server = await startServeProcess({ directory: data, workers: WORKERS, env: SHORT_GRACES });
  expect(await findProblems({ server, directory: data, buckets: BUCKETS, clients })).toEqual([]);
  const acknowledged = clients.reduce((sum, { counts }) => sum + counts.acknowledged, 0);
  const inDoubt = clients.reduce((sum, { counts }) => sum + counts.inDoubt, 0);
  const seconds = (from: number, to: number) => ((to - from) / 1_000).toFixed(0);
  console.log(
    `${kills} kills; ${acknowledged} writes acknowledged, ${inDoubt} in doubt; ` +
      `${seconds(beganAt, killedAt)} s of load, ${seconds(killedAt, performance.now())} s of checks.`,
  );
});

test('a killed worker ends its own requests only', async () => {
  await using directory = await makeTempDir();
  await using server = await startServeProcess({ directory: `${directory.path}/data`, workers: 2 });
  await makeBuckets(server, BUCKETS);
  const [victim, survivor] = server.workerPids();
  const uploads = await Promise.all(
    Array.from({ length: UPLOADS }, (_, index) => HalfSent.begin(server, `${index + 1}`)),
  );
  const workers = uploads.map((upload) => ownerOf(upload.port, server));
  if (victim === undefined) throw new Error('The server has no worker processes.');
  killNow(victim);
  const statuses = await Promise.all(uploads.map((upload) => upload.finish()));
  expect(statuses).toEqual(workers.map((pid) => (pid === survivor ? 200 : undefined)));
  expect(new Set(workers)).toEqual(new Set([victim, survivor]));
  using s3 = new S3Client(server);
  for (const [index, status] of statuses.entries()) {
    const { status: found } = await s3.ask({ method: 'HEAD', path: `/${BUCKETS.plain}/${index + 1}` });
    expect(found).toBe(status ?? 404);
  }
});

test('workers have as many connections each, and one that hangs keeps nobody waiting but who it was handed', async () => {
  await using directory = await makeTempDir();
  await using server = await startServeProcess({ directory: `${directory.path}/data`, workers: 2 });
  const [first, second] = server.workerPids();
  if (first === undefined || second === undefined) throw new Error('The server has no worker processes.');
  const connections: RawConnection[] = [];
  try {
    for (let count = 0; count < CONNECTIONS; count++) {
      const connection = await RawConnection.open(server.port);
      connections.push(connection);
      expect(await isLive(connection)).toBe(true);
    }
    const owners = connections.map(({ localPort }) => ownerOf(localPort, server));
    expect(owners.filter((pid) => pid === first)).toHaveLength(CONNECTIONS / 2);
    expect(owners.filter((pid) => pid === second)).toHaveLength(CONNECTIONS / 2);
    process.kill(first, 'SIGSTOP');
    const later = await Promise.all(Array.from({ length: CONNECTIONS }, () => RawConnection.open(server.port)));
    connections.push(...later);
    const answers = later.map((connection) => isLive(connection));
    const answered = Promise.all(answers.map((answer) => Promise.race([answer, setTimeout(PATIENCE_MS, false)])));
    expect((await answered).filter((answer) => !answer).length).toBeLessThanOrEqual(1);
    process.kill(first, 'SIGCONT');
    expect(await Promise.all(answers)).not.toContain(false);
  } finally {
    process.kill(first, 'SIGCONT');
    for (const connection of connections) connection[Symbol.dispose]();
  }
});

test('a client that ends its side gets the answer of a worker', async () => {
  await using directory = await makeTempDir();
  await using server = await startServeProcess({ directory: `${directory.path}/data`, workers: 2 });
  using connection = await RawConnection.open(server.port);
  connection.send(HEALTH_REQUEST);
  connection.half();
  expect((await connection.response()).status).toBe(200);
});

async function isLive(connection: RawConnection): Promise<boolean> {
  connection.send(HEALTH_REQUEST);
  return (await connection.response()).status === 200;
}

/** The end of what it logged, but for requests. */
/** What the server logged but for requests and their like. */
function troubleOf(server: ServeProcess): string {
  const lines = server.output().split('\n');
  return lines
    .filter((line) => /"level":"(?:warn|error)"/.test(line))
    .slice(-20)
    .join('\n');
}

function lastWords(server: ServeProcess): string {
  const lines = server.output().split('\n');
  return lines
    .filter((line) => !line.includes('"msg":"request"'))
    .slice(-10)
    .join('\n');
}

/** Kills one of the worker processes there are; how many that were. */
function killOne(server: ServeProcess, random: () => number): number {
  const pids = server.workerPids();
  const pid = pids[Math.floor(random() * pids.length)];
  if (pid === undefined) return 0;
  killNow(pid);
  return 1;
}

/** The worker process that holds the server's end of the connection from `clientPort`. */
function ownerOf(clientPort: number, server: ServeProcess): number | undefined {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
  const ends = new RegExp(`:${hex(server.port)} [0-9A-F]+:${hex(clientPort)} 01 `);
  const line = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .find((each) => ends.test(each));
  const inode = line?.trim().split(/\s+/)[9];
  return server.workerPids().find((pid) => {
    const files = readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`));
    return files.includes(`socket:[${inode}]`);
  });
}

/** A PutObject of which the server has taken the first half. */
class HalfSent {
  readonly #request: ClientRequest;
  readonly #content: Content;
  readonly #status: Promise<number | undefined>;

  private constructor(request: ClientRequest, content: Content) {
    this.#request = request;
    this.#content = content;
    this.#status = once(request, 'response').then(
      ([response]) => response.statusCode,
      () => undefined,
    );
  }

  static async begin(server: ServeProcess, key: string): Promise<HalfSent> {
    const content = new Content(1, 1024 ** 2);
    const headers = { expect: '100-continue' };
    const path = `/${BUCKETS.plain}/${key}`;
    const request = openRequest(server, { method: 'PUT', path, headers, body: { content } });
    const sent = new HalfSent(request, content);
    request.flushHeaders();
    await once(request, 'continue');
    for (const piece of content.pieces(0, content.sizeBytes / 2)) request.write(piece);
    return sent;
  }

  /** The client's end of its connection. */
  get port(): number {
    return this.#request.socket?.localPort ?? 0;
  }

  /** The status of the answer; `undefined` where none came. */
  async finish(): Promise<number | undefined> {
    for (const piece of this.#content.pieces(this.#content.sizeBytes / 2)) this.#request.write(piece);
    this.#request.end();
    return await this.#status;
  }
}
