import { type CallOptions, StoreError } from '../store.ts';
import type { Key, Row } from './cells.ts';
import type { Context } from './context.ts';
import { TIME_LOG } from './tables.ts';

/** The span of one partition, in milliseconds. */
const BUCKET_MS = 2 * 60_000;
/** The partition that lists the others. */
const DIRECTORY = -1;
/** Rows of one read. */
const PAGE_ROWS = 500;
const ADDED = 1;
const REMOVED = 2;
/** An empty partition is forgotten when it is older than this: longer than clocks may differ, in milliseconds. */
const FORGET_AFTER_MS = 2 * 24 * 3_600_000;
/** An empty partition older than this is looked at again only after as long, in milliseconds. */
const LOOK_AGAIN_MS = 3_600_000;

export interface LogEntry {
  readonly atMs: number;
  readonly entry: string;
  readonly value: Uint8Array;
}

/**
 * Entries in the order of a time, for work that is due later. They stand in partitions of two minutes each, so that
 * what has been done leaves its tombstones in partitions that nobody reads any more, and not before what is to be
 * done.
 *
 * An entry is added and removed once, by its time and name; both may be repeated.
 */
export class TimeLog {
  readonly #context: Context;
  readonly #name: string;
  /** Partitions that this process has entered in the directory. */
  readonly #entered = new Set<number>();
  /** Old partitions that were found empty, and when. */
  readonly #empty = new Map<number, number>();

  constructor(context: Context, name: string) {
    this.#context = context;
    this.#name = name;
  }

  async add({ atMs, entry, value }: LogEntry, options: CallOptions): Promise<void> {
    const bucket = bucketOf(atMs);
    await this.#enter(bucket, options);
    const { cells } = this.#context;
    await cells.write(
      TIME_LOG,
      this.#partition(bucket),
      [{ key: [atMs, entry], value }],
      { timestamp: ADDED },
      options,
    );
    this.#empty.delete(bucket);
  }

  async remove({ atMs, entry }: Pick<LogEntry, 'atMs' | 'entry'>, options: CallOptions): Promise<void> {
    const rows = [{ key: [atMs, entry], value: undefined }];
    const { cells } = this.#context;
    await cells.write(TIME_LOG, this.#partition(bucketOf(atMs)), rows, { timestamp: REMOVED }, options);
  }

  /** The entries with a time below `beforeMs`, the oldest first; what is removed meanwhile may still be given. */
  async *entries(beforeMs: number, options: CallOptions): AsyncGenerator<LogEntry> {
    for (const bucket of await this.#buckets(bucketOf(Math.max(0, beforeMs - 1)), options)) {
      if (this.#isKnownEmpty(bucket)) continue;
      let isEmpty = true;
      for await (const entry of this.#entriesOf(bucket, beforeMs, options)) {
        isEmpty = false;
        yield entry;
      }
      if (isEmpty && (bucket + 1) * BUCKET_MS <= beforeMs) await this.#noteEmpty(bucket, options);
    }
  }

  async *#entriesOf(bucket: number, beforeMs: number, options: CallOptions): AsyncGenerator<LogEntry> {
    const { cells } = this.#context;
    let after: Key | undefined;
    for (;;) {
      const slice = {
        from: after === undefined ? undefined : { key: after, isInclusive: false },
        to: { key: [beforeMs], isInclusive: false },
        limit: PAGE_ROWS,
      };
      const rows = await cells.readRows(TIME_LOG, this.#partition(bucket), slice, options);
      for (const row of rows) yield { ...parseEntryKey(row), value: row.value };
      after = rows.at(-1)?.key;
      if (rows.length < PAGE_ROWS) return;
    }
  }

  async #buckets(last: number, options: CallOptions): Promise<readonly number[]> {
    const { cells } = this.#context;
    const buckets: number[] = [];
    let from: Key = [0, ''];
    for (;;) {
      const slice = {
        from: { key: from, isInclusive: buckets.length === 0 },
        to: { key: [last], isInclusive: true },
        limit: PAGE_ROWS,
      };
      const rows = await cells.readRows(TIME_LOG, this.#partition(DIRECTORY), slice, options);
      for (const row of rows) buckets.push(parseEntryKey(row).atMs);
      const end = rows.at(-1);
      if (end === undefined || rows.length < PAGE_ROWS) return buckets;
      from = end.key;
    }
  }

  async #enter(bucket: number, options: CallOptions): Promise<void> {
    if (this.#entered.has(bucket)) return;
    const rows = [{ key: [bucket, ''], value: new Uint8Array([1]) }];
    await this.#writeDirectory(rows, options);
    this.#entered.add(bucket);
  }

  async #noteEmpty(bucket: number, options: CallOptions): Promise<void> {
    const nowMs = this.#context.clock.nowMs();
    const endedAgoMs = nowMs - (bucket + 1) * BUCKET_MS;
    if (endedAgoMs > FORGET_AFTER_MS) {
      this.#entered.delete(bucket);
      await this.#writeDirectory([{ key: [bucket, ''], value: undefined }], options);
    } else if (endedAgoMs > LOOK_AGAIN_MS) {
      this.#empty.set(bucket, nowMs);
    }
  }

  #isKnownEmpty(bucket: number): boolean {
    const foundAtMs = this.#empty.get(bucket);
    return foundAtMs !== undefined && this.#context.clock.nowMs() - foundAtMs < LOOK_AGAIN_MS;
  }

  /** At the time of now, for a partition may be entered again after it was forgotten. */
  #writeDirectory(rows: readonly { key: Key; value: Uint8Array | undefined }[], options: CallOptions): Promise<void> {
    const { cells, clock } = this.#context;
    return cells.write(TIME_LOG, this.#partition(DIRECTORY), rows, { timestamp: clock.sequence() }, options);
  }

  #partition(bucket: number): Key {
    return [this.#context.store, this.#name, bucket];
  }
}

function bucketOf(atMs: number): number {
  return Math.floor(atMs / BUCKET_MS);
}

function parseEntryKey({ key: [atMs, entry] }: Row): { atMs: number; entry: string } {
  if (typeof atMs !== 'number' || typeof entry !== 'string') {
    throw new StoreError('corrupt', 'An entry of a time log has no time or no name.');
  }
  return { atMs, entry };
}
