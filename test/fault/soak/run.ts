/**
 * A long load with crashes, which ends in a report:
 * `npm run soak -- [--engine embedded|cassandra] [--minutes N] [--seed N] [--workers N] [--report FILE]`.
 * On the embedded engine workers and servers are killed, and backups made; Ctrl-C ends it early, with the report. For
 * Cassandra it starts three nodes, which are killed in turn, and gateways over them, which are held.
 * Exit codes: 0 all is as it must be, 1 something is not.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { makeTempDir } from '../../support/temp-dir.ts';
import { CassandraGateways } from '../cassandra-gateways.ts';
import { FORGETFUL, PAUSE_MS, SKEWS_MS, surviveLosses } from '../lose-nodes.ts';
import { describeLosses, describeSoak } from './report.ts';
import { runSoak } from './soak.ts';

const MINUTE_MS = 60_000;
const NODES = 3;
/** What it takes until each node was lost, came back and was repaired, in minutes. */
const TURN_MINUTES = 7.5;
/** Recorded for each node that is lost. */
const LOSS_OPERATIONS = 5_000;

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'embedded' },
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    workers: { type: 'string', default: '2' },
    report: { type: 'string' },
  },
});
const { engine } = values;
const minutes = numberOf('minutes', 1);
const seed = numberOf('seed', 0);
const workers = numberOf('workers', 2);
if (engine !== 'embedded' && engine !== 'cassandra') throw new TypeError('--engine is embedded or cassandra.');
const onProgress = (step: string): void => console.log(step);
console.log(`seed ${seed}`);
const { text, problems } = engine === 'embedded' ? await soakEmbedded() : await soakCassandra();
console.log(`\n${text}`);
if (values.report !== undefined) await writeFile(values.report, text);
process.exitCode = problems.length === 0 ? 0 : 1;

async function soakEmbedded() {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  await using directory = await makeTempDir();
  const shape = { directory: directory.path, seed, workers, rounds: minutes, roundMs: MINUTE_MS };
  const report = await runSoak({ ...shape, stop: stop.signal, onProgress });
  return { text: describeSoak(report), problems: report.problems };
}

async function soakCassandra() {
  const replication = { class: 'SimpleStrategy', factor: NODES } as const;
  const shape = { nodes: NODES, replication, skewsMs: SKEWS_MS, settings: FORGETFUL };
  await using lab = await CassandraGateways.start(shape);
  const turns = Math.max(1, Math.round(minutes / TURN_MINUTES));
  const nodes = Array.from({ length: turns }, () => lab.cluster.nodes).flat();
  const operations = nodes.length * LOSS_OPERATIONS;
  const report = await surviveLosses(lab, { seed, operations, nodes, pauseMs: PAUSE_MS, onProgress });
  return { text: describeLosses(report), problems: report.problems };
}

function numberOf(name: 'minutes' | 'seed' | 'workers', min: number): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < min) throw new TypeError(`--${name} is a whole number from ${min} on.`);
  return value;
}
