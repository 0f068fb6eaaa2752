import type { BucketId } from '../../domain/names.ts';
import type { CallOptions } from '../store.ts';
import { type BucketState, decodeBucketState, encodeBucketState, NEW_BUCKET } from './bucket-state.ts';
import type { Key } from './cells.ts';
import type { Context } from './context.ts';
import { BUCKET_STATE } from './tables.ts';
import { untilAborted } from './until-aborted.ts';

/** How old a state may be that says where to write, in milliseconds. */
export const STATE_AGE_MS_MAX = 1_000;
/** Buckets whose state is remembered. */
const REMEMBERED_MAX = 10_000;

export interface ReadState {
  /** `undefined`: nothing was ever said about the bucket. */
  readonly sequence: number | undefined;
  readonly state: BucketState;
  /** When its reading began, on the monotonic clock. */
  readonly readAtMs: number;
}

interface Reads {
  running: Promise<ReadState> | undefined;
  waiting: Promise<ReadState> | undefined;
}

/** The states of buckets: remembered for a moment to know where to write, and read anew after each write. */
export class BucketStates {
  readonly #context: Context;
  readonly #remembered = new Map<BucketId, ReadState>();
  readonly #reads = new Map<BucketId, Reads>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** The state as it was at most a second ago. */
  async recent(bucketId: BucketId, options: CallOptions): Promise<ReadState> {
    const remembered = this.#remembered.get(bucketId);
    if (remembered !== undefined && this.#context.monotonicMs() - remembered.readAtMs < STATE_AGE_MS_MAX) {
      return remembered;
    }
    return await this.read(bucketId, options);
  }

  /**
   * The state as it is now or later. Calls that wait at the same time share a read that begins after all of them: a
   * busy bucket is read a few times per round trip, not once per request.
   */
  async read(bucketId: BucketId, options: CallOptions): Promise<ReadState> {
    const reads = this.#reads.get(bucketId) ?? { running: undefined, waiting: undefined };
    this.#reads.set(bucketId, reads);
    if (reads.running === undefined) return await untilAborted(this.#start(bucketId, reads), options.signal);
    reads.waiting ??= reads.running.then(noop, noop).then(() => {
      reads.waiting = undefined;
      return this.#start(bucketId, reads);
    });
    return await untilAborted(reads.waiting, options.signal);
  }

  /** Replaces the state, if it is still the one that was read. */
  async replace(
    bucketId: BucketId,
    { sequence }: ReadState,
    state: BucketState,
    options: CallOptions,
  ): Promise<boolean> {
    const head = { sequence: (sequence ?? 0) + 1, value: encodeBucketState(state) };
    const transaction = { ifSequence: sequence, head };
    const outcome = await this.#context.cells.transact(BUCKET_STATE, this.#partition(bucketId), transaction, options);
    this.#remembered.delete(bucketId);
    return outcome === 'applied';
  }

  #start(bucketId: BucketId, reads: Reads): Promise<ReadState> {
    const running = this.#fetch(bucketId).finally(() => {
      reads.running = undefined;
      if (reads.waiting === undefined) this.#reads.delete(bucketId);
    });
    reads.running = running;
    return running;
  }

  async #fetch(bucketId: BucketId): Promise<ReadState> {
    const { cells, monotonicMs } = this.#context;
    const readAtMs = monotonicMs();
    // Shared by several requests, so none of their signals ends it; the cells have a limit of their own.
    const head = await cells.readHead(BUCKET_STATE, this.#partition(bucketId), { signal: UNENDING });
    const state = head === undefined ? NEW_BUCKET : decodeBucketState(head.value);
    const read = { sequence: head?.sequence, state, readAtMs };
    this.#remember(bucketId, read);
    return read;
  }

  #remember(bucketId: BucketId, read: ReadState): void {
    this.#remembered.delete(bucketId);
    this.#remembered.set(bucketId, read);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > REMEMBERED_MAX && oldest !== undefined) this.#remembered.delete(oldest);
  }

  #partition(bucketId: BucketId): Key {
    return [this.#context.store, bucketId];
  }
}

const UNENDING = new AbortController().signal;

function noop(): void {
  // The next read does not depend on how this one ended.
}
