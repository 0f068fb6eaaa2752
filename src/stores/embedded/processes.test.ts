import { type ChildProcess, fork, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { collect, keyOf, must, newBucketId, OPTIONS, STANDARD } from '../../../test/contract/drafts.ts';
import type { CounterMessage } from '../../../test/support/embedded-counter.ts';
import type { WriterMessage } from '../../../test/support/embedded-writer.ts';
import { makeTempDir } from '../../../test/support/temp-dir.ts';
import { type BucketId, parseRegionName } from '../../domain/names.ts';
import { reclaim } from '../../jobs/reclaim.ts';
import { openEmbeddedBlobstore } from './blobstore.ts';
import { openDatabase } from './database.ts';
import { EmbeddedMetastore } from './metastore.ts';
import { recoverDatabase } from './recovery.ts';

const WRITER = join(import.meta.dirname, '../../../test/support/embedded-writer.ts');
const COUNTER = join(import.meta.dirname, '../../../test/support/embedded-counter.ts');
const COUNTERS = 2;
const OPENERS = 2;
/** Openings beside writes that lose nothing, and within which those that ask nobody are caught; those need some 100. */
const OPENINGS = 1_000;
const CAUGHT_WITHIN_OPENINGS = 10_000;
const CLAIMED_KEYS = 200;
const KILLS = 6;
const WRITES_BEFORE_KILL = 60;
const CRASHES = 8;
/** What a writer process has under way at a time. */
const WRITERS_AT_ONCE = 8;
/** Blocks of 512 bytes that a file of a process may have: the shell's unit. */
const FILE_BLOCKS_MAX = 2048;

// Starting and killing processes takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

test('of two processes that put a key unless it is there, exactly one does', async () => {
  await using dir = await makeTempDir();
  const bucketId = newBucketId();
  const writers = [startWriter('claim', dir.path, bucketId), startWriter('claim', dir.path, bucketId)];
  try {
    for (const writer of writers) await waitFor(writer, (message) => message.kind === 'ready');
    const told = writers.map((writer) => collectMessages(writer, CLAIMED_KEYS));
    for (let index = 0; index < CLAIMED_KEYS; index++) for (const writer of writers) writer.send(`key-${index}`);
    const winners = (await Promise.all(told)).flat().filter(({ kind }) => kind === 'stored');
    expect(winners).toHaveLength(CLAIMED_KEYS);
    expect(new Set(winners.map(({ key }) => key)).size).toBe(CLAIMED_KEYS);
  } finally {
    await Promise.all(writers.map(kill));
  }
});

test('what a process acknowledged before kill -9 is there, and what it left is reclaimed', async () => {
  await using dir = await makeTempDir();
  const bucketId = newBucketId();
  const acknowledged = new Map<string, 'stored' | 'deleted'>();
  for (let round = 0; round < KILLS; round++) {
    const writer = startWriter('write', dir.path, bucketId);
    const note = ({ kind, key }: WriterMessage): void => {
      if (kind === 'stored' || kind === 'deleted') acknowledged.set(key, kind);
    };
    writer.on('message', note);
    await collectMessages(writer, WRITES_BEFORE_KILL + round * 7);
    await kill(writer);
  }
  expect(acknowledged.size).toBeGreaterThan(KILLS * 10);
  await using database = await openDatabase({ directory: dir.path, durability: 'strict', diskFreeBytesMin: 0 });
  const meta = new EmbeddedMetastore(database, { name: 'us-east-1', nowMs: () => Date.now() });
  const directory = join(dir.path, 'blobs');
  await using blobs = await openEmbeddedBlobstore({ directory, durability: 'strict', diskFreeBytesMin: 0 });
  for (const [key, kind] of acknowledged) {
    const found = await meta.getVersion({ bucketId, key: keyOf(key) }, OPTIONS);
    // A key whose delete was not acknowledged may be gone.
    if (kind === 'deleted') expect(found, key).toBeUndefined();
    if (found?.kind !== 'object' || found.body.kind !== 'blob') continue;
    expect(await blobs.verify(found.body.blob, { deep: true }, OPTIONS), key).toBe('sound');
  }
  const kept = [...acknowledged].filter(([key, kind]) => kind === 'stored' && Number(key.split('/')[2]) % 4 !== 0);
  for (const [key] of kept) expect(await meta.getVersion({ bucketId, key: keyOf(key) }, OPTIONS), key).toBeDefined();
  expect(await collect(meta.checkConsistency(OPTIONS))).toEqual([]);

  const regionName = 'us-east-1';
  const region = { name: must(parseRegionName(regionName)), meta, blobs: new Map([[STANDARD, blobs]]) };
  const nowMs = (): number => Date.now() + 24 * 3_600_000;
  await reclaim(region, { ...OPTIONS, nowMs });
  const referenced = new Set((await collect(meta.scanReferences(OPTIONS))).map(({ id }) => id));
  const stored = new Set((await collect(blobs.list(OPTIONS))).map(({ id }) => id));
  expect(stored).toEqual(referenced);
});

test('processes that open and close the directory while others write take back no commit of theirs', async () => {
  const { openings, counted } = await openBesideCounters('open', OPENINGS);
  expect(openings).toBeGreaterThanOrEqual(OPENINGS);
  expect(counted).toEqual(Array.from({ length: COUNTERS }, () => ({ kind: 'counted', count: expect.any(Number) })));
});

test(`the loss of a commit to an opening that asks nobody is caught within ${CAUGHT_WITHIN_OPENINGS} of them`, async () => {
  const { openings, counted } = await openBesideCounters('open-unasked', CAUGHT_WITHIN_OPENINGS);
  expect(openings).toBeLessThan(CAUGHT_WITHIN_OPENINGS);
  expect(counted).toContainEqual(expect.objectContaining({ kind: 'wrong' }));
});

test('a process that an unexpected error ends while it writes is gone at once, and holds up no other', async () => {
  await using dir = await makeTempDir();
  const bucketId = newBucketId();
  const other = startWriter('write', dir.path, bucketId);
  try {
    for (let round = 0; round < CRASHES; round++) {
      const writer = fork(WRITER, ['write', dir.path, bucketId], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      await collectMessages(writer, WRITES_BEFORE_KILL + round * 7);
      const exited = once(writer, 'exit');
      writer.send('throw');
      await exited;
      await collectMessages(other, WRITERS_AT_ONCE * 2);
    }
  } finally {
    await kill(other);
  }
});

test('a commit that the system refuses ends the process, and what was acknowledged is there afterwards', async () => {
  await using dir = await makeTempDir();
  const bucketId = newBucketId();
  // A file may not grow beyond a limit here: the write of a commit fails half-way.
  const command = `ulimit -f ${FILE_BLOCKS_MAX}; exec "$0" "$@"`;
  const writer = spawn('sh', ['-c', command, process.execPath, WRITER, 'write', dir.path, bucketId], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const acknowledged = new Map<string, string>();
  writer.on('message', ({ kind, key }: WriterMessage) => acknowledged.set(key, kind));
  await waitFor(writer, (message) => message.kind === 'failed');
  await kill(writer);
  expect(existsSync(join(dir.path, 'needs-check'))).toBe(true);
  expect(await recoverDatabase({ directory: dir.path })).toBe('rewritten');
  await using database = await openDatabase({ directory: dir.path, durability: 'strict', diskFreeBytesMin: 0 });
  const meta = new EmbeddedMetastore(database, { name: 'us-east-1', nowMs: () => Date.now() });
  const kept = [...acknowledged].filter(([key, kind]) => kind === 'stored' && Number(key.split('/')[2]) % 4 !== 0);
  expect(kept.length).toBeGreaterThan(10);
  for (const [key] of kept) expect(await meta.getVersion({ bucketId, key: keyOf(key) }, OPTIONS), key).toBeDefined();
  expect(await collect(meta.checkConsistency(OPTIONS))).toEqual([]);
});

/** Counts while other processes open and close the directory, until they did so `openingsMax` times or one is wrong. */
async function openBesideCounters(
  task: 'open' | 'open-unasked',
  openingsMax: number,
): Promise<{ readonly openings: number; readonly counted: readonly CounterMessage[] }> {
  await using dir = await makeTempDir();
  const start = (what: string) => fork(COUNTER, [what, dir.path], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const counters = Array.from({ length: COUNTERS }, () => start('count'));
  const counted: CounterMessage[] = [];
  for (const counter of counters) counter.on('message', (message: CounterMessage) => counted.push(message));
  const isWrong = () => counted.some(({ kind }) => kind === 'wrong');
  let openings = 0;
  let isOver = false;
  const openers: ChildProcess[] = [];
  const startOpener = (): void => {
    const opener = start(task);
    openers.push(opener);
    opener.on('message', () => {
      openings++;
    });
    // One that asks nobody may fail itself on what it left behind.
    opener.once('exit', () => {
      if (!isOver) startOpener();
    });
  };
  try {
    await vi.waitUntil(() => existsSync(join(dir.path, 'metadata.mdb')), { timeout: 10_000 });
    for (let count = 0; count < OPENERS; count++) startOpener();
    await vi.waitUntil(() => openings >= openingsMax || counted.length > 0, { timeout: 100_000 });
    isOver = true;
    const openingsEnd = openings;
    for (const process of [...openers, ...counters]) if (process.connected) process.send('stop', () => undefined);
    // Where one is wrong the other may hang.
    await vi.waitUntil(() => isWrong() || counters.every(isGone), { timeout: 10_000 });
    return { openings: openingsEnd, counted };
  } finally {
    isOver = true;
    await Promise.all([...openers, ...counters].map(kill));
  }
}

function isGone({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function startWriter(task: 'claim' | 'write', directory: string, bucketId: BucketId): ChildProcess {
  return fork(WRITER, [task, directory, bucketId], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function waitFor(writer: ChildProcess, isIt: (message: WriterMessage) => boolean): Promise<void> {
  for await (const [message] of on(writer, 'message', { signal: gone(writer) })) if (isIt(message)) return;
}

async function collectMessages(writer: ChildProcess, count: number): Promise<WriterMessage[]> {
  const messages: WriterMessage[] = [];
  for await (const [message] of on(writer, 'message', { signal: gone(writer) })) {
    messages.push(message);
    if (messages.length >= count) break;
  }
  return messages;
}

/** Fires when the process has ended, so that nobody waits for its messages. */
function gone(writer: ChildProcess): AbortSignal {
  const controller = new AbortController();
  writer.once('exit', (code, signal) => controller.abort(new Error(`The writer ended: ${code ?? signal}.`)));
  return controller.signal;
}

async function kill(writer: ChildProcess): Promise<void> {
  if (isGone(writer)) return;
  const exited = once(writer, 'exit');
  writer.kill('SIGKILL');
  await exited;
}
