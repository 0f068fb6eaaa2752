/**
 * Crashes the embedded engine at many moments of one recorded load, and reports what each crash would have left:
 * `npm run crash -- [--points N] [--seed N] [--keep DIRECTORY]`. Exit codes: 0 nothing was lost, 1 something was.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { recordLoad } from './recording.ts';
import { type ReplayReport, replayCrashes } from './replay.ts';

const LOAD = { writers: 4, stepsEach: 25 };
const TOLD_LOSSES_MAX = 20;
const TOLD_PROBLEMS_MAX = 5;
/** How often the points that are done are told. */
const PROGRESS_POINTS = 1_000;

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    keep: { type: 'string' },
  },
});
const points = Number(values.points);
const seed = Number(values.seed);
if (!Number.isSafeInteger(points) || points < 1) throw new TypeError('--points is a number from 1 on.');
if (!Number.isSafeInteger(seed)) throw new TypeError('--seed is a whole number.');
console.log(`seed ${seed}`);
const home = await mkdtemp(join(tmpdir(), 'pithos-crash-'));
try {
  const beganAtMs = performance.now();
  const recording = await recordLoad(home, { ...LOAD, seed });
  const { events, history, reclaimedCount } = recording;
  console.log(
    `recorded ${events.length} calls under ${history.length} acknowledged requests, and ${reclaimedCount} reclaimed blobs`,
  );
  const recordedAtMs = performance.now();
  const onPoint = (count: number): void => {
    if (count % PROGRESS_POINTS === 0) console.log(`${count} points in ${secondsSince(recordedAtMs)} s`);
  };
  const report = await replayCrashes(recording, { points, seed, keepIn: values.keep, onPoint });
  tell(report);
  console.log(`${secondsSince(beganAtMs)} s in all, ${secondsSince(recordedAtMs)} s for the replay`);
  process.exitCode = report.losses.length === 0 ? 0 : 1;
} finally {
  await rm(home, { recursive: true });
}

function tell({ pointsCount, prefixesCount, byWay, losses }: ReplayReport): void {
  console.log(`${pointsCount} crash points after ${prefixesCount} prefixes of the calls`);
  for (const [way, count] of byWay) console.log(`  ${way}: ${count}`);
  console.log(losses.length === 0 ? 'nothing was lost' : `${losses.length} states are not as they must be`);
  for (const { eventsCount, way, problems } of losses.slice(0, TOLD_LOSSES_MAX)) {
    console.log(`after ${eventsCount} calls, ${way}:\n  ${problems.slice(0, TOLD_PROBLEMS_MAX).join('\n  ')}`);
  }
}

function secondsSince(beganAtMs: number): string {
  return ((performance.now() - beganAtMs) / 1_000).toFixed(1);
}
