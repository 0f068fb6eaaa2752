import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type ForkedServer, forkServer } from '../fuzz/server/fork-server.ts';
import { KEPT, KEPT_BUCKET, SERVER_HOST } from '../fuzz/server/names.ts';
import { elementText, RawConnection, requestBytes } from '../support/raw-http.ts';
import { signByHeader, UNSIGNED } from '../support/sign.ts';
import { ALICE, NOW_MS } from '../support/start-front.ts';
import { waitUntil } from './wait-until.ts';

const IDLE_CONNECTIONS = 10_000;
/** As many as are opened at once, so that none waits in the queue of the listener for long. */
const OPENED_AT_ONCE = 200;
/** Longer than all of them take to open on a busy machine, in milliseconds. */
const UNDISTURBED_MS = 300_000;
/** Connections that are left idle until they are closed, and for how long, in milliseconds. */
const FORGOTTEN_CONNECTIONS = 500;
const IDLE_MS = 5_000;
/** How much longer than `IDLE_MS` an idle connection may live: node:http looks every 5 s, and adds 1 s, in milliseconds. */
const LATE_MS_MAX = 20_000;
/** What the server may hold for a connection that says nothing, in bytes: two sockets' objects, a parser, a timer. */
const IDLE_BYTES_MAX = 24 * 1024;
const NEW_REQUESTS = 100;

const SLOW_READERS = 40;
const LARGE_BYTES = 64 * 1024 * 1024;
const SEND_TIMEOUT_MS = 5_000;
/** What the server may hold for a client that does not read, in bytes: some chunks of 256 KiB on their way. */
const SLOW_BYTES_MAX = 3 * 1024 * 1024;
const CUT_MS_MAX = 20_000;

const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

test(`${IDLE_CONNECTIONS} idle connections cost little and keep nobody out`, async () => {
  expect(openFilesMax(), 'open files that a process may have (ulimit -Hn)').toBeGreaterThan(IDLE_CONNECTIONS * 1.1);
  const limits = { connectionsMax: 2 * IDLE_CONNECTIONS, keepAliveTimeoutMs: UNDISTURBED_MS };
  await using server = await forkServer({ ...limits, headersTimeoutMs: UNDISTURBED_MS });
  const [key = ''] = KEPT.keys();
  for (let count = 0; count < NEW_REQUESTS; count++) expect(await statusOf(server, key)).toBe(200);
  await waitUntil('those requests are over', async () => await hasAtMost(server, 1), { timeoutMs: CUT_MS_MAX });
  const before = { ...(await server.state('collected')), anonymousBytes: anonymousBytesOf(server) };
  await openIdle(server, IDLE_CONNECTIONS, key);
  const during = { ...(await server.state('collected')), anonymousBytes: anonymousBytesOf(server) };
  expect(during.socketsCount - before.socketsCount).toBe(IDLE_CONNECTIONS);
  const heldBytes = (during.heldBytes - before.heldBytes) / IDLE_CONNECTIONS;
  const anonymousBytes = (during.anonymousBytes - before.anonymousBytes) / IDLE_CONNECTIONS;
  const times: number[] = [];
  for (let count = 0; count < NEW_REQUESTS; count++) {
    const beganAt = performance.now();
    expect(await statusOf(server, key)).toBe(200);
    times.push(performance.now() - beganAt);
  }
  console.log(
    `Each of ${IDLE_CONNECTIONS} idle connections: ${Math.round(heldBytes)} bytes held by JavaScript, ` +
      `${Math.round(anonymousBytes)} of memory; a new request beside them takes ${Math.max(...times).toFixed(0)} ms at most.`,
  );
  expect(anonymousBytes).toBeLessThan(IDLE_BYTES_MAX);
});

test('connections that have been idle are closed, whether they were ever used or not', async () => {
  await using server = await forkServer({ keepAliveTimeoutMs: IDLE_MS, headersTimeoutMs: IDLE_MS });
  const [key = ''] = KEPT.keys();
  const before = await server.state('now');
  await openIdle(server, FORGOTTEN_CONNECTIONS, key);
  await waitUntil('the idle connections are closed', async () => await hasAtMost(server, before.socketsCount), {
    timeoutMs: IDLE_MS + LATE_MS_MAX,
  });
  expect(sockets).toHaveLength(FORGOTTEN_CONNECTIONS);
  expect(sockets.every(({ readableEnded, destroyed }) => readableEnded || destroyed)).toBe(true);
});

