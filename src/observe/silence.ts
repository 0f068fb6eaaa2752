import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** A log that nothing is written to. */
export const NO_LOG: Log = {
  isLevelEnabled: () => false,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  flush: async () => undefined,
};

/** Metrics that count nothing, where nobody can read them. */
export const NO_METRICS: Metrics = {
  requestStarted: () => undefined,
  requestEnded: () => undefined,
  storeFailed: () => undefined,
  checksumMismatched: () => undefined,
  logLinesLost: () => undefined,
  cassandraRequestEnded: () => undefined,
  chunkCorrupted: () => undefined,
};
