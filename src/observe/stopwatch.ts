import { performance } from 'node:perf_hooks';

/** Starts to measure; each call of the result gives the milliseconds since. It measures spans, it tells no time. */
export function startStopwatch(): () => number {
  const startedAtMs = performance.now();
  return () => performance.now() - startedAtMs;
}
