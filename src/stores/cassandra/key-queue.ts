import { type CallOptions, StoreError } from '../store.ts';
import { untilAborted } from './until-aborted.ts';

/** Requests of this process that wait for one key. */
const WAITING_MAX = 1_000;

interface Line {
  tail: Promise<void>;
  length: number;
}

/** Lets the requests of one process at a key go one after the other: against each other they would only lose. */
export class KeyQueue {
  readonly #lines = new Map<string, Line>();

  async run<Result>(key: string, task: () => Promise<Result>, { signal }: CallOptions): Promise<Result> {
    const line = this.#lines.get(key) ?? { tail: Promise.resolve(), length: 0 };
    if (line.length >= WAITING_MAX) {
      throw new StoreError('unavailable', `${WAITING_MAX} requests wait for one key: there is too much contention.`);
    }
    this.#lines.set(key, line);
    line.length++;
    const before = line.tail;
    const done = Promise.withResolvers<void>();
    line.tail = before.then(() => done.promise);
    try {
      await untilAborted(before, signal);
      return await task();
    } finally {
      done.resolve();
      line.length--;
      if (line.length === 0) this.#lines.delete(key);
    }
  }
}
