import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import type { StoreHooks } from './server.ts';

/** Counts what the stores of one process do, and logs what fails behind their replies. */
export function storeHooks({ log, metrics }: { log: Log; metrics: Metrics }): StoreHooks {
  return {
    metrics,
    onBackgroundError: (error, store) =>
      log.warn({ err: error, store }, 'work behind a reply failed, and is left to whoever meets it'),
  };
}
