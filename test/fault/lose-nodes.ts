import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { CassandraNode } from '../../scripts/cassandra/cluster.ts';
import type { HistoryEntry } from '../history/history.ts';
import { checkHistory } from '../history/linearizable.ts';
import { S3Subject } from '../history/s3-subject.ts';
import { randomNumbers, recordHistory } from '../history/workload.ts';
import { SERVE_KEYS } from '../support/serve-process.ts';
import { AnswerLog, type CassandraGateways } from './cassandra-gateways.ts';
import { completeLeftUploads, findLosses } from './find-losses.ts';
import { blobsInKeyspace } from './inspect-keyspace.ts';
import { type Buckets, LoadClient, requireStatus } from './load-client.ts';
import { S3Client } from './s3-client.ts';
import { waitUntil } from './wait-until.ts';

export interface Losses {
  readonly seed: number;
  /** Operations whose history is recorded and checked. */
  readonly operations: number;
  /** The nodes that are killed, in turn. */
  readonly nodes: readonly CassandraNode[];
  /** How long a gateway is held while a node is away, in milliseconds. */
  readonly pauseMs: number;
}

const LOAD_CLIENTS = 6;
const HISTORY_CLIENTS = 18;
const HISTORY_KEYS = Array.from({ length: 24 }, (_, index) => `key-${index}`);
const RECLAIM_MS_MAX = 240_000;
const BUCKETS: Buckets = { plain: 'plain', versioned: 'versioned' };

/**
 * A mixed load on all gateways while nodes are killed with no warning, come back and are repaired, and gateways are
 * held: afterwards every answer must make sense, and nothing may be missing or left over.
 */
export async function surviveLosses(lab: CassandraGateways, losses: Losses): Promise<void> {
  const { seed, operations } = losses;
  console.log(`Seed ${seed} (PITHOS_TEST_SEED).`);
  const random = randomNumbers(seed);
  await lab.makeBucket(BUCKETS.plain);
  await lab.makeBucket(BUCKETS.versioned, { isVersioned: true });
  await lab.makeBucket('history');
  const answers = new AnswerLog();
  const clients = Array.from({ length: LOAD_CLIENTS }, (_, index) => new LoadClient({ index, seed, buckets: BUCKETS }));
  let isOver = false;
  const load = Promise.all(clients.map((client, index) => client.run(lab.endpoint(index, answers.note), () => isOver)));
  const buckets = makeAndDeleteBuckets(lab, () => isOver);
  const history = record(lab, operations, random);
  for (const running of [load, buckets, history]) running.catch(() => undefined);
  await loseInTurn(lab, losses, random);
  const entries = await history;
  isOver = true;
  await Promise.all([load, buckets]);
  console.log(describeRun(answers, entries));
  expect(checkHistory(entries)).toEqual({ kind: 'linearizable' });
  for (const index of lab.gateways.keys()) {
    expect(await findLosses(lab.endpoint(index), BUCKETS, clients)).toEqual([]);
  }
  for (const client of clients) await completeLeftUploads(lab.endpoint(0), BUCKETS, client);
  expect(await findLosses(lab.endpoint(1), BUCKETS, clients)).toEqual([]);
  const isClean = async (): Promise<boolean> => {
    const { stored, referenced } = await blobsInKeyspace(lab.keyspace);
    return stored.size === referenced.size;
  };
  await waitUntil('all that failures left is reclaimed', isClean, { timeoutMs: RECLAIM_MS_MAX });
  expect(await lab.fsck()).toEqual({ exitCode: 0, output: expect.stringMatching(/^clean/) });
}

async function loseInTurn(lab: CassandraGateways, { nodes, pauseMs }: Losses, random: () => number): Promise<void> {
  const beganAt = performance.now();
  const tell = (what: string): void => console.log(`${((performance.now() - beganAt) / 1000).toFixed(1)} s: ${what}`);
  for (const node of nodes) {
    await sleep(2_000 + random() * 6_000);
    await node.kill();
    tell(`node ${node.place.number} is killed`);
    await sleep(8_000 + random() * 8_000);
    const held = Math.floor(random() * lab.gateways.length);
    lab.pause(held);
    tell(`gateway ${held} is held`);
    await sleep(pauseMs);
    lab.resume(held);
    tell('it goes on; the node is started');
    await node.start();
    await lab.cluster.untilAllUp();
    tell('all nodes are up');
    // It slept past its hints: only a repair tells it what it missed.
    const repair = await node.nodetool('repair', '--full', lab.keyspace.options.keyspace);
    expect(repair.status, repair.stderr).toBe(0);
    tell('it is repaired');
  }
}

/** A history of clients on all gateways, of small and of larger bodies, in one bucket. */
async function record(lab: CassandraGateways, operations: number, random: () => number): Promise<HistoryEntry[]> {
  const subjects = Array.from({ length: HISTORY_CLIENTS }, (_, index) => {
    const { host, port, skewMs = 0 } = lab.endpoint(index);
    const bodyBytes = index % 6 === 5 ? 20_000 : 64;
    return new S3Subject({ host, port, skewMs, bucket: 'history', keys: SERVE_KEYS }, bodyBytes);
  });
  const workload = { clients: HISTORY_CLIENTS, keys: HISTORY_KEYS, operations, seed: Math.floor(random() * 1e6) };
  const entries = await recordHistory(subjects, workload);
  for (const subject of subjects) subject[Symbol.dispose]();
  return entries;
}

/** Makes one bucket after the other, puts into it from one gateway and deletes it through another, empty or not. */
async function makeAndDeleteBuckets(lab: CassandraGateways, isOver: () => boolean): Promise<void> {
  const ignore = (): void => undefined;
  using one = new S3Client(lab.endpoint(0, ignore));
  using other = new S3Client(lab.endpoint(1, ignore));
  for (let count = 0; !isOver(); count++) {
    const bucket = `short-lived-${count % 5}`;
    const call = { method: 'PUT', path: `/${bucket}/key`, body: 'body' };
    await one.send({ method: 'PUT', path: `/${bucket}` });
    const [put, removed] = await Promise.all([
      one.send(call),
      sleep(count % 7).then(() => other.send({ method: 'DELETE', path: `/${bucket}` })),
    ]);
    if (put?.status !== 200) continue;
    // What was stored keeps its bucket.
    if (removed?.status === 204) throw new Error(`Bucket ${bucket} was deleted, with a key that was stored.`);
    const deleted = await one.send({ method: 'DELETE', path: `/${bucket}/key` });
    if (deleted !== undefined) requireStatus(call, deleted, 204);
    await other.send({ method: 'DELETE', path: `/${bucket}` });
  }
}

function describeRun(answers: AnswerLog, entries: readonly HistoryEntry[]): string {
  const doubts = entries.filter(({ response }) => response.kind === 'in-doubt').length;
  const codes = [...answers.failuresByCode].map(([code, count]) => `${code} ${count}`).join(', ');
  return [
    `${entries.length} operations recorded, ${doubts} in doubt.`,
    `Mixed load: ${answers.answers} requests, ${answers.failures} failed (${codes}).`,
    answers.describePause(),
  ].join(' ');
}
