import { setTimeout as sleep } from 'node:timers/promises';
import type { CassandraNode } from '../../scripts/cassandra/cluster.ts';
import type { HistoryEntry } from '../history/history.ts';
import { checkHistory } from '../history/linearizable.ts';
import { S3Subject } from '../history/s3-subject.ts';
import { randomNumbers, recordHistory, type Workload } from '../history/workload.ts';
import { SERVE_KEYS } from '../support/serve-process.ts';
import { AnswerLog } from './answer-log.ts';
import type { CassandraGateways } from './cassandra-gateways.ts';
import { completeLeftUploads, findLosses } from './find-losses.ts';
import { blobsInKeyspace } from './inspect-keyspace.ts';
import { type Buckets, LoadClient, requireStatus } from './load-client.ts';
import { Pace } from './pace.ts';
import { S3Client } from './s3-client.ts';
import { waitUntil } from './wait-until.ts';

export interface Losses {
  readonly seed: number;
  /** So many operations are recorded at least, most of them while a node is away: each is, for its share of them. */
  readonly operations: number;
  /** The nodes that are killed, in turn. */
  readonly nodes: readonly CassandraNode[];
  /** How long a gateway is held while a node is away, in milliseconds; then the node stays away for its share. */
  readonly pauseMs: number;
  /** Told what happens, with the seconds since the beginning. */
  readonly onProgress: (step: string) => void;
}

export interface LossesReport {
  readonly seed: number;
  readonly loadMs: number;
  /** Operations of the recorded history, found linearizable unless there is a problem. */
  readonly entries: number;
  readonly entriesInDoubt: number;
  readonly answers: AnswerLog;
  readonly nodesKilled: number;
  readonly gatewaysHeld: number;
  /** What is not as it must be, one sentence each. */
  readonly problems: readonly string[];
}

/** Gateways over three nodes whose clocks are hours off, to both sides. */
export const SKEWS_MS = [0, 3 * 3_600_000, -2 * 3_600_000];
/** Longer than both graces of the gateways: what a held one is doing is given up meanwhile. */
export const PAUSE_MS = 25_000;
/** Nodes keep hints for so short a time that one that was away knows less than the others until it is repaired. */
export const FORGETFUL = { max_hint_window: '1s', phi_convict_threshold: 8 };

const LOAD_CLIENTS = 6;
const HISTORY_CLIENTS = 18;
const HISTORY_KEYS = Array.from({ length: 24 }, (_, index) => `key-${index}`);
/** What each client rests before a request while a node starts and is repaired. */
const REST_MS = 5_000;
/** The part of a node's share that is recorded when it comes back. */
const AWAY_PART = 0.9;
/** For one operation of the history, in milliseconds. */
const OPERATION_MS_MAX = 100;
const RECLAIM_MS_MAX = 240_000;
const BUCKETS: Buckets = { plain: 'plain', versioned: 'versioned' };

/**
 * A mixed load on all gateways while nodes are killed with no warning, come back and are repaired, and gateways are
 * held: afterwards every answer must make sense, and nothing may be missing or left over. Throws for an answer that no
 * request may get.
 */
export async function surviveLosses(lab: CassandraGateways, losses: Losses): Promise<LossesReport> {
  const { seed, operations, nodes } = losses;
  const pace = new Pace(REST_MS);
  const tell = beginTimeline(losses.onProgress);
  const random = randomNumbers(seed);
  await lab.makeBucket(BUCKETS.plain);
  await lab.makeBucket(BUCKETS.versioned, { isVersioned: true });
  await lab.makeBucket('history');
  const answers = new AnswerLog();
  const beganAt = performance.now();
  const clients = Array.from({ length: LOAD_CLIENTS }, (_, index) => new LoadClient({ index, seed, buckets: BUCKETS }));
  let isOver = false;
  let isLossOver = false;
  let recordedCount = 0;
  const load = Promise.all(
    clients.map((client, index) => client.run(lab.endpoint(index, answers.note), () => isOver, pace.turn)),
  );
  const buckets = makeAndDeleteBuckets(lab, () => isOver, pace.turn);
  const isRecorded = (entries: number): boolean => {
    recordedCount = entries;
    return isLossOver && entries >= operations;
  };
  const history = record(lab, { random, turn: pace.turn, isOver: isRecorded });
  let failure: { readonly error: unknown } | undefined;
  for (const running of [load, buckets, history]) {
    running.catch((error: unknown) => {
      failure ??= { error };
    });
  }
  const count = (): number => {
    if (failure !== undefined) throw failure.error;
    return recordedCount;
  };
  await loseInTurn(lab, losses, { random, pace, tell, recordedCount: count });
  isLossOver = true;
  const entries = await history;
  isOver = true;
  await Promise.all([load, buckets]);
  const loadMs = performance.now() - beganAt;
  tell('the history is recorded');
  return {
    ...{ seed, loadMs, answers, entries: entries.length, nodesKilled: nodes.length, gatewaysHeld: nodes.length },
    entriesInDoubt: entries.filter(({ response }) => response.kind === 'in-doubt').length,
    problems: await findProblems(lab, { clients, entries, tell }),
  };
}