test(`${SLOW_READERS} clients that do not read their 64 MiB hold little, and are cut off`, async () => {
  await using server = await forkServer({ sendTimeoutMs: SEND_TIMEOUT_MS });
  await putLarge(server);
  // The first answers fill pools that stay.
  await readAll(server);
  const before = { ...(await server.state('collected')), anonymousBytes: anonymousBytesOf(server) };
  for (let count = 0; count < SLOW_READERS; count++) {
    const socket = await open(server);
    socket.pause();
    socket.write(getOf('large'));
  }
  const peak = { bytes: 0, socketsCount: 0 };
  const isOver = async () => {
    const { socketsCount } = await server.state('now');
    peak.bytes = Math.max(peak.bytes, anonymousBytesOf(server) - before.anonymousBytes);
    peak.socketsCount = Math.max(peak.socketsCount, socketsCount - before.socketsCount);
    return peak.socketsCount > 0 && socketsCount <= before.socketsCount;
  };
  await waitUntil('the clients that do not read are cut off', isOver, { timeoutMs: SEND_TIMEOUT_MS + CUT_MS_MAX });
  const eachBytes = peak.bytes / SLOW_READERS;
  console.log(
    `Each of ${SLOW_READERS} clients that do not read: ${Math.round(eachBytes / 1024)} KiB of memory at most.`,
  );
  expect(peak.socketsCount).toBe(SLOW_READERS);
  expect(eachBytes).toBeLessThan(SLOW_BYTES_MAX);
});

async function open({ port }: ForkedServer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

/** Opens so many connections; every other one is answered once, and says nothing more. */
async function openIdle(server: ForkedServer, count: number, key: string): Promise<void> {
  for (let opened = 0; opened < count; opened += OPENED_AT_ONCE) {
    const opening = Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened) }, async (_, index) => {
      const socket = await open(server);
      if (index % 2 === 0) await answered(socket, key);
      else socket.resume();
    });
    await Promise.all(opening);
  }
}

/** Asks for a key, and waits until its whole body is there. */
async function answered(socket: Socket, key: string): Promise<void> {
  let received = '';
  const whole = new Promise<void>((resolve, reject) => {
    socket.on('data', (piece) => {
      received += piece.toString('latin1');
      if (received.endsWith(KEPT.get(key) ?? '')) resolve();
    });
    socket.once('close', () => reject(new Error(`The connection was closed after ${JSON.stringify(received)}.`)));
  });
  socket.write(getOf(key));
  await whole;
}

async function statusOf({ port }: ForkedServer, key: string): Promise<number> {
  using connection = await RawConnection.open(port);
  connection.send(getOf(key));
  return (await connection.response()).status;
}

async function readAll(server: ForkedServer): Promise<void> {
  const socket = await open(server);
  let receivedBytes = 0;
  const whole = new Promise<void>((resolve) => {
    socket.on('data', (piece) => {
      receivedBytes += piece.length;
      if (receivedBytes > LARGE_BYTES) resolve();
    });
  });
  socket.write(getOf('large'));
  await whole;
  socket.destroy();
  await waitUntil('the reader is gone', async () => await hasAtMost(server, 1), { timeoutMs: CUT_MS_MAX });
}

async function putLarge({ port }: ForkedServer): Promise<void> {
  using connection = await RawConnection.open(port);
  connection.send(signed('PUT', 'large', { 'content-length': String(LARGE_BYTES) }));
  connection.send(Buffer.alloc(LARGE_BYTES, 'pithos'));
  const { status, body } = await connection.response();
  expect([status, elementText(body, 'Code')]).toEqual([200, undefined]);
}

function getOf(key: string): Buffer {
  return signed('GET', key, {});
}

function signed(method: string, key: string, more: Readonly<Record<string, string>>): Buffer {
  const path = `/${KEPT_BUCKET}/${key}`;
  const request = { method, path, headers: { host: SERVER_HOST, ...more } };
  return requestBytes(`${method} ${path}`, signByHeader(request, UNSIGNED, { keys: ALICE, atMs: NOW_MS }).headers);
}

async function hasAtMost(server: ForkedServer, socketsMax: number): Promise<boolean> {
  return (await server.state('now')).socketsCount <= socketsMax;
}

/** What no file stands behind: heap, buffers, stacks. */
function anonymousBytesOf({ pid }: ForkedServer): number {
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes) * 1024;
}

/** How many files and sockets this process, and each that it starts, may have open. */
function openFilesMax(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]);
}
