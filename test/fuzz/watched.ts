import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type FuzzReport, runTarget } from './run-target.ts';
import { allTargets } from './targets/all-targets.ts';

/** Longest that a case may say nothing before its thread is ended: it hangs. */
const SILENCE_MS_MAX = 20_000;

export interface WatchedRun {
  readonly target: string;
  readonly seed: number;
  readonly firstCase: number;
  readonly casesMax: number;
  readonly durationMs: number;
}

/** What a run tells; an error is its text, as errors of all kinds cannot be sent between threads. */
export interface WatchedReport extends Omit<FuzzReport, 'failure'> {
  readonly failure: { readonly caseNumber: number; readonly input: string; readonly error: string } | undefined;
}

/** Runs one target in a thread of its own, so that a case which never ends is a failure like any other. */
export async function runWatched(run: WatchedRun): Promise<WatchedReport> {
  const progress = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(new URL(import.meta.url), { workerData: { run, progress } });
  const beganAt = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<WatchedReport>();
  let seen = -1;
  const watch = setInterval(() => {
    const caseNumber = Atomics.load(progress, 0);
    if (caseNumber === seen) {
      const failure = { caseNumber, input: '', error: `The case did not end within ${SILENCE_MS_MAX} ms.` };
      const cases = caseNumber - run.firstCase;
      resolve({ target: run.target, cases, durationMs: performance.now() - beganAt, failure });
    }
    seen = caseNumber;
  }, SILENCE_MS_MAX);
  worker.once('message', resolve).once('error', reject);
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

async function report(run: WatchedRun, progress: Int32Array): Promise<void> {
  const target = allTargets().find(({ name }) => name === run.target);
  if (target === undefined) throw new Error(`There is no target ${run.target}.`);
  const onCase = (caseNumber: number) => Atomics.store(progress, 0, caseNumber);
  const { failure, ...rest } = await runTarget(target, { ...run, onCase });
  const told = failure && { caseNumber: failure.caseNumber, input: failure.input, error: textOf(failure.error) };
  parentPort?.postMessage({ ...rest, failure: told } satisfies WatchedReport);
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

if (!isMainThread && workerData?.run !== undefined) await report(workerData.run, workerData.progress);
