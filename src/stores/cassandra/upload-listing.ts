import { type BucketId, parseBucketId, parseObjectKey, parseUploadId } from '../../domain/names.ts';
import type { UploadAddress } from '../../domain/upload.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { type CallOptions, StoreError } from '../store.ts';
import type { UploadRange } from '../uploads.ts';
import { placesOf } from './bucket-state.ts';
import type { BucketStates } from './bucket-states.ts';
import type { SliceBound } from './cells.ts';
import type { Context } from './context.ts';
import { bufferOf } from './key-head.ts';
import {
  COMPLETED_UPLOAD,
  decodeCell,
  OPEN_UPLOAD,
  UPLOAD_DEAD,
  UPLOAD_SHOWN,
  uploadAddressOf,
  uploadRow,
} from './listing-rows.ts';
import { type ByteSpan, EVERY_KEY, piecesOf, spanOf } from './listing-spans.ts';
import type { ListingWriter } from './listing-writer.ts';
import { LISTING } from './tables.ts';
import { TimeLog } from './time-log.ts';

type UploadKind = typeof OPEN_UPLOAD | typeof COMPLETED_UPLOAD;

const PAGE_ROWS = 500;

/**
 * Where uploads are found: by bucket and key in the listing, and the completed ones by time. These are pointers: the
 * upload's own head is the truth.
 */
export class UploadListing {
  readonly #context: Context;
  readonly #states: BucketStates;
  readonly #writer: ListingWriter;
  readonly #completed: TimeLog;

  constructor(context: Context, { states, writer }: { states: BucketStates; writer: ListingWriter }) {
    this.#context = context;
    this.#states = states;
    this.#writer = writer;
    this.#completed = new TimeLog(context, 'completed');
  }

  async opened(at: UploadAddress, options: CallOptions): Promise<void> {
    await this.#write(at, OPEN_UPLOAD, 'upload', options);
  }

  async completed(at: UploadAddress, completedAtMs: number, options: CallOptions): Promise<void> {
    const value = new RowWriter().text(at.bucketId).text(at.key).finish();
    await this.#completed.add({ atMs: completedAtMs, entry: at.uploadId, value }, options);
    await this.#write(at, COMPLETED_UPLOAD, 'upload', options);
    await this.#write(at, OPEN_UPLOAD, 'dead', options);
  }

  /** Nothing points at the upload any more. */
  async gone(at: UploadAddress, completedAtMs: number | undefined, options: CallOptions): Promise<void> {
    await this.#write(at, OPEN_UPLOAD, 'dead', options);
    if (completedAtMs === undefined) return;
    await this.#write(at, COMPLETED_UPLOAD, 'dead', options);
    await this.#completed.remove({ atMs: completedAtMs, entry: at.uploadId }, options);
  }

  /** The id of the upload of this key that was made last, as far as anything tells. */
  async lastId({ bucketId, key }: Pick<UploadAddress, 'bucketId' | 'key'>, options: CallOptions): Promise<string> {
    const { state } = await this.#states.recent(bucketId, options);
    const [rangeId = ''] = placesOf(state, Buffer.from(key));
    const last = async (kind: UploadKind): Promise<string> => {
      const bound = { key: [kind, Buffer.from(key)], isInclusive: true };
      const slice = { from: bound, to: bound, limit: 1, isReverse: true };
      const partition = [this.#context.store, bucketId, rangeId];
      const [row] = await this.#context.cells.readRows(LISTING, partition, slice, options);
      return row === undefined ? '' : uploadAddressOf(bucketId, row).uploadId;
    };
    const ids = await Promise.all([last(OPEN_UPLOAD), last(COMPLETED_UPLOAD)]);
    return ids.sort().at(-1) ?? '';
  }

  /** Uploads that were completed before a time, oldest first. */
  async *completedBefore(beforeMs: number, options: CallOptions): AsyncGenerator<UploadAddress> {
    for await (const { entry, value } of this.#completed.entries(beforeMs, options)) {
      const row = new RowReader(bufferOf(value));
      const bucketId = row.parsed(parseBucketId);
      const key = parseObjectKey(row.text());
      if (key === undefined) throw new StoreError('corrupt', 'A completed upload has no key.');
      yield { bucketId, key, uploadId: parseUploadId(entry) };
    }
  }

  /** The uploads that are listed in a range of keys as open, in order; some may be so no longer. */
  async *open(range: UploadRange, options: CallOptions): AsyncGenerator<UploadAddress> {
    const span = spanOf(range.prefix, positionOf(range));
    if (span === undefined) return;
    const { after, afterPrefix } = range;
    const isWithinKey =
      afterPrefix === undefined && after?.uploadId !== undefined && after.key.startsWith(range.prefix);
    const first = isWithinKey ? { key: Buffer.from(after.key), uploadId: after.uploadId ?? '' } : undefined;
    yield* this.#scan(range.bucketId, OPEN_UPLOAD, span, first, options);
  }

  /** Every upload of a bucket, open or completed. */
  async *all(bucketId: BucketId, options: CallOptions): AsyncGenerator<UploadAddress> {
    for (const kind of [OPEN_UPLOAD, COMPLETED_UPLOAD] as const) {
      yield* this.#scan(bucketId, kind, EVERY_KEY, undefined, options);
    }
  }

  async *#scan(
    bucketId: BucketId,
    kind: UploadKind,
    span: ByteSpan,
    first: { readonly key: Uint8Array; readonly uploadId: string } | undefined,
    options: CallOptions,
  ): AsyncGenerator<UploadAddress> {
    const { state } = await this.#states.recent(bucketId, options);
    const whole = first === undefined ? span : { ...span, from: first.key, isInclusive: true };
    for (const { rangeId, span: piece } of piecesOf(state, whole)) {
      const to =
        piece.to === undefined ? { key: [kind], isInclusive: true } : { key: [kind, piece.to], isInclusive: false };
      let from: SliceBound = { key: [kind, piece.from], isInclusive: piece.isInclusive };
      const isFirst = first !== undefined && Buffer.compare(piece.from, first.key) === 0;
      if (isFirst) from = { key: [kind, first.key, first.uploadId], isInclusive: false };
      for (;;) {
        const partition = [this.#context.store, bucketId, rangeId];
        const rows = await this.#context.cells.readRows(LISTING, partition, { from, to, limit: PAGE_ROWS }, options);
        for (const row of rows) {
          if (decodeCell(row.value).kind === 'upload') yield uploadAddressOf(bucketId, row);
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE_ROWS) break;
        from = { key: last.key, isInclusive: false };
      }
    }
  }

  async #write(at: UploadAddress, kind: UploadKind, cell: 'upload' | 'dead', options: CallOptions): Promise<void> {
    const timestamp = cell === 'upload' ? UPLOAD_SHOWN : UPLOAD_DEAD;
    // Read anew: what is missed here nobody would write again.
    const { state } = await this.#states.read(at.bucketId, options);
    await this.#writer.write(at, state, [uploadRow(kind, at, cell)], timestamp, options);
  }
}

function positionOf({ after, afterPrefix }: UploadRange): Parameters<typeof spanOf>[1] {
  if (afterPrefix !== undefined) return { kind: 'after-prefix', prefix: afterPrefix };
  return after === undefined ? undefined : { kind: 'after-key', key: after.key };
}
