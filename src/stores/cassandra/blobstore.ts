import { type BlobId, parseBlobId } from '../../domain/names.ts';
import type { BlobCondition, BlobExtent, Blobstore, ByteRange } from '../blobstore.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { BlobHeaders, type BlobRemains, decodeHeader, encodeHeader, remainsOf } from './blob-header.ts';
import type { Cells } from './cells.ts';
import { ChunkBudget } from './chunk-budget.ts';
import { ChunkReader, type CorruptCopy } from './chunk-reader.ts';
import type { ChunkReads } from './chunk-reads.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { BLOCK_BYTES, BLOCK_CHUNKS, CHUNK_BYTES } from './chunks.ts';
import { BLOB, BLOCK } from './tables.ts';

export interface CassandraBlobstoreOptions {
  readonly cells: Cells;
  readonly chunkReads: ChunkReads;
  /** The region and the storage class, such as `us-east-1/STANDARD`: several may share a keyspace. */
  readonly store: string;
  readonly description: string;
  readonly nowMs: () => number;
  /** Told of every copy that was read and is not what was written. */
  readonly onCorruptChunk: (copy: CorruptCopy) => void;
}

/** Chunks that all writers, and all readings, may have in memory beside one of each: 64 MiB. */
const WRITTEN_AHEAD_MAX = 256;
const READ_AHEAD_MAX = 256;
/** Blocks that one call deletes, or counts, at one time. */
const BLOCKS_AT_ONCE_MAX = 16;
/** The timestamp of what deletes chunks, which are written at 1. */
const DELETED = 2;
/** How long a write that failed tries to take away what it wrote, in milliseconds. */
const TAKE_BACK_MS_MAX = 5_000;
/** Where `checkWritable` writes; no list shows it. */
const CHECK_ID = 'check';

/**
 * The blobstore of one storage class on a cluster: chunks of 256 KiB in partitions of 4 MiB, which are written once,
 * and a header for each blob that says which partitions there may be.
 *
 * A chunk is sent only under a header that was acknowledged and covers it, and a delete takes away no header but one
 * whose blocks it deleted before. So whatever bytes there are, `list` shows their blob and `delete` finds them, at
 * whatever moment a writer or a deleter died, and also where a writer goes on that reclaim took for dead.
 */
export class CassandraBlobstore implements Blobstore {
  readonly description: string;
  readonly #options: CassandraBlobstoreOptions;
  readonly #headers: BlobHeaders;
  readonly #reader: ChunkReader;
  readonly #writing = new ChunkBudget(WRITTEN_AHEAD_MAX);

  constructor(options: CassandraBlobstoreOptions) {
    this.description = options.description;
    this.#options = options;
    this.#headers = new BlobHeaders(options);
    this.#reader = new ChunkReader({ ...options, budget: new ChunkBudget(READ_AHEAD_MAX) });
  }

