import type { BucketId } from '../../domain/names.ts';
import type { CallOptions } from '../store.ts';
import type { BucketState } from './bucket-state.ts';
import type { BucketStates } from './bucket-states.ts';
import { type Context, newOpId } from './context.ts';
import type { KeyProtocol } from './key-protocol.ts';
import type { ListingReader } from './listing-reader.ts';
import { LISTING } from './tables.ts';
import { TimeLog } from './time-log.ts';
import type { UploadListing } from './upload-listing.ts';
import type { Uploads } from './uploads.ts';
import type { WorkLog } from './work-log.ts';

const DROPPED = Number.MAX_SAFE_INTEGER;

export interface ClosedBucketsParts {
  readonly context: Context;
  readonly states: BucketStates;
  readonly listing: ListingReader;
  readonly protocol: KeyProtocol;
  readonly uploads: Uploads;
  readonly uploadListing: UploadListing;
  readonly work: WorkLog;
}

/**
 * Closes buckets that are empty. The bucket says first that it is being closed; then its listing is read, in which
 * every write is marked before it is made. A write that comes later reads the bucket after it was made, and either
 * opens it again or takes itself back.
 */
export class ClosedBuckets {
  readonly #parts: ClosedBucketsParts;
  /** Buckets whose uploads wait to be dropped. */
  readonly #log: TimeLog;

  constructor(parts: ClosedBucketsParts) {
    this.#parts = parts;
    this.#log = new TimeLog(parts.context, 'closed');
  }

  async close(bucketId: BucketId, options: CallOptions): Promise<'closed' | 'not-empty'> {
    const { context, states, listing, work } = this.#parts;
    const op = newOpId();
    for (;;) {
      const read = await states.read(bucketId, options);
      if (read.state.status.kind === 'closed') return 'closed';
      if (await listing.hasVersions(bucketId, read.state, options)) return 'not-empty';
      const closing: BucketState = { ...read.state, status: { kind: 'closing', op } };
      if (!(await states.replace(bucketId, read, closing, options))) continue;
      if (await listing.hasVersions(bucketId, closing, options)) {
        await this.#leave(bucketId, op, 'open', options);
        return 'not-empty';
      }
      const logged = await work.begin({ kind: 'closed-bucket', bucketId }, options);
      await this.#log.add({ atMs: context.clock.nowMs(), entry: bucketId, value: new Uint8Array() }, options);
      if (await this.#leave(bucketId, op, 'closed', options)) return 'closed';
      await work.end(logged, options);
    }
  }

  async isClosed(bucketId: BucketId, options: CallOptions): Promise<boolean> {
    return (await this.#parts.states.read(bucketId, options)).state.status.kind === 'closed';
  }

  /** Drops what closed buckets hold of uploads, at most `limit`; returns how many. */
  async sweepUploads(limit: number, options: CallOptions): Promise<number> {
    const { context, uploads, uploadListing } = this.#parts;
    let dropped = 0;
    for await (const { atMs, entry } of this.#log.entries(context.clock.nowMs() + 1, options)) {
      const bucketId = parseBucket(entry);
      if (await this.isClosed(bucketId, options)) {
        for await (const at of uploadListing.all(bucketId, options)) {
          if (dropped >= limit) return dropped;
          await uploads.drop(at, options);
          dropped++;
        }
      }
      await this.#log.remove({ atMs, entry }, options);
    }
    return dropped;
  }

  /**
   * Takes out what writers left that were under way when the bucket was closed, and then its listing; `false` while
   * that still has uploads.
   */
  async sweep(bucketId: BucketId, options: CallOptions): Promise<boolean> {
    const { context, states, listing, protocol, uploadListing } = this.#parts;
    const { state } = await states.read(bucketId, options);
    if (state.status.kind !== 'closed') return true;
    for await (const _ of uploadListing.all(bucketId, options)) return false;
    for (const { id } of [...state.ranges, ...(state.change?.others ?? [])]) {
      for await (const { key, markedAt } of listing.keysOf(bucketId, id, options)) {
        if (markedAt !== undefined) await protocol.settleMark({ bucketId, key }, markedAt, options);
        await protocol.purge({ bucketId, key }, options);
      }
      await context.cells.deletePartition(LISTING, [context.store, bucketId, id], { timestamp: DROPPED }, options);
    }
    return true;
  }

  /** Ends the check of `op`; `false` where a write opened the bucket again. */
  async #leave(bucketId: BucketId, op: string, kind: 'open' | 'closed', options: CallOptions): Promise<boolean> {
    const { states } = this.#parts;
    for (;;) {
      const read = await states.read(bucketId, options);
      const { status } = read.state;
      if (status.kind === 'closed') return true;
      if (status.kind !== 'closing' || status.op !== op) return false;
      if (await states.replace(bucketId, read, { ...read.state, status: { kind } }, options)) return true;
    }
  }
}

function parseBucket(entry: string): BucketId {
  return entry as BucketId;
}
