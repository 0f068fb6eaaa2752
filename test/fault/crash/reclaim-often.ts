/**
 * Reclaims in the data directory of a running server, from a process beside it, much sooner than a server does:
 * `node reclaim-often.ts DIRECTORY`, until it is told to stop by SIGTERM. Prints a line when it begins.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { reclaim } from '../../../src/jobs/reclaim.ts';
import { openDirectory } from '../inspect-directory.ts';

/** Between two runs, in milliseconds. */
const PAUSE_MS = 20;
/** Longer than a request of the load takes from its intent to its commit, in milliseconds. */
const INTENT_GRACE_MS = 30_000;
/** Longer than a copy takes from its look at the source to its commit, in milliseconds. */
const RECLAIM_GRACE_MS = 500;

const [directory = ''] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await using stores = await openDirectory(directory);
console.log('reclaiming');
let deletedCount = 0;
while (!stop.signal.aborted) {
  for (const region of stores.regions.values()) {
    deletedCount += await reclaim(region, {
      signal: AbortSignal.timeout(60_000),
      nowMs: () => Date.now(),
      intentGraceMs: INTENT_GRACE_MS,
      reclaimGraceMs: RECLAIM_GRACE_MS,
    });
  }
  await sleep(PAUSE_MS);
}
console.log(`reclaimed ${deletedCount}`);
