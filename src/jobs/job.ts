export interface JobOptions {
  readonly name: string;
  /** From the end of one run to the beginning of the next, in milliseconds; the first begins as long after the start. */
  readonly intervalMs: number;
  /** One run. It ends promptly when `signal` fires. */
  run(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Told of a run that failed; the next one comes at its time all the same. */
  onError(error: unknown, name: string): void;
}

/**
 * Starts work that repeats until the result is disposed of, which waits for the run under way. There is never more
 * than one run at a time in a process; in several processes jobs run side by side and must be safe so.
 */
export function startJob({ name, intervalMs, run, onError }: JobOptions): AsyncDisposable {
  const stop = new AbortController();
  const { signal } = stop;
  const repeat = async (): Promise<void> => {
    for (;;) {
      try {
        await pause(intervalMs, signal);
        await run({ signal });
      } catch (error) {
        if (signal.aborted) return;
        onError(error, name);
      }
    }
  };
  const repeating = repeat();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error(`The job ${name} was stopped.`));
      await repeating;
    },
  };
}

/** Ends after a while, or when `signal` fires, with its reason; does not keep the process. */
function pause(pauseMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const end = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, pauseMs);
    timer.unref();
    signal.addEventListener('abort', end, { once: true });
  });
}
