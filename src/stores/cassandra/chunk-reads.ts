import type { CallOptions } from '../store.ts';
import type { Cells, Key } from './cells.ts';
import { BLOCK_CHUNKS } from './chunks.ts';
import { BLOCK } from './tables.ts';

/** Reads of `s3_block` that the cells do not have, for they tell replicas apart. Nothing is tried again. */
export interface ChunkReads {
  /** One row from one replica, whichever is nearest. */
  readNearest(partition: Key, key: Key, options: CallOptions): Promise<Uint8Array | undefined>;

  /** One row from each replica by itself, in turn. */
  readEach(partition: Key, key: Key, options: CallOptions): AsyncIterable<ReplicaCopy>;

  /** How many rows a block has, as reads of the store agree; their values stay where they are. */
  countChunks(partition: Key, options: CallOptions): Promise<number>;
}

export type ReplicaCopy =
  | { readonly kind: 'read'; readonly replica: string; readonly value: Uint8Array | undefined }
  /** It is away, or cannot read the row. */
  | { readonly kind: 'unread'; readonly replica: string };

/** Reads through the cells alone: there is only the one copy. */
export class CellChunkReads implements ChunkReads {
  readonly #cells: Cells;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  async readNearest(partition: Key, key: Key, options: CallOptions): Promise<Uint8Array | undefined> {
    const bound = { key, isInclusive: true };
    const [row] = await this.#cells.readRows(BLOCK, partition, { from: bound, to: bound, limit: 1 }, options);
    return row?.value;
  }

  async *readEach(): AsyncGenerator<ReplicaCopy> {
    // The nearest one was it.
  }

  async countChunks(partition: Key, options: CallOptions): Promise<number> {
    return (await this.#cells.readRows(BLOCK, partition, { limit: BLOCK_CHUNKS + 1 }, options)).length;
  }
}
