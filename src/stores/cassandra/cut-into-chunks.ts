import { CHUNK_BYTES, CHUNK_HEADER_BYTES } from './chunks.ts';

/** A row that is to be sealed: room for its header, then the bytes of the blob. */
export interface CutChunk {
  readonly row: Buffer;
  /** Whether the body ends with it. */
  readonly isLast: boolean;
}

/**
 * Cuts a body into rows of chunks, each in a buffer of its own: full ones but for the last. A full chunk is given out
 * when the body goes on or ends, so that the last one is known. A body of no bytes has none.
 * Ends with the signal's reason as soon as it fires, although the body may wait.
 */
export async function* cutIntoChunks(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<CutChunk> {
  let row: Buffer | undefined;
  let end = 0;
  for await (const piece of iterateUntil(body, signal)) {
    for (let taken = 0; taken < piece.length; ) {
      if (row !== undefined && end === row.length) {
        yield { row, isLast: false };
        row = undefined;
      }
      if (row === undefined) {
        row = Buffer.allocUnsafeSlow(CHUNK_HEADER_BYTES + CHUNK_BYTES);
        end = CHUNK_HEADER_BYTES;
      }
      const part = piece.subarray(taken, taken + row.length - end);
      row.set(part, end);
      end += part.length;
      taken += part.length;
    }
  }
  if (row !== undefined) yield { row: row.subarray(0, end), isLast: true };
}

/** What `iterable` gives, until `signal` fires: then it throws the signal's reason at once, however long the next takes. */
async function* iterateUntil<T>(iterable: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
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
    // Not awaited: a body that waits for its next piece answers only after that.
    if (!isDone) void iterator.return?.().catch(() => undefined);
  }
}
