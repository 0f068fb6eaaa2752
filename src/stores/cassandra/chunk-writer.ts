import type { BlobId } from '../../domain/names.ts';
import type { CallOptions } from '../store.ts';
import { type BlobHeader, type BlobHeaders, type BlobRemains, reservedBlocks } from './blob-header.ts';
import type { Cells } from './cells.ts';
import type { ChunkBudget } from './chunk-budget.ts';
import {
  blockOf,
  CHUNK_BYTES,
  CHUNK_HEADER_BYTES,
  type ChunkPlace,
  partitionOf,
  rowKeyOf,
  sealChunk,
} from './chunks.ts';
import { cutIntoChunks } from './cut-into-chunks.ts';
import { BLOCK } from './tables.ts';

/** Chunks of one blob on their way to the cluster. */
const WRITES_MAX = 16;
/** The timestamp of every chunk: there is only ever one to write at a place. */
const WRITTEN = 1;

export interface ChunkWriterOptions {
  readonly cells: Cells;
  readonly headers: BlobHeaders;
  readonly store: string;
  /** Chunks that all writers of the store may have under way, beside one of each. */
  readonly budget: ChunkBudget;
}

/**
 * Writes one blob: a header that says how many blocks there may be, the chunks, a header with the length.
 *
 * A chunk is sent when a header that covers its block has been acknowledged, never at the same time: what a crash
 * leaves behind is always found. The length is known with the last chunk and goes beside the last ones; and a blob of
 * one chunk needs no other header, which saves it one of three steps.
 */
export class ChunkWriter {
  readonly #options: ChunkWriterOptions;
  readonly #id: BlobId;
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  /** Blocks that a header was sent for, and those whose header is acknowledged. */
  #reserved = 0;
  #covered = 0;
  #reserving: Promise<void> | undefined;
  #step = 0;

  constructor(id: BlobId, options: ChunkWriterOptions) {
    this.#id = id;
    this.#options = options;
  }

  /** What has to be deleted when it failed, or `undefined` where nothing was sent. */
  get remains(): BlobRemains | undefined {
    return this.#step === 0 ? undefined : { blocks: this.#reserved, step: this.#step };
  }

  /** Resolves when all is acknowledged. When it rejects, nothing more is sent. */
  async write(body: AsyncIterable<Uint8Array>, { signal }: CallOptions): Promise<{ readonly sizeBytes: number }> {
    // What fails ends the other writes too, and the wait for a body that does not go on.
    const options = { signal: AbortSignal.any([signal, this.#stop.signal]) };
    try {
      const sizeBytes = await this.#writeChunks(body, options);
      if (sizeBytes === 0) await this.#writeHeader({ blocks: 0, sizeBytes }, options);
      return { sizeBytes };
    } catch (error) {
      this.#stop.abort(error);
      throw error;
    } finally {
      await Promise.all(this.#running);
      this.#stop.signal.throwIfAborted();
    }
  }

  async #writeChunks(body: AsyncIterable<Uint8Array>, options: CallOptions): Promise<number> {
    let [index, sizeBytes] = [0, 0];
    for await (const { row, isLast } of cutIntoChunks(body, options.signal)) {
      const place = { id: this.#id, index };
      sizeBytes = index * CHUNK_BYTES + row.length - CHUNK_HEADER_BYTES;
      await this.#cover(blockOf(place), isLast ? sizeBytes : undefined, options);
      options.signal.throwIfAborted();
      const isCharged = await this.#waitForTurn();
      void this.#run(() => this.#writeChunk(place, row, options), isCharged ? this.#options.budget : undefined);
      index++;
    }
    return sizeBytes;
  }

  /** Resolves when a header that tells of the block has been acknowledged. */
  async #cover(block: number, sizeBytes: number | undefined, options: CallOptions): Promise<void> {
    if (sizeBytes !== undefined) {
      // Of headers only one is under way at a time, so that whoever deletes knows how many he may not have seen.
      await this.#reserving;
      const writing = this.#run(() => this.#writeHeader({ blocks: block + 1, sizeBytes }, options));
      if (block >= this.#covered) await writing;
      return;
    }
    // In time, so that nobody waits for it but the first chunk.
    if (block >= this.#covered - 1 && this.#reserving === undefined) {
      const header = { blocks: reservedBlocks(this.#step + 1), sizeBytes };
      this.#reserving = this.#run(async () => {
        await this.#writeHeader(header, options);
        this.#covered = header.blocks;
        this.#reserving = undefined;
      });
    }
    if (block >= this.#covered) await this.#reserving;
  }

  async #writeHeader(header: BlobHeader, options: CallOptions): Promise<void> {
    // Before it is sent: even in doubt it has to be deleted.
    this.#step++;
    this.#reserved = Math.max(this.#reserved, header.blocks);
    await this.#options.headers.write(this.#id, header, this.#step, options);
  }

  async #writeChunk(place: ChunkPlace, row: Buffer, options: CallOptions): Promise<void> {
    const { cells, store } = this.#options;
    sealChunk(place, row);
    const rows = [{ key: rowKeyOf(place), value: row }];
    await cells.write(BLOCK, partitionOf(store, place), rows, { timestamp: WRITTEN }, options);
  }

  /** Waits until one more chunk may be under way; whether it has to be charged to the budget of all. */
  async #waitForTurn(): Promise<boolean> {
    while (this.#running.size > 0) {
      if (this.#running.size < WRITES_MAX && this.#options.budget.tryTake()) return true;
      await Promise.race(this.#running);
    }
    return false;
  }

  /** Never rejects: what fails stops the writer. */
  #run(write: () => Promise<void>, charged?: ChunkBudget): Promise<void> {
    const running = write()
      .catch((error: unknown) => this.#stop.abort(error))
      .finally(() => {
        charged?.giveBack();
        this.#running.delete(running);
      });
    this.#running.add(running);
    return running;
  }
}
