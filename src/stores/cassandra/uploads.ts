import type { WriteCondition } from '../../domain/condition.ts';
import { type BlobId, type BucketId, parseUploadId } from '../../domain/names.ts';
import type { BlobAddress } from '../../domain/object-version.ts';
import type { Part, Upload, UploadAddress, UploadDraft } from '../../domain/upload.ts';
import type { BucketClosed } from '../metastore.ts';
import { type CallOptions, StoreError } from '../store.ts';
import type { CompleteOutcome, Completion, PutPartOutcome, UploadRange } from '../uploads.ts';
import type { BucketStates } from './bucket-states.ts';
import type { Completions } from './completion.ts';
import { type Context, newOpId, type OpId } from './context.ts';
import { manifestIdOf } from './key-head.ts';
import { KeyQueue } from './key-queue.ts';
import { holderName, type References, type Subject } from './references.ts';
import type { ReadUpload, UploadCells } from './upload-cells.ts';
import type { UploadListing } from './upload-listing.ts';
import { encodePart, type PartRecord, partOf, type UploadHead, uploadOf } from './upload-rows.ts';
import type { Drop, LoggedWork, WorkLog } from './work-log.ts';

/** Attempts to store a part, before it is given up: other parts of the upload may come first each time. */
const ATTEMPTS_MAX = 64;
/** Longest pause between two attempts, in milliseconds. */
const PAUSE_MS_MAX = 200;
/** Uploads that a page looks at at one time. */
const HEADS_MAX = 32;
const TIME_DIGITS = 14;

export interface UploadsParts {
  readonly context: Context;
  readonly cells: UploadCells;
  readonly states: BucketStates;
  readonly references: References;
  readonly listing: UploadListing;
  readonly completions: Completions;
  readonly work: WorkLog;
  readonly isFresh: (id: BlobId) => boolean;
}

/** Multipart uploads: each is a partition, and each of its changes one transaction on it. */
export class Uploads {
  readonly #parts: UploadsParts;
  readonly #queue = new KeyQueue();
  #lastSequence = 0;

  constructor(parts: UploadsParts) {
    this.#parts = parts;
  }