  async write(
    id: BlobId,
    body: AsyncIterable<Uint8Array>,
    { signal }: CallOptions,
  ): Promise<{ readonly sizeBytes: number }> {
    signal.throwIfAborted();
    const { cells, store } = this.#options;
    const writer = new ChunkWriter(id, { cells, store, headers: this.#headers, budget: this.#writing });
    try {
      return await writer.write(body, { signal });
    } catch (error) {
      const { remains } = writer;
      const isInDoubt = error instanceof StoreError && error.kind === 'in-doubt';
      if (remains !== undefined && !isInDoubt) await this.#takeBack(id, remains);
      throw error;
    }
  }

  async *read(extent: BlobExtent, range: ByteRange, options: CallOptions): AsyncGenerator<Uint8Array> {
    options.signal.throwIfAborted();
    const endBytes = range.offsetBytes + range.lengthBytes;
    if (range.offsetBytes < 0 || range.lengthBytes < 0 || endBytes > extent.sizeBytes) {
      throw new RangeError(`The range ${range.offsetBytes}–${endBytes} leaves a blob of ${extent.sizeBytes} bytes.`);
    }
    // No chunk will tell whether it is there.
    if (range.lengthBytes === 0) await this.#requireWhole(extent, options);
    else yield* this.#reader.read(extent, range, options);
  }

  async delete(id: BlobId, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    await this.#deleteRemains(id, remainsOf(await this.#headers.read(id, { signal })), { signal });
  }

  async verify(extent: BlobExtent, { deep }: { readonly deep: boolean }, options: CallOptions): Promise<BlobCondition> {
    options.signal.throwIfAborted();
    const found = await this.#headers.read(extent.id, options);
    if (found === undefined) return 'missing';
    if (found.header?.sizeBytes !== extent.sizeBytes) return 'corrupt';
    if (await this.#hasAll(extent, { deep }, options)) return 'sound';
    // It may have been deleted meanwhile.
    return (await this.#headers.read(extent.id, options)) === undefined ? 'missing' : 'corrupt';
  }

  async *list(options: CallOptions): AsyncGenerator<{ readonly id: BlobId; readonly storedBytes: number }> {
    const { cells, store } = this.#options;
    options.signal.throwIfAborted();
    for await (const { partition, row } of cells.scanRows(BLOB, options)) {
      const [owner, id] = partition;
      if (owner !== store || typeof id !== 'string' || id === CHECK_ID) continue;
      const header = decodeHeader(row.value);
      yield { id: parseBlobId(id), storedBytes: header?.sizeBytes ?? (header?.blocks ?? 0) * BLOCK_BYTES };
    }
  }

  /** Writes one row over and over: it leaves nothing to be cleared away. */
  async checkWritable(options: CallOptions): Promise<void> {
    const { cells, store, nowMs } = this.#options;
    options.signal.throwIfAborted();
    const rows = [{ key: [0], value: encodeHeader({ blocks: 0, sizeBytes: 0 }) }];
    await cells.write(BLOB, [store, CHECK_ID], rows, { timestamp: nowMs() * 1000 }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held between calls; the session is its owner's to close.
  }

  /** Whether all chunks are there, or with `deep` whether all bytes are what was written. */
  async #hasAll(extent: BlobExtent, { deep }: { readonly deep: boolean }, options: CallOptions): Promise<boolean> {
    const { id, sizeBytes } = extent;
    if (!deep) {
      const chunks = Math.ceil(sizeBytes / CHUNK_BYTES);
      const counts = await eachBlock(Math.ceil(sizeBytes / BLOCK_BYTES), async (block) => {
        const expected = Math.min(BLOCK_CHUNKS, chunks - block * BLOCK_CHUNKS);
        return (await this.#countChunks(id, block, options)) === expected;
      });
      return counts.every(Boolean);
    }
    try {
      for await (const _ of this.read(extent, { offsetBytes: 0, lengthBytes: sizeBytes }, options));
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'corrupt') return false;
      throw error;
    }
  }

  async #countChunks(id: BlobId, block: number, options: CallOptions): Promise<number> {
    const { cells, chunkReads, store } = this.#options;
    try {
      return await chunkReads.countChunks([store, id, block], options);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // The cells try again for a while.
      return (await cells.readRows(BLOCK, [store, id, block], { limit: BLOCK_CHUNKS + 1 }, options)).length;
    }
  }

  async #requireWhole({ id, sizeBytes }: BlobExtent, options: CallOptions): Promise<void> {
    const found = await this.#headers.read(id, options);
    if (found?.header?.sizeBytes === sizeBytes) return;
    throw new StoreError('corrupt', `Blob ${id} of ${sizeBytes} bytes is missing or of another length.`);
  }

  /** What a write that failed has left, as far as that can be done now: reclaim does the rest. */
  async #takeBack(id: BlobId, remains: BlobRemains): Promise<void> {
    const signal = AbortSignal.timeout(TAKE_BACK_MS_MAX);
    try {
      await this.#deleteRemains(id, remains, { signal });
    } catch (error) {
      if (!(error instanceof StoreError) && error !== signal.reason) throw error;
    }
  }

  async #deleteRemains(id: BlobId, remains: BlobRemains, options: CallOptions): Promise<void> {
    const { cells, store } = this.#options;
    await eachBlock(remains.blocks, (block) =>
      cells.deletePartition(BLOCK, [store, id, block], { timestamp: DELETED }, options),
    );
    await this.#headers.delete(id, remains, options);
  }
}

/** Does something for each of the first blocks of a blob, some at a time. */
async function eachBlock<Result>(blocks: number, run: (block: number) => Promise<Result>): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let first = 0; first < blocks; first += BLOCKS_AT_ONCE_MAX) {
    const count = Math.min(BLOCKS_AT_ONCE_MAX, blocks - first);
    results.push(...(await Promise.all(Array.from({ length: count }, (_, offset) => run(first + offset)))));
  }
  return results;
}
