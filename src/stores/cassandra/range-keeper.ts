import type { BucketId } from '../../domain/names.ts';
import type { CallOptions } from '../store.ts';
import type { BucketStates, ReadState } from './bucket-states.ts';
import type { Context } from './context.ts';
import type { RangeChanges, RangeContents } from './range-change.ts';

/** A range is cut when it holds more than this. */
export interface RangeLimits {
  readonly bytesMax: number;
  readonly rowsMax: number;
  /** Rows that show nothing, before a range is written anew without them. */
  readonly deadRowsMax: number;
}

export const RANGE_LIMITS: RangeLimits = { bytesMax: 32 * 1024 ** 2, rowsMax: 150_000, deadRowsMax: 4_000 };

/** Ranges of a bucket: its state names them all, in one cell. */
const RANGES_MAX = 1_500;
/** Ranges that are counted. */
const COUNTED_MAX = 10_000;
/** A range is looked at when this part of the most it may hold was written to it. */
const LOOK_AFTER = 0.15;
/** A range that this process has not seen before is looked at sooner: others may have filled it. */
const LOOK_AFTER_FIRST = 0.01;
/** A change that nobody has carried on for this long is somebody's who is gone, in milliseconds. */
const ABANDONED_MS = 60_000;

interface Count {
  rows: number;
  deadRows: number;
}

/**
 * Keeps the partitions of listings small and free of rows that show nothing. Each process counts what it writes and
 * passes over, and looks at a range when that may have become too much; one range at a time.
 */
export class RangeKeeper {
  readonly #context: Context;
  readonly #states: BucketStates;
  readonly #changes: RangeChanges;
  readonly #limits: RangeLimits;
  readonly #counts = new Map<string, Count>();
  /** Ranges that wait to be looked at. */
  readonly #waiting = new Map<string, { readonly bucketId: BucketId; readonly rangeId: string }>();
  readonly #unchanged = new Map<BucketId, { readonly epoch: number; readonly sinceMs: number }>();
  #isLooking = false;

  constructor(context: Context, parts: { states: BucketStates; changes: RangeChanges; limits: RangeLimits }) {
    this.#context = context;
    this.#states = parts.states;
    this.#changes = parts.changes;
    this.#limits = parts.limits;
  }

  /** A row of the range was written; a dead one, or one that was found to be. */
  note(bucketId: BucketId, rangeId: string, isDead: boolean): void {
    const { rowsMax, deadRowsMax } = this.#limits;
    const name = `${bucketId}/${rangeId}`;
    const count = this.#counts.get(name) ?? this.#firstCount(name);
    count.rows++;
    if (isDead) count.deadRows++;
    if (count.rows < rowsMax * LOOK_AFTER && count.deadRows < deadRowsMax) return;
    this.#counts.set(name, { rows: 0, deadRows: 0 });
    this.#waiting.set(name, { bucketId, rangeId });
    if (!this.#isLooking) void this.#context.background.run((options) => this.#lookAtAll(options));
  }

  #firstCount(name: string): Count {
    const { rowsMax } = this.#limits;
    const count = { rows: Math.floor(rowsMax * (LOOK_AFTER - LOOK_AFTER_FIRST)), deadRows: 0 };
    this.#counts.set(name, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > COUNTED_MAX && oldest !== undefined) this.#counts.delete(oldest);
    return count;
  }

  async #lookAtAll(options: CallOptions): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      for (;;) {
        const [next] = this.#waiting;
        if (next === undefined || options.signal.aborted) return;
        const [name, { bucketId, rangeId }] = next;
        this.#waiting.delete(name);
        await this.lookAt(bucketId, rangeId, options);
      }
    } finally {
      this.#isLooking = false;
    }
  }

  /** Splits, joins or cleans a range where it needs that. */
  async lookAt(bucketId: BucketId, rangeId: string, options: CallOptions): Promise<void> {
    const read = await this.#states.read(bucketId, options);
    const { state } = read;
    if (state.status.kind === 'closed') return;
    if (state.change !== undefined) {
      if (this.#isAbandoned(bucketId, state.epoch)) await this.#changes.resume(bucketId, options);
      return;
    }
    const index = state.ranges.findIndex(({ id }) => id === rangeId);
    if (index === -1) return;
    const contents = await this.#changes.measure(bucketId, rangeId, options);
    const { bytesMax, rowsMax, deadRowsMax } = this.#limits;
    const isFull = contents.liveBytes > bytesMax || contents.liveRows > rowsMax;
    const isSparse =
      contents.liveRows < rowsMax / 100 && state.ranges.length > 1 && contents.deadRows > deadRowsMax / 4;
    if (isFull && state.ranges.length < RANGES_MAX) {
      await this.#changes.replace(bucketId, read, { index, count: 1, starts: this.#cuts(contents) }, options);
    } else if (isSparse) {
      await this.#join(bucketId, read, index, options);
    } else if (contents.deadRows > deadRowsMax / 2) {
      await this.#changes.replace(bucketId, read, { index, count: 1, starts: [] }, options);
    }
  }

  /** Joins a range that is nearly empty with its smaller neighbour, unless both together were too large. */
  async #join(bucketId: BucketId, read: ReadState, index: number, options: CallOptions): Promise<void> {
    const { ranges } = read.state;
    const first = index + 1 < ranges.length ? index : index - 1;
    const neighbour = ranges[first === index ? index + 1 : first];
    if (neighbour === undefined) return;
    const { liveRows, liveBytes } = await this.#changes.measure(bucketId, neighbour.id, options);
    const { bytesMax, rowsMax } = this.#limits;
    const fits = liveRows < rowsMax / 2 && liveBytes < bytesMax / 2;
    const plan = fits ? { index: first, count: 2, starts: [] } : { index, count: 1, starts: [] };
    await this.#changes.replace(bucketId, read, plan, options);
  }

  /** Where to cut, so that each piece has half of what it may hold. */
  #cuts({ cuts, liveBytes, liveRows }: RangeContents): readonly Uint8Array[] {
    const { bytesMax, rowsMax } = this.#limits;
    const pieces = Math.max(2, Math.ceil((2 * liveBytes) / bytesMax), Math.ceil((2 * liveRows) / rowsMax));
    const starts: Uint8Array[] = [];
    for (const { key, bytesBefore } of cuts) {
      if (bytesBefore >= ((starts.length + 1) * liveBytes) / pieces && starts.length < pieces - 1) starts.push(key);
    }
    return starts;
  }

  #isAbandoned(bucketId: BucketId, epoch: number): boolean {
    const nowMs = this.#context.monotonicMs();
    const seen = this.#unchanged.get(bucketId);
    if (seen?.epoch === epoch) return nowMs - seen.sinceMs > ABANDONED_MS;
    this.#unchanged.set(bucketId, { epoch, sinceMs: nowMs });
    return false;
  }
}
