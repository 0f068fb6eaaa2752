import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startJob } from './job.ts';

const INTERVAL_MS = 1_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

test('runs of a job begin an interval after the last one ended, never two at once', async () => {
  const runs: PromiseWithResolvers<void>[] = [];
  const run = (): Promise<void> => {
    const last = Promise.withResolvers<void>();
    runs.push(last);
    return last.promise;
  };
  await using _job = startJob({ name: 'test', intervalMs: INTERVAL_MS, run, onError: rethrow });
  await vi.advanceTimersByTimeAsync(INTERVAL_MS - 1);
  expect(runs).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(runs).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS);
  expect(runs).toHaveLength(1);
  runs[0]?.resolve();
  await vi.advanceTimersByTimeAsync(INTERVAL_MS);
  expect(runs).toHaveLength(2);
  runs[1]?.resolve();
});

test('a run that fails is told, and the next one comes all the same', async () => {
  const failure = new Error('the store is away');
  const told: unknown[] = [];
  let runs = 0;
  const run = async (): Promise<void> => {
    runs++;
    throw failure;
  };
  const onError = (error: unknown, name: string): void => void told.push(error, name);
  await using _job = startJob({ name: 'test', intervalMs: INTERVAL_MS, run, onError });
  await vi.advanceTimersByTimeAsync(2 * INTERVAL_MS);
  expect(runs).toBe(2);
  expect(told).toEqual([failure, 'test', failure, 'test']);
});

test('disposing of a job ends the run under way and waits for it, and says nothing of how it ended', async () => {
  let ended = false;
  const run = async ({ signal }: { signal: AbortSignal }): Promise<void> => {
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const job = startJob({
    name: 'test',
    intervalMs: INTERVAL_MS,
    run: (options) => run(options).finally(() => (ended = true)),
    onError: rethrow,
  });
  await vi.advanceTimersByTimeAsync(INTERVAL_MS);
  await job[Symbol.asyncDispose]();
  expect(ended).toBe(true);
});

function rethrow(error: unknown): void {
  throw error;
}
