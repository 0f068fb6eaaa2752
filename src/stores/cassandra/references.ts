import type { BucketId, ObjectKey } from '../../domain/names.ts';
import { parseBlobId, parseBucketId, parseUploadId, type UploadId } from '../../domain/names.ts';
import type { BlobAddress, ManifestId } from '../../domain/object-version.ts';
import { parseManifestId } from '../../domain/object-version.ts';
import type { BlobState } from '../reclaim.ts';
import { readBlob, readChoice, writeBlob, writeChoice } from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import type { CallOptions } from '../store.ts';
import type { Head, Key, RowChange } from './cells.ts';
import { type Context, type OpId, parseOpId } from './context.ts';
import { bufferOf } from './key-head.ts';
import type { HeldPart, Manifests } from './manifests.ts';
import { REFERENCE } from './tables.ts';
import type { TimeLog } from './time-log.ts';

/** What is held: a blob or the manifest of a completed upload. */
export type Subject =
  | { readonly kind: 'blob'; readonly blob: BlobAddress }
  | { readonly kind: 'manifest'; readonly id: ManifestId };

/** What holds: a version, or a part of an upload and then of its manifest. */
export type Holder = { readonly op: OpId; readonly bucketId: BucketId; readonly key: ObjectKey } & (
  | { readonly kind: 'version' }
  | { readonly kind: 'part'; readonly uploadId: UploadId; readonly partNumber: number }
);

/** The head of a subject. All its changes are transactions, but for the intent that it begins with. */
export type SubjectState =
  | { readonly kind: 'intended'; readonly subject: Subject; readonly atMs: number }
  | { readonly kind: 'referenced'; readonly subject: Subject; readonly holders: readonly string[] }
  | { readonly kind: 'reclaimable'; readonly subject: Subject; readonly queuedAtMs: number };

/** Holders of one subject; a copy beyond them needs bytes of its own. */
export const HOLDERS_MAX = 1_000;

/** Parts of a manifest that are let go at one time. */
const RELEASES_MAX = 32;
const FIRST_SEQUENCE = 1;
const STATE_BYTES_MAX = 100_000;
const SUBJECT_KINDS = ['blob', 'manifest'] as const;
const STATE_KINDS = ['intended', 'referenced', 'reclaimable'] as const;
const HOLDER_KINDS = ['version', 'part'] as const;

/**
 * Who holds which blob and which manifest. A subject is taken into use and let go by transactions on its own
 * partition, so that of a copy and the delete of its source one comes first.
 *
 * Holding twice is holding once, and letting go twice is letting go once: holders have names that are used once.
 */
export class References {
  readonly #context: Context;
  readonly #queue: TimeLog;
  readonly #manifests: Manifests;

  constructor(context: Context, queue: TimeLog, manifests: Manifests) {
    this.#context = context;
    this.#queue = queue;
    this.#manifests = manifests;
  }

  async intend(subject: Subject, atMs: number, options: CallOptions): Promise<void> {
    const head = { sequence: FIRST_SEQUENCE, value: encodeState({ kind: 'intended', subject, atMs }) };
    await this.#context.cells.createHead(REFERENCE, this.#partition(subject), head, options);
  }

  async state(subject: Subject, options: CallOptions): Promise<SubjectState | undefined> {
    return (await this.#read(subject, options))?.state;
  }

  async blobState(subject: Subject, options: CallOptions): Promise<BlobState> {
    return (await this.state(subject, options))?.kind ?? 'unknown';
  }

  /** Moves the time of an intent on; `false` where it is none any more. */
  async renew(subject: Subject, atMs: number, options: CallOptions): Promise<boolean> {
    const { result } = await this.#change<boolean>(subject, options, (state) =>
      state?.kind === 'intended' ? { result: true, state: { kind: 'intended', subject, atMs } } : { result: false },
    );
    return result;
  }

