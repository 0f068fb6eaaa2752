import type { BucketId, ObjectKey } from '../../domain/names.ts';
import type { CallOptions } from '../store.ts';
import { type BucketState, placesOf } from './bucket-state.ts';
import type { RowChange } from './cells.ts';
import type { Context } from './context.ts';
import type { KeyState } from './key-head.ts';
import { markRow, settledRows } from './listing-rows.ts';
import { LISTING } from './tables.ts';

/** Told how many rows were written to a range, and how many of them show nothing: ranges grow and fill with such. */
export type OnRangeWritten = (bucketId: BucketId, rangeId: string, isDead: boolean) => void;

/** Writes rows of listings, in every place where they belong. */
export class ListingWriter {
  readonly #context: Context;
  readonly #onWritten: OnRangeWritten;

  constructor(context: Context, onWritten: OnRangeWritten) {
    this.#context = context;
    this.#onWritten = onWritten;
  }

  /** Says that a key is being changed: from here until it is settled, listings ask its head. */
  async mark(at: ListedKey, state: BucketState, timestamp: number, options: CallOptions): Promise<void> {
    await this.write(at, state, [markRow(at.key, timestamp)], timestamp, options);
  }

  /** Shows a key as its head has it. */
  async settle(at: ListedKey, state: BucketState, key: KeyState, options: CallOptions): Promise<void> {
    await this.write(at, state, settledRows(at.key, key), key.sequence, options);
    for (const rangeId of placesOf(state, Buffer.from(at.key))) {
      this.#onWritten(at.bucketId, rangeId, key.head.current?.kind !== 'object');
    }
  }

  async write(
    at: ListedKey,
    state: BucketState,
    rows: readonly RowChange[],
    timestamp: number,
    options: CallOptions,
  ): Promise<void> {
    const { cells, store } = this.#context;
    const places = placesOf(state, Buffer.from(at.key));
    await Promise.all(
      places.map((rangeId) => cells.write(LISTING, [store, at.bucketId, rangeId], rows, { timestamp }, options)),
    );
  }
}

export interface ListedKey {
  readonly bucketId: BucketId;
  readonly key: ObjectKey;
}
