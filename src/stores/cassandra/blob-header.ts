import type { BlobId } from '../../domain/names.ts';
import { BLOB_BYTES_MAX } from '../blobstore.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { type CallOptions, StoreError } from '../store.ts';
import type { Cells, Key } from './cells.ts';
import { BLOCK_BYTES } from './chunks.ts';
import { BLOB } from './tables.ts';

/** Blocks that are reserved at first; then as many again as there are. */
const RESERVED_AT_FIRST = 4;
/** Blocks of the largest blob: what is deleted where a header can not be read. */
const BLOCKS_MAX = Math.ceil(BLOB_BYTES_MAX / BLOCK_BYTES);
const HEADER_KEY: Key = [0];

/** What `s3_blob` says of a blob. */
export interface BlobHeader {
  /** Blocks that may have been written. */
  readonly blocks: number;
  /** Its length, once its body has ended; its chunks may still be missing, where its writer failed then. */
  readonly sizeBytes: number | undefined;
}

/** A header as it stands. */
export interface FoundHeader {
  /** `undefined` where it is not what was written. */
  readonly header: BlobHeader | undefined;
  /** Which of the headers that were written one after the other it is, from 1 on. */
  readonly step: number;
}

/** What a delete has to take away. */
export interface BlobRemains {
  readonly blocks: number;
  /** The last step that must not stand after it. */
  readonly step: number;
}

/** The blocks that are reserved by step 1, 2, 3 …: so many that a blob of 5 GiB takes ten of them. */
export function reservedBlocks(step: number): number {
  return step === 0 ? 0 : RESERVED_AT_FIRST * 2 ** (step - 1);
}

/**
 * What must be deleted where this header was found, or none. One step that was not seen may be on its way, or stand
 * on a replica that was not asked, and come to light later; so that one is covered too, with the blocks that it
 * reserves. A writer that goes on reserving nevertheless writes a header that stands, over all that it writes.
 */
export function remainsOf(found: FoundHeader | undefined): BlobRemains {
  const step = (found?.step ?? 0) + 1;
  if (found === undefined) return { blocks: reservedBlocks(step), step };
  const { header } = found;
  if (header === undefined) return { blocks: BLOCKS_MAX, step };
  if (header.sizeBytes !== undefined) return { blocks: header.blocks, step: found.step };
  return { blocks: reservedBlocks(step), step };
}

export function encodeHeader({ blocks, sizeBytes }: BlobHeader): Buffer {
  const row = new RowWriter().integer(blocks);
  return sizeBytes === undefined ? row.byte(0).finish() : row.byte(1).integer(sizeBytes).finish();
}

/** `undefined` where the row is not what was written. */
export function decodeHeader(value: Uint8Array): BlobHeader | undefined {
  try {
    const row = new RowReader(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    const blocks = row.integer();
    return { blocks, sizeBytes: row.byte() === 0 ? undefined : row.integer() };
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}

/** The headers of one store. Those of one blob are written at rising even timestamps, and deleted at odd ones. */
export class BlobHeaders {
  readonly #cells: Cells;
  readonly #store: string;

  constructor({ cells, store }: { readonly cells: Cells; readonly store: string }) {
    this.#cells = cells;
    this.#store = store;
  }

  async read(id: BlobId, options: CallOptions): Promise<FoundHeader | undefined> {
    const read = { ...options, withTimestamps: true };
    const [row] = await this.#cells.readRows(BLOB, [this.#store, id], { limit: 1 }, read);
    return row && { header: decodeHeader(row.value), step: Math.floor(row.timestamp / 2) };
  }

  async write(id: BlobId, header: BlobHeader, step: number, options: CallOptions): Promise<void> {
    const rows = [{ key: HEADER_KEY, value: encodeHeader(header) }];
    await this.#cells.write(BLOB, [this.#store, id], rows, { timestamp: 2 * step }, options);
  }

  /** Deletes what was written up to a step; a later one stays. */
  async delete(id: BlobId, { step }: { readonly step: number }, options: CallOptions): Promise<void> {
    const rows = [{ key: HEADER_KEY, value: undefined }];
    await this.#cells.write(BLOB, [this.#store, id], rows, { timestamp: 2 * step + 1 }, options);
  }
}