  /** Gives up an intent, if it is one, and it is `atMs` old where that is given. */
  async giveUp(subject: Subject, atMs: number | undefined, options: CallOptions): Promise<boolean> {
    const queuedAtMs = this.#context.clock.nowMs();
    const { result, state } = await this.#change<boolean>(subject, options, (current) => {
      if (current?.kind !== 'intended' || (atMs !== undefined && current.atMs !== atMs)) return { result: false };
      return { result: true, state: { kind: 'reclaimable', subject: current.subject, queuedAtMs } };
    });
    await this.#enqueue(state, options);
    return result;
  }

  /** Makes a blob reclaimable that is unknown: an intent that comes later finds that it is too late. */
  async condemn(subject: Subject, options: CallOptions): Promise<void> {
    const queuedAtMs = this.#context.clock.nowMs();
    const { state } = await this.#change<void>(subject, options, (current) =>
      current === undefined
        ? { result: undefined, state: { kind: 'reclaimable', subject, queuedAtMs } }
        : { result: undefined },
    );
    await this.#enqueue(state, options);
  }

  /**
   * Makes `holder` a holder; `false` where the subject is not there to be held. A manifest begins with its first
   * holder: `isNew`. The intent of a blob goes; `known` says that the blob is most likely fresh.
   */
  async hold(
    subject: Subject,
    holder: Holder,
    how: { readonly isNew?: boolean; readonly isFresh?: boolean },
    options: CallOptions,
  ): Promise<boolean> {
    const name = holderName(holder);
    const row = { key: [name], value: encodeHolder(holder) };
    if (how.isFresh === true) {
      const state: SubjectState = { kind: 'referenced', subject, holders: [name] };
      const transaction = { ifSequence: FIRST_SEQUENCE, head: headOf(FIRST_SEQUENCE + 1, state), rows: [row] };
      const outcome = await this.#context.cells.transact(REFERENCE, this.#partition(subject), transaction, options);
      if (outcome === 'applied') return true;
    }
    const { result } = await this.#change<boolean>(subject, options, (state) => {
      if (state === undefined && how.isNew === true) {
        return { result: true, state: { kind: 'referenced', subject, holders: [name] }, rows: [row] };
      }
      if (state === undefined || state.kind === 'reclaimable') return { result: false };
      const holders = state.kind === 'referenced' ? state.holders : [];
      if (holders.includes(name)) return { result: true };
      if (holders.length >= HOLDERS_MAX) return { result: false };
      return { result: true, state: { kind: 'referenced', subject, holders: [...holders, name] }, rows: [row] };
    });
    return result;
  }

  /**
   * Ends the hold of a holder; when it was the last one, the subject is queued for reclaim. To be repeated until it
   * has ended once.
   */
  async release(subject: Subject, holder: string, options: CallOptions): Promise<void> {
    const queuedAtMs = this.#context.clock.nowMs();
    const { state } = await this.#change<void>(subject, options, (current) => {
      if (current?.kind !== 'referenced' || !current.holders.includes(holder)) return { result: undefined };
      const holders = current.holders.filter((name) => name !== holder);
      const rows = [{ key: [holder], value: undefined }];
      if (holders.length > 0) return { result: undefined, state: { ...current, holders }, rows };
      return { result: undefined, state: { kind: 'reclaimable', subject: current.subject, queuedAtMs }, rows };
    });
    if (state?.kind !== 'reclaimable') return;
    // Its parts before its place in the queue: from there it is forgotten without another look at them.
    if (subject.kind === 'manifest') await this.#releaseParts(subject.id, options);
    await this.#enqueue(state, options);
  }

  /** Forgets a manifest that never came into use: the attempt that holds it was refused. */
  async discard(subject: Subject, holder: string, options: CallOptions): Promise<void> {
    const found = await this.#read(subject, options);
    if (found?.state.kind !== 'referenced' || found.state.holders.some((name) => name !== holder)) return;
    const rows = [{ key: [holder], value: undefined }];
    const transaction = { ifSequence: found.sequence, head: undefined, rows };
    await this.#context.cells.transact(REFERENCE, this.#partition(subject), transaction, options);
  }

  /** Forgets a subject that was reclaimed, or a manifest that never came into use. */
  async forget(subject: Subject, options: CallOptions): Promise<void> {
    const found = await this.#read(subject, options);
    if (found === undefined) return;
    const { state, sequence } = found;
    if (state.kind === 'reclaimable') {
      const transaction = { ifSequence: sequence, head: undefined };
      await this.#context.cells.transact(REFERENCE, this.#partition(subject), transaction, options);
      await this.#queue.remove({ atMs: state.queuedAtMs, entry: subjectName(subject) }, options);
    }
  }

  /** Every holder of a subject, with what it is. */
  async holders(subject: Subject, options: CallOptions): Promise<readonly Holder[]> {
    const partition = this.#partition(subject);
    const slice = { limit: HOLDERS_MAX + 1 };
    const rows = await this.#context.cells.readRows(REFERENCE, partition, slice, { ...options, isSerial: true });
    return rows.map(({ value }) => decodeHolder(value));
  }

  /** Every subject of this store. */
  async *scan(options: CallOptions): AsyncGenerator<SubjectState> {
    for await (const { partition, head } of this.#context.cells.scanHeads(REFERENCE, options)) {
      if (partition[0] === this.#context.store) yield decodeState(head.value);
    }
  }

  async #releaseParts(id: ManifestId, options: CallOptions): Promise<void> {
    for (let partNumber = 0; ; ) {
      const parts = await this.#manifests.read(id, { partNumber }, RELEASES_MAX, options);
      const release = async ({ body, holder }: HeldPart): Promise<void> => {
        if (body !== undefined) await this.release({ kind: 'blob', blob: body }, holder, options);
      };
      await Promise.all(parts.map(release));
      const last = parts.at(-1);
      if (last === undefined || parts.length < RELEASES_MAX) return;
      partNumber = last.partNumber + 1;
    }
  }

  /** Enters what is reclaimable in the queue; may be repeated. */
  async #enqueue(state: SubjectState | undefined, options: CallOptions): Promise<void> {
    if (state?.kind !== 'reclaimable') return;
    const entry = subjectName(state.subject);
    await this.#queue.add({ atMs: state.queuedAtMs, entry, value: encodeState(state) }, options);
  }

  async #read(
    subject: Subject,
    options: CallOptions,
  ): Promise<{ readonly sequence: number; readonly state: SubjectState } | undefined> {
    const head = await this.#context.cells.readHead(REFERENCE, this.#partition(subject), options);
    return head === undefined ? undefined : { sequence: head.sequence, state: decodeState(head.value) };
  }

  /** Takes one step, again whenever another came first; the result and what it left. `plan` may be called again. */
  async #change<Result>(
    subject: Subject,
    options: CallOptions,
    plan: (state: SubjectState | undefined) => {
      readonly result: Result;
      readonly state?: SubjectState;
      readonly rows?: readonly RowChange[];
    },
  ): Promise<{ readonly result: Result; readonly state: SubjectState | undefined }> {
    for (;;) {
      const found = await this.#read(subject, options);
      const { result, state, rows = [] } = plan(found?.state);
      if (state === undefined) return { result, state: found?.state };
      const head = headOf((found?.sequence ?? 0) + 1, state);
      const transaction = { ifSequence: found?.sequence, head, rows };
      const partition = this.#partition(subject);
      const outcome = await this.#context.cells.transact(REFERENCE, partition, transaction, options);
      if (outcome === 'applied') return { result, state };
    }
  }

  #partition(subject: Subject): Key {
    return [this.#context.store, subjectName(subject)];
  }
}