  async create(
    bucketId: BucketId,
    draft: UploadDraft,
    options: CallOptions,
  ): Promise<{ readonly kind: 'created'; readonly upload: Upload } | BucketClosed> {
    const { cells, listing } = this.#parts;
    const [isClosed, lastId] = await Promise.all([
      this.#isClosed(bucketId, options),
      listing.lastId({ bucketId, key: draft.key }, options),
    ]);
    if (isClosed) return { kind: 'bucket-closed' };
    const at = { bucketId, key: draft.key, uploadId: parseUploadId(this.#nextId(lastId)) };
    // The pointer first: an upload that nothing points at could not be aborted.
    await listing.opened(at, options);
    const head: UploadHead = { draft, state: { kind: 'open' } };
    const outcome = await cells.replace(at, undefined, head, [], options);
    if (outcome === 'refused') throw new StoreError('corrupt', `Upload ${at.uploadId} was there before it was made.`);
    if (await this.#isClosed(bucketId, options)) {
      await this.#abort(at, options);
      return { kind: 'bucket-closed' };
    }
    return { kind: 'created', upload: uploadOf(head, at) };
  }

  async get(at: UploadAddress, options: CallOptions): Promise<Upload | undefined> {
    const read = await this.#read(at, options);
    return read === undefined || read.head.state.kind === 'aborted' ? undefined : uploadOf(read.head, at);
  }

  async putPart(at: UploadAddress, part: Part, options: CallOptions): Promise<PutPartOutcome> {
    return await this.#queue.run(at.uploadId, () => this.#putPart(at, part, options), options);
  }

  async complete(
    at: UploadAddress,
    completion: Completion,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<CompleteOutcome> {
    const task = async (): Promise<CompleteOutcome> => {
      const { state } = await this.#parts.states.read(at.bucketId, options);
      if (state.status.kind === 'closed') return { kind: 'bucket-closed' };
      return await this.#parts.completions.complete(at, completion, condition, options);
    };
    return await this.#queue.run(at.uploadId, task, options);
  }

  async listParts(
    at: UploadAddress,
    range: { readonly afterPartNumber: number; readonly limit: number },
    options: CallOptions,
  ): Promise<readonly Part[]> {
    const read = await this.#read(at, options);
    const kind = read?.head.state.kind;
    if (kind !== 'open' && kind !== 'completing') return [];
    return (await this.#parts.cells.parts(at, range, options)).map(partOf);
  }

  async list(range: UploadRange, options: CallOptions): Promise<readonly Upload[]> {
    const { listing } = this.#parts;
    if (await this.#isClosed(range.bucketId, options)) return [];
    const found: Upload[] = [];
    let waiting: UploadAddress[] = [];
    const look = async (): Promise<void> => {
      const uploads = await Promise.all(waiting.map((at) => this.get(at, options)));
      waiting = [];
      for (const upload of uploads) if (upload?.state.kind === 'open') found.push(upload);
    };
    for await (const at of listing.open(range, options)) {
      waiting.push(at);
      if (waiting.length < Math.min(HEADS_MAX, range.limit - found.length)) continue;
      await look();
      if (found.length >= range.limit) return found.slice(0, range.limit);
    }
    await look();
    return found.slice(0, range.limit);
  }

  async abort(at: UploadAddress, options: CallOptions): Promise<'aborted' | 'no-such-upload'> {
    // Those of a closed bucket are as good as aborted, and dropped later.
    return (await this.#isClosed(at.bucketId, options)) ? 'no-such-upload' : await this.#abort(at, options);
  }

  async #abort(at: UploadAddress, options: CallOptions): Promise<'aborted' | 'no-such-upload'> {
    const { cells, work } = this.#parts;
    for (;;) {
      const read = await this.#parts.completions.settled(at, options);
      if (read === undefined || read.head.state.kind === 'completed') return 'no-such-upload';
      if (read.head.state.kind === 'aborted') {
        await this.drop(at, options);
        return 'no-such-upload';
      }
      const logged = await work.begin({ kind: 'upload', ...at, drops: [] }, options);
      const outcome = await cells.replace(at, read, { ...read.head, state: { kind: 'aborted' } }, [], options);
      const isAborted = outcome !== 'refused';
      if (isAborted) await this.drop(at, options);
      await work.end(logged, options);
      if (outcome === 'applied') return 'aborted';
    }
  }

  /** Drops the records of uploads that were completed before a time, at most `limit`; returns how many. */
  async sweepCompleted(
    { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
    options: CallOptions,
  ): Promise<number> {
    let dropped = 0;
    for await (const at of this.#parts.listing.completedBefore(beforeMs, options)) {
      if (dropped >= limit) return dropped;
      const read = await this.#parts.completions.settled(at, options);
      if (read !== undefined && read.head.state.kind !== 'completed') continue;
      await this.drop(at, options);
      dropped++;
    }
    return dropped;
  }

  /** Takes an upload that is over out of the store, with what it still holds. */
  async drop(at: UploadAddress, options: CallOptions): Promise<void> {
    const { cells, completions, listing, references } = this.#parts;
    const read = await cells.read(at, { ...options, isSerial: true });
    if (read !== undefined) {
      const { state } = read.head;
      // Parts that became a manifest are the manifest's to let go.
      if (state.kind !== 'completed') {
        if (state.kind === 'completing') {
          const subject: Subject = { kind: 'manifest', id: manifestIdOf(state.op, at.uploadId) };
          await references.discard(subject, holderName({ kind: 'version', op: state.op }), options);
        }
        await completions.releaseParts(await cells.allParts(at, { ...options, isSerial: true }), options);
      }
      await listing.gone(at, state.kind === 'completed' ? state.completedAtMs : undefined, options);
    } else {
      await listing.gone(at, undefined, options);
    }
    await cells.delete(at, options);
  }

  /** Ends what an attempt left that names `drop`: the hold goes unless a part has it. */
  async settleDrop(at: UploadAddress, drop: Drop, options: CallOptions): Promise<void> {
    if (await this.isHeld(at, drop.holder, options)) return;
    await this.#parts.references.release(drop.subject, drop.holder, options);
  }

  /** Carries on what was left of a complete or an abort. */
  async carryOn(at: UploadAddress, options: CallOptions): Promise<void> {
    const read = await this.#parts.completions.settled(at, options);
    if (read?.head.state.kind === 'aborted') await this.drop(at, options);
  }

  /** Whether a part has this hold. An attempt that has not come so far can then come no further. */
  async isHeld(at: UploadAddress, holder: string, options: CallOptions): Promise<boolean> {
    const { cells, completions } = this.#parts;
    for (;;) {
      const read = await completions.settled(at, options);
      if (read === undefined) return false;
      const parts = await cells.allParts(at, { ...options, isSerial: true });
      const part = parts.find(({ op }) => holderName({ kind: 'part', op }) === holder);
      // Of a completed upload the listed parts belong to its manifest, and the others were let go.
      if (read.head.state.kind === 'completed') return part !== undefined;
      if (part !== undefined) return true;
      if (read.head.state.kind === 'aborted') return false;
      // Its transaction is conditional on a sequence that was read before the hold was made.
      if ((await cells.replace(at, read, read.head, [], options)) === 'applied') return false;
    }
  }

  async #putPart(at: UploadAddress, part: Part, options: CallOptions): Promise<PutPartOutcome> {
    const { context, cells, work } = this.#parts;
    const subject: Subject | undefined = part.body === undefined ? undefined : { kind: 'blob', blob: part.body };
    const logged: LoggedWork[] = [];
    let held: readonly Drop[] = [];
    const end = async (outcome: PutPartOutcome, drops: readonly Drop[]): Promise<PutPartOutcome> => {
      await this.#release(drops, options);
      for (const entry of logged) await context.background.run((later) => work.end(entry, later));
      return outcome;
    };
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const read = await this.#openUpload(at, options);
      if (read === undefined) return await end({ kind: 'no-such-upload' }, held);
      const op = newOpId();
      const replaced = await cells.part(at, part.partNumber, options);
      const holds = dropsOf(subject, op);
      const replacedHolds = dropsOf(subjectOf(replaced), replaced?.op);
      logged.push(await work.begin({ kind: 'upload', ...at, drops: [...holds, ...replacedHolds] }, options));
      if (part.body !== undefined && !(await this.#hold(at, part.body, op, part.partNumber, options))) {
        return await end({ kind: 'blob-gone', blob: part.body }, held);
      }
      // The hold of an attempt that failed goes after the new one stands: between them the blob would be nobody's.
      await this.#release(held, options);
      held = holds;
      const fate = await this.#store(at, read, { record: { ...part, op }, replaced }, options);
      if (fate !== 'failed') {
        const isClosed = await this.#isClosed(at.bucketId, options);
        const drops = fate === 'replaced' ? [...holds, ...replacedHolds] : replacedHolds;
        return await end({ kind: isClosed ? 'no-such-upload' : 'stored' }, drops);
      }
      await context.pause(context.random() * Math.min(PAUSE_MS_MAX, 2 ** attempt), options);
    }
    throw new StoreError(
      'unavailable',
      `Others changed one upload ${ATTEMPTS_MAX} times: there is too much contention.`,
    );
  }

  async #hold(
    at: UploadAddress,
    blob: BlobAddress,
    op: OpId,
    partNumber: number,
    options: CallOptions,
  ): Promise<boolean> {
    const { references, isFresh } = this.#parts;
    const holder = { kind: 'part', op, ...at, partNumber } as const;
    return await references.hold({ kind: 'blob', blob }, holder, { isFresh: isFresh(blob.id) }, options);
  }

  async #release(drops: readonly Drop[], options: CallOptions): Promise<void> {
    for (const { subject, holder } of drops) await this.#parts.references.release(subject, holder, options);
  }

  /**
   * Stores a part. `replaced`: another part took its place meanwhile, whether it ever stood there or not; as if it had
   * been stored just before that one.
   */
  async #store(
    at: UploadAddress,
    read: ReadUpload,
    { record, replaced }: { readonly record: PartRecord; readonly replaced: PartRecord | undefined },
    options: CallOptions,
  ): Promise<'stored' | 'replaced' | 'failed'> {
    const { cells } = this.#parts;
    const rows = [{ key: [record.partNumber], value: encodePart(record) }];
    const outcome = await cells.replace(at, read, read.head, rows, options);
    if (outcome !== 'overtaken') return outcome === 'applied' ? 'stored' : 'failed';
    const found = await cells.part(at, record.partNumber, options);
    if (found?.op === record.op) return 'stored';
    return found === undefined || found.op === replaced?.op ? 'failed' : 'replaced';
  }

  async #openUpload(at: UploadAddress, options: CallOptions): Promise<ReadUpload | undefined> {
    const read = await this.#read(at, options);
    if (read?.head.state.kind === 'open') return read;
    if (read?.head.state.kind !== 'completing') return undefined;
    const settled = await this.#parts.completions.settled(at, options);
    return settled?.head.state.kind === 'open' ? settled : undefined;
  }

  /** The uploads of a closed bucket are aborted, though they are dropped later. */
  async #read(at: UploadAddress, options: CallOptions): Promise<ReadUpload | undefined> {
    const [read, isClosed] = await Promise.all([
      this.#parts.cells.read(at, options),
      this.#isClosed(at.bucketId, options),
    ]);
    return isClosed || read?.head.draft.key !== at.key ? undefined : read;
  }

  async #isClosed(bucketId: BucketId, options: CallOptions): Promise<boolean> {
    return (await this.#parts.states.read(bucketId, options)).state.status.kind === 'closed';
  }

  /** Ids of one key sort by the time of their making. */
  #nextId(lastId: string): string {
    const last = Number.parseInt(lastId.slice(0, TIME_DIGITS), 16) || 0;
    this.#lastSequence = Math.max(this.#lastSequence + 1, last + 1, this.#parts.context.clock.sequence());
    return this.#lastSequence.toString(16).padStart(TIME_DIGITS, '0') + newOpId();
  }
}

function dropsOf(subject: Subject | undefined, op: OpId | undefined): readonly Drop[] {
  return subject === undefined || op === undefined ? [] : [{ subject, holder: holderName({ kind: 'part', op }) }];
}

function subjectOf(part: PartRecord | undefined): Subject | undefined {
  return part?.body === undefined ? undefined : { kind: 'blob', blob: part.body };
}
