import type { BucketId } from '../../domain/names.ts';
import type { CallOptions } from '../store.ts';
import { type BucketState, endOf, type ListingRange, rangeIndex } from './bucket-state.ts';
import { type BucketStates, type ReadState, STATE_AGE_MS_MAX } from './bucket-states.ts';
import type { Row, SliceBound } from './cells.ts';
import { type Context, newOpId } from './context.ts';
import { decodeCell, ROW_KINDS } from './listing-rows.ts';
import { LISTING } from './tables.ts';
import type { WorkLog } from './work-log.ts';

/** Rows that are read, and those that are written at once. */
const READ_ROWS = 1_000;
const WRITE_ROWS = 100;
const WRITES_MAX = 8;
/** Longer than any process relies on where the listing lay, in milliseconds. */
const SETTLE_MS = 2 * STATE_AGE_MS_MAX;

/** What one range holds. */
export interface RangeContents {
  readonly liveRows: number;
  readonly liveBytes: number;
  readonly deadRows: number;
  /** Keys at which it may be cut, and the bytes before each. */
  readonly cuts: readonly { readonly key: Uint8Array; readonly bytesBefore: number }[];
}

/** Rows between two keys at which a range may be cut. */
const CUT_ROWS = 500;

/**
 * Replaces ranges of a listing by others: splits what has grown, joins what has shrunk, and leaves behind the rows
 * that show nothing. Readers and writers go on meanwhile.
 *
 * 1. Writers are told to write to both places, and nobody any longer does otherwise when this has waited.
 * 2. Rows are copied with their timestamps, so that it does not matter who wrote first; dead ones are left out.
 * 3. Readers are told to read the new place; after another wait nobody reads the old one, and writers forget it.
 * 4. It is dropped by the work log after the grace period, with a last look for marks of writers that slept.
 */
export class RangeChanges {
  readonly #context: Context;
  readonly #states: BucketStates;
  readonly #work: WorkLog;

  constructor(context: Context, { states, work }: { states: BucketStates; work: WorkLog }) {
    this.#context = context;
    this.#states = states;
    this.#work = work;
  }

  /** Reads a whole range. */
  async measure(bucketId: BucketId, rangeId: string, options: CallOptions): Promise<RangeContents> {
    let [liveRows, liveBytes, deadRows] = [0, 0, 0];
    const cuts: { key: Uint8Array; bytesBefore: number }[] = [];
    for await (const row of this.#rows(bucketId, rangeId, options)) {
      if (decodeCell(row.value).kind === 'dead') {
        deadRows++;
        continue;
      }
      const key = keyOf(row);
      if (row.key[0] === 0 && liveRows > 0 && liveRows % CUT_ROWS === 0) cuts.push({ key, bytesBefore: liveBytes });
      liveRows++;
      liveBytes += key.length + row.value.length;
    }
    return { liveRows, liveBytes, deadRows, cuts };
  }