export function subjectName(subject: Subject): string {
  return subject.kind === 'blob' ? `blob/${subject.blob.id}` : `manifest/${subject.id}`;
}

export function holderName(holder: Pick<Holder, 'kind' | 'op'>): string {
  return `${holder.kind}/${holder.op}`;
}

export function encodeState(state: SubjectState): Buffer {
  const row = new RowWriter({ bytesMax: STATE_BYTES_MAX });
  writeChoice(row, STATE_KINDS, state.kind);
  writeSubject(row, state.subject);
  if (state.kind === 'intended') return row.integer(state.atMs).finish();
  if (state.kind === 'reclaimable') return row.integer(state.queuedAtMs).finish();
  row.integer(state.holders.length);
  for (const holder of state.holders) row.text(holder);
  return row.finish();
}

export function decodeState(value: Uint8Array): SubjectState {
  const row = new RowReader(bufferOf(value));
  const kind = readChoice(row, STATE_KINDS);
  const subject = readSubject(row);
  if (kind === 'intended') return { kind, subject, atMs: row.integer() };
  if (kind === 'reclaimable') return { kind, subject, queuedAtMs: row.integer() };
  return { kind, subject, holders: Array.from({ length: row.count() }, () => row.text()) };
}

export function writeSubject(row: RowWriter, subject: Subject): void {
  writeChoice(row, SUBJECT_KINDS, subject.kind);
  if (subject.kind === 'blob') writeBlob(row, subject.blob);
  else row.text(subject.id);
}

export function readSubject(row: RowReader): Subject {
  const kind = readChoice(row, SUBJECT_KINDS);
  return kind === 'blob' ? { kind, blob: readBlob(row) } : { kind, id: row.parsed(parseManifestId) };
}

/** The blob with this id, where no more is known of it. */
export function blobSubject(id: string, storageClass = ''): Subject {
  return { kind: 'blob', blob: { id: parseBlobId(id), storageClass: parseClass(storageClass), sizeBytes: 0 } };
}

function parseClass(text: string): BlobAddress['storageClass'] {
  return text as BlobAddress['storageClass'];
}

function headOf(sequence: number, state: SubjectState): Head {
  return { sequence, value: encodeState(state) };
}

function encodeHolder(holder: Holder): Buffer {
  const row = new RowWriter();
  writeChoice(row, HOLDER_KINDS, holder.kind);
  row.text(holder.op).text(holder.bucketId).text(holder.key);
  if (holder.kind === 'part') row.text(holder.uploadId).integer(holder.partNumber);
  return row.finish();
}

function decodeHolder(value: Uint8Array): Holder {
  const row = new RowReader(bufferOf(value));
  const kind = readChoice(row, HOLDER_KINDS);
  const op = parseOpId(row.text());
  const bucketId = row.parsed(parseBucketId);
  const key = parseKeyRow(row);
  if (kind === 'version') return { kind, op, bucketId, key };
  return { kind, op, bucketId, key, uploadId: row.parsed(parseUploadId), partNumber: row.integer() };
}

function parseKeyRow(row: RowReader): ObjectKey {
  return row.text() as ObjectKey;
}
