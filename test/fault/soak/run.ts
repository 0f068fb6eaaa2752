/**
 * A long load with crashes, restarts and backups, which ends in a report:
 * `npm run soak -- [--minutes N] [--seed N] [--workers N] [--report FILE]`. Ctrl-C ends it early, with the report.
 * Exit codes: 0 all is as it must be, 1 something is not.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { makeTempDir } from '../../support/temp-dir.ts';
import { describeSoak } from './report.ts';
import { runSoak } from './soak.ts';

const MINUTE_MS = 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    workers: { type: 'string', default: '2' },
    report: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const [seed, workers] = [Number(values.seed), Number(values.workers)];
if (!Number.isSafeInteger(minutes) || minutes < 1) throw new TypeError('--minutes is a number from 1 on.');
if (!Number.isSafeInteger(seed)) throw new TypeError('--seed is a whole number.');
if (!Number.isSafeInteger(workers) || workers < 2) throw new TypeError('--workers is a number from 2 on.');
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
console.log(`seed ${seed}`);
await using directory = await makeTempDir();
const report = await runSoak({
  ...{ directory: directory.path, seed, workers, rounds: minutes, roundMs: MINUTE_MS, stop: stop.signal },
  onProgress: (step) => console.log(step),
});
const text = describeSoak(report);
console.log(`\n${text}`);
if (values.report !== undefined) await writeFile(values.report, text);
process.exitCode = report.problems.length === 0 ? 0 : 1;
