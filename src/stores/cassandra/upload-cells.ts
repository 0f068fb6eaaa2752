import type { Part, UploadAddress } from '../../domain/upload.ts';
import type { CallOptions } from '../store.ts';
import type { Key, ReadOptions, RowChange } from './cells.ts';
import type { Context } from './context.ts';
import { UPLOAD } from './tables.ts';
import { decodePart, decodeUploadHead, encodeUploadHead, type PartRecord, type UploadHead } from './upload-rows.ts';

export interface ReadUpload {
  readonly sequence: number;
  readonly head: UploadHead;
}

/** Parts of one read. */
const PAGE_PARTS = 1_000;
/** After every timestamp of a transaction: the partition of an upload that is over; its id is never used again. */
const GONE = Number.MAX_SAFE_INTEGER;

/** The partitions of uploads: heads and parts, each change a transaction. */
export class UploadCells {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async read(at: UploadAddress, options: ReadOptions): Promise<ReadUpload | undefined> {
    const head = await this.#context.cells.readHead(UPLOAD, this.#partition(at), options);
    return head === undefined ? undefined : { sequence: head.sequence, head: decodeUploadHead(head.value) };
  }

  /** Replaces the head that was read, with rows of parts; `undefined` for one that is to be new. */
  async replace(
    at: UploadAddress,
    read: ReadUpload | undefined,
    head: UploadHead,
    rows: readonly RowChange[],
    options: CallOptions,
  ): Promise<'applied' | 'refused' | 'overtaken'> {
    const sequence = (read?.sequence ?? 0) + 1;
    const transaction = { ifSequence: read?.sequence, head: { sequence, value: encodeUploadHead(head) }, rows };
    return await this.#context.cells.transact(UPLOAD, this.#partition(at), transaction, options);
  }

  /** At most `limit` parts by number, after `afterPartNumber`. */
  async parts(
    at: UploadAddress,
    { afterPartNumber, limit }: { readonly afterPartNumber: number; readonly limit: number },
    options: ReadOptions,
  ): Promise<readonly PartRecord[]> {
    const parts: PartRecord[] = [];
    while (parts.length < limit) {
      const after = parts.at(-1)?.partNumber ?? afterPartNumber;
      const count = Math.min(PAGE_PARTS, limit - parts.length);
      const slice = { from: { key: [after], isInclusive: false }, limit: count };
      const rows = await this.#context.cells.readRows(UPLOAD, this.#partition(at), slice, options);
      parts.push(...rows.map(({ value }) => decodePart(value)));
      if (rows.length < count) break;
    }
    return parts;
  }

  async allParts(at: UploadAddress, options: ReadOptions): Promise<readonly PartRecord[]> {
    return await this.parts(at, { afterPartNumber: 0, limit: Number.POSITIVE_INFINITY }, options);
  }

  /** The part with this number. For a step: read through consensus, it is as new as the head or newer. */
  async part(at: UploadAddress, partNumber: Part['partNumber'], options: CallOptions): Promise<PartRecord | undefined> {
    const bound = { key: [partNumber], isInclusive: true };
    const serial = { ...options, isSerial: true };
    const slice = { from: bound, to: bound, limit: 1 };
    const [row] = await this.#context.cells.readRows(UPLOAD, this.#partition(at), slice, serial);
    return row === undefined ? undefined : decodePart(row.value);
  }

  async delete(at: UploadAddress, options: CallOptions): Promise<void> {
    await this.#context.cells.deletePartition(UPLOAD, this.#partition(at), { timestamp: GONE }, options);
  }

  #partition({ bucketId, key, uploadId }: UploadAddress): Key {
    return [this.#context.store, bucketId, Buffer.from(key), uploadId];
  }
}
