import type { BlobExtent, ByteRange } from '../blobstore.ts';
import { type CallOptions, StoreError } from '../store.ts';
import type { Cells, Key } from './cells.ts';
import type { ChunkBudget } from './chunk-budget.ts';
import type { ChunkReads } from './chunk-reads.ts';
import { CHUNK_BYTES, chunkBytes, openChunk, partitionOf, rowKeyOf } from './chunks.ts';
import { BLOCK } from './tables.ts';

/** Chunks of one reading that are on their way or wait to be taken. */
const READS_MAX = 8;

export interface ChunkReaderOptions {
  readonly cells: Cells;
  readonly chunkReads: ChunkReads;
  readonly store: string;
  /** Told of every copy that was read and is not what was written. */
  readonly onCorruptChunk: (copy: CorruptCopy) => void;
  /** Chunks that all readings of the store may be ahead, beside one of each. */
  readonly budget: ChunkBudget;
}

export interface CorruptCopy {
  readonly store: string;
  /** The address of its node; `undefined` where the cluster chose it. */
  readonly replica: string | undefined;
}

/** A chunk that is waited for later. */
interface Ahead {
  readonly payload: Promise<Uint8Array>;
  readonly isCharged: boolean;
}

/** Where a chunk is, and what makes its bytes of a row, unless they are not what was written. */
interface ChunkRow {
  readonly partition: Key;
  readonly key: Key;
  readonly open: (value: Uint8Array | undefined) => Uint8Array | undefined;
}

interface Copies {
  readonly payload: Uint8Array | undefined;
  readonly badCount: number;
  readonly unreadCount: number;
}

/** Reads blobs chunk by chunk, some ahead; a copy that is missing or wrong is passed over for one that is sound. */
export class ChunkReader {
  readonly #options: ChunkReaderOptions;

  constructor(options: ChunkReaderOptions) {
    this.#options = options;
  }

  /** The bytes of a range that has some, in order, all of them verified. Throws `StoreError`. */
  async *read(extent: BlobExtent, range: ByteRange, { signal }: CallOptions): AsyncGenerator<Uint8Array> {
    const endBytes = range.offsetBytes + range.lengthBytes;
    const end = Math.ceil(endBytes / CHUNK_BYTES);
    // What was read ahead ends with the reading.
    const stop = new AbortController();
    const options = { signal: AbortSignal.any([signal, stop.signal]) };
    const ahead: Ahead[] = [];
    let next = Math.floor(range.offsetBytes / CHUNK_BYTES);
    try {
      for (let index = next; index < end; index++) {
        while (next < end && ahead.length < READS_MAX) {
          const isCharged = ahead.length > 0;
          if (isCharged && !this.#options.budget.tryTake()) break;
          const payload = this.#readChunk(extent, next++, options);
          payload.catch(ignore);
          ahead.push({ payload, isCharged });
        }
        const payload = await this.#take(ahead);
        const startBytes = index * CHUNK_BYTES;
        yield payload.subarray(Math.max(0, range.offsetBytes - startBytes), endBytes - startBytes);
        signal.throwIfAborted();
      }
    } finally {
      stop.abort();
      while (ahead.length > 0) await this.#take(ahead).catch(ignore);
    }
  }

  async #take(ahead: Ahead[]): Promise<Uint8Array> {
    const first = ahead.shift();
    if (first === undefined) throw new TypeError('No chunk is read ahead.');
    try {
      return await first.payload;
    } finally {
      if (first.isCharged) this.#options.budget.giveBack();
    }
  }

  /** Asks the nearest replica; where its copy will not do, each replica; then what the cluster agrees on. */
  async #readChunk(extent: BlobExtent, index: number, options: CallOptions): Promise<Uint8Array> {
    const { chunkReads, store } = this.#options;
    const place = { id: extent.id, index };
    const lengthBytes = chunkBytes(extent, index);
    const row: ChunkRow = {
      partition: partitionOf(store, place),
      key: rowKeyOf(place),
      open: (value) => value && openChunk(place, value, lengthBytes),
    };
    const nearest = await chunkReads.readNearest(row.partition, row.key, options).catch(unlessStoreError);
    const sound = row.open(nearest);
    if (sound !== undefined) return sound;
    const { payload, badCount, unreadCount } = await this.#readEach(row, options);
    // Told once, with its replica where that can be known.
    if (nearest !== undefined && badCount === 0) this.#options.onCorruptChunk({ store, replica: undefined });
    if (payload !== undefined) return payload;
    const agreed = await this.#readAgreed(row, options);
    const last = row.open(agreed);
    if (last !== undefined) return last;
    const name = `Chunk ${index} of blob ${extent.id}`;
    if (agreed !== undefined && unreadCount > 0) {
      throw new StoreError('unavailable', `${name} is damaged, and cannot be read now on ${unreadCount} other nodes.`);
    }
    throw new StoreError('corrupt', `${name} is missing or not what was written.`);
  }

  /** The first sound copy of those that each replica has. */
  async #readEach({ partition, key, open }: ChunkRow, options: CallOptions): Promise<Copies> {
    const { chunkReads, store, onCorruptChunk } = this.#options;
    let [badCount, unreadCount] = [0, 0];
    for await (const copy of chunkReads.readEach(partition, key, options)) {
      if (copy.kind === 'unread') {
        unreadCount++;
        continue;
      }
      const payload = open(copy.value);
      if (payload !== undefined) return { payload, badCount, unreadCount };
      if (copy.value === undefined) continue;
      badCount++;
      onCorruptChunk({ store, replica: copy.replica });
    }
    return { payload: undefined, badCount, unreadCount };
  }

  /** As reads of the store agree, tried again where the cluster fails: only this tells that a row is not there. */
  async #readAgreed({ partition, key }: ChunkRow, options: CallOptions): Promise<Uint8Array | undefined> {
    const bound = { key, isInclusive: true };
    const slice = { from: bound, to: bound, limit: 1 };
    const [row] = await this.#options.cells.readRows(BLOCK, partition, slice, options);
    return row?.value;
  }
}

function unlessStoreError(error: unknown): undefined {
  if (!(error instanceof StoreError)) throw error;
  return undefined;
}

function ignore(_error: unknown): void {
  // Told where it is awaited, or nobody's any more.
}