interface Loaded {
  /** None of them runs any more. */
  readonly clients: readonly LoadClient[];
  readonly entries: readonly HistoryEntry[];
  readonly tell: (what: string) => void;
}

/** What is not as it must be; ends with the first check that finds something. */
async function findProblems(lab: CassandraGateways, { clients, entries, tell }: Loaded): Promise<readonly string[]> {
  const verdict = checkHistory(entries);
  if (verdict.kind !== 'linearizable') return [`The history is not linearizable: ${JSON.stringify(verdict)}`];
  tell('it is linearizable');
  for (const index of lab.gateways.keys()) {
    const losses = await findLosses(lab.endpoint(index), BUCKETS, clients);
    if (losses.length > 0) return losses;
  }
  tell('nothing is lost on any gateway');
  for (const client of clients) await completeLeftUploads(lab.endpoint(0), BUCKETS, client);
  const losses = await findLosses(lab.endpoint(1), BUCKETS, clients);
  if (losses.length > 0) return losses;
  tell('uploads that were left are completed');
  const isClean = async (): Promise<boolean> => {
    const { stored, referenced } = await blobsInKeyspace(lab.keyspace);
    return stored.size === referenced.size;
  };
  await waitUntil('all that failures left is reclaimed', isClean, { timeoutMs: RECLAIM_MS_MAX });
  tell('all that failures left is reclaimed');
  const { exitCode, output } = await lab.fsck();
  return exitCode === 0 && output.startsWith('clean') ? [] : [`fsck ended with ${exitCode}: ${output}`];
}

interface Running {
  readonly random: () => number;
  readonly pace: Pace;
  readonly tell: (what: string) => void;
  /** Operations of the history so far. Throws what ended a client. */
  readonly recordedCount: () => number;
}

async function loseInTurn(
  lab: CassandraGateways,
  { nodes, pauseMs, operations }: Losses,
  { random, pace, tell, recordedCount }: Running,
): Promise<void> {
  for (const [index, node] of nodes.entries()) {
    await sleep(2_000 + random() * 6_000);
    await node.kill();
    tell(`node ${node.place.number} is killed`);
    await sleep(8_000 + random() * 8_000);
    const held = Math.floor(random() * lab.gateways.length);
    lab.pause(held);
    tell(`gateway ${held} is held`);
    await sleep(pauseMs);
    lab.resume(held);
    tell('it goes on');
    const count = (operations * (index + AWAY_PART)) / nodes.length;
    const isRecorded = async (): Promise<boolean> => recordedCount() >= count;
    await waitUntil(`${count} operations are recorded`, isRecorded, { timeoutMs: operations * OPERATION_MS_MAX });
    tell(`${recordedCount()} operations are recorded; the node is started`);
    await pace.spare(async () => {
      await node.start();
      await node.untilSees(lab.cluster.nodes.length);
      tell('all nodes are up');
      // It slept past its hints: only a repair tells it what it missed; of all ranges, since it has a copy of all.
      const repair = await node.nodetool('repair', '--full', lab.keyspace.options.keyspace);
      if (repair.status !== 0) throw new Error(`The repair ended with ${repair.status}: ${repair.stderr}`);
      tell('it is repaired');
    });
  }
}

/** Tells what happens, each with the seconds since now. */
function beginTimeline(onProgress: Losses['onProgress']): (what: string) => void {
  const beganAt = performance.now();
  return (what) => onProgress(`${((performance.now() - beganAt) / 1000).toFixed(1)} s: ${what}`);
}

/** A history of clients on all gateways, of small and of larger bodies, in one bucket. */
async function record(
  lab: CassandraGateways,
  { random, ...until }: Required<Pick<Workload, 'turn' | 'isOver'>> & { readonly random: () => number },
): Promise<HistoryEntry[]> {
  const subjects = Array.from({ length: HISTORY_CLIENTS }, (_, index) => {
    const { host, port, skewMs = 0 } = lab.endpoint(index);
    const bodyBytes = index % 6 === 5 ? 20_000 : 64;
    return new S3Subject({ host, port, skewMs, bucket: 'history', keys: SERVE_KEYS }, bodyBytes);
  });
  const seed = Math.floor(random() * 1e6);
  const shape = { clients: HISTORY_CLIENTS, keys: HISTORY_KEYS, operations: Number.POSITIVE_INFINITY, seed };
  const entries = await recordHistory(subjects, { ...shape, ...until });
  for (const subject of subjects) subject[Symbol.dispose]();
  return entries;
}

/** Makes one bucket after the other, puts into it from one gateway and deletes it through another, empty or not. */
async function makeAndDeleteBuckets(
  lab: CassandraGateways,
  isOver: () => boolean,
  turn: () => Promise<void>,
): Promise<void> {
  const ignore = (): void => undefined;
  using one = new S3Client(lab.endpoint(0, ignore));
  using other = new S3Client(lab.endpoint(1, ignore));
  for (let count = 0; !isOver(); count++) {
    await turn();
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
