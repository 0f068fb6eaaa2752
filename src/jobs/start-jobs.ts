import type { Stores } from '../stores/stores.ts';
import { type JobOptions, startJob } from './job.ts';
import { INTENT_GRACE_MS, RECLAIM_GRACE_MS, reclaim } from './reclaim.ts';
import { sweepStaleUploads } from './stale-uploads.ts';

/** From one run of a job to the next, in milliseconds. */
const RECLAIM_INTERVAL_MS = 30_000;
const STALE_UPLOADS_INTERVAL_MS = 3_600_000;

export interface JobSettings {
  readonly nowMs: () => number;
  /** See `INTENT_GRACE_MS`. */
  readonly intentGraceMs?: number;
  /** See `RECLAIM_GRACE_MS`; less is not safe while reads run. */
  readonly reclaimGraceMs?: number;
  /** Open uploads older than this are aborted, in milliseconds; without it none is. */
  readonly staleUploadsAfterMs?: number;
  readonly onError: JobOptions['onError'];
}

/** Starts what keeps the stores clean, until the result is disposed of. May run in every process. */
export function startJobs(stores: Stores, settings: JobSettings): AsyncDisposable {
  const { nowMs, intentGraceMs = INTENT_GRACE_MS, reclaimGraceMs = RECLAIM_GRACE_MS, onError } = settings;
  const jobs = [...stores.regions.values()].map((region) =>
    startJob({
      name: `reclaim of ${region.name}`,
      intervalMs: Math.min(RECLAIM_INTERVAL_MS, reclaimGraceMs),
      run: async ({ signal }) => void (await reclaim(region, { signal, nowMs, intentGraceMs, reclaimGraceMs })),
      onError,
    }),
  );
  const staleUploads = startJob({
    name: 'stale uploads',
    intervalMs: STALE_UPLOADS_INTERVAL_MS,
    run: ({ signal }) => sweepStaleUploads(stores, { signal, nowMs, staleAfterMs: settings.staleUploadsAfterMs }),
    onError,
  });
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all([...jobs, staleUploads].map((job) => job[Symbol.asyncDispose]()));
    },
  };
}
