import type { BucketId } from '../../domain/names.ts';
import type { CallOptions } from '../store.ts';
import type { BucketStates } from './bucket-states.ts';
import type { Context } from './context.ts';
import type { KeyProtocol } from './key-protocol.ts';
import type { ListingReader } from './listing-reader.ts';
import { OPEN_UPLOAD, UPLOAD_SHOWN, uploadRow } from './listing-rows.ts';
import type { ListingWriter } from './listing-writer.ts';
import { LISTING } from './tables.ts';

/** After every timestamp: ids of ranges are used once. */
const DROPPED = Number.MAX_SAFE_INTEGER;

export interface RetiredRangesParts {
  readonly context: Context;
  readonly states: BucketStates;
  readonly writer: ListingWriter;
  readonly listing: ListingReader;
  readonly protocol: KeyProtocol;
}

/** Drops ranges that were replaced, when even a writer that slept has written what it will. */
export class RetiredRanges {
  readonly #parts: RetiredRangesParts;

  constructor(parts: RetiredRangesParts) {
    this.#parts = parts;
  }

  /** What was written there late is shown where it now belongs; then they go. */
  async drop(bucketId: BucketId, rangeIds: readonly string[], options: CallOptions): Promise<void> {
    const { context, states, writer, listing, protocol } = this.#parts;
    const { state } = await states.read(bucketId, options);
    const used = new Set([...state.ranges, ...(state.change?.others ?? [])].map(({ id }) => id));
    for (const rangeId of rangeIds) {
      // The process that was to forget it died before it did.
      if (used.has(rangeId)) continue;
      for await (const { key, markedAt } of listing.keysOf(bucketId, rangeId, options)) {
        if (markedAt !== undefined) await protocol.settleMark({ bucketId, key }, markedAt, options);
      }
      for await (const at of listing.uploadsOf(bucketId, rangeId, options)) {
        await writer.write(at, state, [uploadRow(OPEN_UPLOAD, at, 'upload')], UPLOAD_SHOWN, options);
      }
      const partition = [context.store, bucketId, rangeId];
      await context.cells.deletePartition(LISTING, partition, { timestamp: DROPPED }, options);
    }
  }
}
