/** What `iterable` gives, until `signal` fires: then it throws the signal's reason at once, however long the next takes. */
export async function* iterateUntil<T>(iterable: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = iterable[Symbol.asyncIterator]();
  // One listener for all steps: racing each step against one promise would keep every step in memory.
  let abort: (reason: unknown) => void = () => undefined;
  const onAbort = (): void => abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  let isDone = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const result = await new Promise<IteratorResult<T>>((resolve, reject) => {
        abort = reject;
        iterator.next().then(resolve, reject);
      });
      if (result.done === true) {
        isDone = true;
        return;
      }
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a generator that hangs returns only after its step has ended.
    if (!isDone) iterator.return?.().catch(() => undefined);
  }
}