  /**
   * Replaces `count` ranges from the one at `index` on by ranges with the given starts; the first one starts where
   * the old ones do. `false` where the bucket changed meanwhile.
   */
  async replace(
    bucketId: BucketId,
    read: ReadState,
    {
      index,
      count,
      starts,
    }: { readonly index: number; readonly count: number; readonly starts: readonly Uint8Array[] },
    options: CallOptions,
  ): Promise<boolean> {
    const { state } = read;
    const first = state.ranges[index];
    if (first === undefined || state.change !== undefined || state.status.kind === 'closed') return false;
    const others = [first.start, ...starts].map((start) => ({ start, id: newOpId() }));
    const end = endOf(state.ranges, index + count - 1);
    const next: BucketState = { ...state, epoch: state.epoch + 1, change: { phase: 'copying', others, end } };
    if (!(await this.#states.replace(bucketId, read, next, options))) return false;
    await this.resume(bucketId, options);
    return true;
  }

  /** Carries a change on from where it is. */
  async resume(bucketId: BucketId, options: CallOptions): Promise<void> {
    for (;;) {
      const read = await this.#states.read(bucketId, options);
      const { change, status } = read.state;
      if (change === undefined || status.kind === 'closed') return;
      await this.#context.pause(SETTLE_MS, options);
      if (change.phase === 'copying') await this.#copyAndSwitch(bucketId, read, options);
      else await this.#forgetOld(bucketId, read, options);
    }
  }

  async #copyAndSwitch(bucketId: BucketId, read: ReadState, options: CallOptions): Promise<void> {
    const { state } = read;
    const { change } = state;
    if (change === undefined) return;
    const old = replacedRanges(state);
    for (const { id } of old) await this.#copy(bucketId, id, change.others, options);
    const [first] = old;
    const before = state.ranges.slice(0, first === undefined ? 0 : state.ranges.indexOf(first));
    const after = state.ranges.slice(before.length + old.length);
    const next: BucketState = {
      ...state,
      epoch: state.epoch + 1,
      ranges: [...before, ...change.others, ...after],
      change: { phase: 'switched', others: old, end: change.end },
    };
    await this.#states.replace(bucketId, read, next, options);
  }

  async #forgetOld(bucketId: BucketId, read: ReadState, options: CallOptions): Promise<void> {
    const { state } = read;
    const rangeIds = (state.change?.others ?? []).map(({ id }) => id);
    // Before it is forgotten where they lie. If the state changed meanwhile, both entries drop the same.
    await this.#work.begin({ kind: 'retired-ranges', bucketId, rangeIds }, options);
    const next: BucketState = { ...state, epoch: state.epoch + 1, change: undefined };
    await this.#states.replace(bucketId, read, next, options);
  }

  async #copy(
    bucketId: BucketId,
    rangeId: string,
    targets: readonly ListingRange[],
    options: CallOptions,
  ): Promise<void> {
    const { cells, store } = this.#context;
    const batches = new Map<string, Row[]>();
    const writing = new Set<Promise<void>>();
    const flush = async (target: string): Promise<void> => {
      const rows = batches.get(target) ?? [];
      batches.delete(target);
      const write = cells.copy(LISTING, [store, bucketId, target], rows, options);
      const tracked = write.finally(() => writing.delete(tracked));
      writing.add(tracked);
      if (writing.size >= WRITES_MAX) await Promise.race(writing);
    };
    for await (const row of this.#rows(bucketId, rangeId, options)) {
      if (decodeCell(row.value).kind === 'dead') continue;
      const target = targets[rangeIndex(targets, keyOf(row))]?.id ?? '';
      const batch = batches.get(target) ?? [];
      batches.set(target, batch);
      batch.push(row);
      if (batch.length >= WRITE_ROWS) await flush(target);
    }
    for (const target of [...batches.keys()]) await flush(target);
    await Promise.all(writing);
  }

  /** Every row of a range, with its timestamp. */
  async *#rows(bucketId: BucketId, rangeId: string, options: CallOptions): AsyncGenerator<Row> {
    const { cells, store } = this.#context;
    for (const kind of ROW_KINDS) {
      let from: SliceBound = { key: [kind], isInclusive: true };
      const to = { key: [kind], isInclusive: true };
      for (;;) {
        const slice = { from, to, limit: READ_ROWS };
        const how = { ...options, withTimestamps: true };
        const rows = await cells.readRows(LISTING, [store, bucketId, rangeId], slice, how);
        yield* rows;
        const last = rows.at(-1);
        if (last === undefined || rows.length < READ_ROWS) break;
        from = { key: last.key, isInclusive: false };
      }
    }
  }
}

/** The ranges that a change in its first phase replaces. */
function replacedRanges({ ranges, change }: BucketState): readonly ListingRange[] {
  const start = change?.others[0]?.start ?? new Uint8Array();
  return ranges.filter((range) => {
    const isBefore = Buffer.compare(range.start, start) < 0;
    const isAfter = change?.end !== undefined && Buffer.compare(range.start, change.end) >= 0;
    return !isBefore && !isAfter;
  });
}

function keyOf(row: Row): Uint8Array {
  const bytes = row.key[1];
  return bytes instanceof Uint8Array ? bytes : new Uint8Array();
}
