import { type BucketId, type ObjectKey, parseBucketId, parseUploadId } from '../../domain/names.ts';
import type { UploadAddress } from '../../domain/upload.ts';
import { readChoice, writeChoice } from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { type Context, newOpId, type OpId, parseOpId } from './context.ts';
import { bufferOf } from './key-head.ts';
import { readSubject, type Subject, writeSubject } from './references.ts';
import { type LogEntry, TimeLog } from './time-log.ts';

/** What is begun and must be ended, by whoever began it or, when that is gone, by somebody else. */
export type Work =
  /** An attempt at a key, with what it holds or lets go if it is applied. */
  | {
      readonly kind: 'key';
      readonly op: OpId;
      readonly bucketId: BucketId;
      readonly key: ObjectKey;
      readonly takes: readonly Subject[];
      readonly drops: readonly Drop[];
    }
  /** An upload that is being completed or aborted, or a part of which is being replaced. */
  | ({ readonly kind: 'upload'; readonly drops: readonly Drop[] } & UploadAddress)
  /** A closed bucket that may still get what was under way. */
  | { readonly kind: 'closed-bucket'; readonly bucketId: BucketId }
  /** Ranges that were replaced, and that late writers may still write to. */
  | { readonly kind: 'retired-ranges'; readonly bucketId: BucketId; readonly rangeIds: readonly string[] };

/** A hold that ends: of a version of the key or a part of the upload. */
export interface Drop {
  readonly holder: string;
  readonly subject: Subject;
}

export interface LoggedWork {
  readonly work: Work;
  readonly atMs: number;
  readonly entry: string;
}

const KINDS = ['key', 'upload', 'closed-bucket', 'retired-ranges'] as const;

/** A journal of unfinished work: an entry stands before the first write of what it names, and goes after the last. */
export class WorkLog {
  readonly #context: Context;
  readonly #log: TimeLog;

  constructor(context: Context) {
    this.#context = context;
    this.#log = new TimeLog(context, 'work');
  }

  async begin(work: Work, options: CallOptions): Promise<LoggedWork> {
    const logged = { work, atMs: this.#context.clock.nowMs(), entry: newOpId() };
    await this.#log.add({ ...logged, value: encodeWork(work) }, options);
    return logged;
  }

  async end(logged: LoggedWork, options: CallOptions): Promise<void> {
    await this.#log.remove(logged, options);
  }

  /** What was begun before `beforeMs` and has not ended. */
  async *unfinished(beforeMs: number, options: CallOptions): AsyncGenerator<LoggedWork> {
    for await (const entry of this.#log.entries(beforeMs, options)) yield workOf(entry);
  }
}

function workOf({ atMs, entry, value }: LogEntry): LoggedWork {
  return { atMs, entry, work: decodeWork(value) };
}

function encodeWork(work: Work): Buffer {
  const row = new RowWriter({ bytesMax: 200_000 });
  writeChoice(row, KINDS, work.kind);
  row.text(work.bucketId);
  switch (work.kind) {
    case 'key':
      row.text(work.op).text(work.key).integer(work.takes.length);
      for (const subject of work.takes) writeSubject(row, subject);
      writeDrops(row, work.drops);
      break;
    case 'upload':
      row.text(work.key).text(work.uploadId);
      writeDrops(row, work.drops);
      break;
    case 'closed-bucket':
      break;
    case 'retired-ranges':
      row.integer(work.rangeIds.length);
      for (const id of work.rangeIds) row.text(id);
      break;
  }
  return row.finish();
}

function decodeWork(value: Uint8Array): Work {
  const row = new RowReader(bufferOf(value));
  const kind = readChoice(row, KINDS);
  const bucketId = row.parsed(parseBucketId);
  switch (kind) {
    case 'key': {
      const op = parseOpId(row.text());
      const key = parseKeyRow(row);
      const takes = Array.from({ length: row.count() }, () => readSubject(row));
      return { kind, op, bucketId, key, takes, drops: readDrops(row) };
    }
    case 'upload':
      return {
        kind,
        bucketId,
        key: parseKeyRow(row),
        uploadId: row.parsed(parseUploadId),
        drops: readDrops(row),
      };
    case 'closed-bucket':
      return { kind, bucketId };
    case 'retired-ranges':
      return { kind, bucketId, rangeIds: Array.from({ length: row.count() }, () => row.text()) };
  }
}

function writeDrops(row: RowWriter, drops: readonly Drop[]): void {
  row.integer(drops.length);
  for (const { holder, subject } of drops) writeSubject(row.text(holder), subject);
}

function readDrops(row: RowReader): readonly Drop[] {
  return Array.from({ length: row.count() }, () => ({ holder: row.text(), subject: readSubject(row) }));
}

function parseKeyRow(row: RowReader): ObjectKey {
  const text = row.text();
  if (text === '') throw new StoreError('corrupt', 'An entry of the work log has no key.');
  return text as ObjectKey;
}
