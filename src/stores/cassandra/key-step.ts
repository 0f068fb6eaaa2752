import type { BlobId } from '../../domain/names.ts';
import type { BlobAddress, ManifestId } from '../../domain/object-version.ts';
import type { BucketClosed } from '../metastore.ts';
import { type CallOptions, StoreError } from '../store.ts';
import type { BucketState } from './bucket-state.ts';
import { type BucketStates, type ReadState, STATE_AGE_MS_MAX } from './bucket-states.ts';
import { type Context, newOpId, type OpId } from './context.ts';
import {
  type Completed,
  type Holding,
  type KeyChange,
  type KeyHead,
  type KeyState,
  mayBeRefused,
  remembersAllSince,
  type SharedBody,
  withApplied,
} from './key-head.ts';
import type { KeyProtocol } from './key-protocol.ts';
import type { KeyAddress, KeyReader } from './key-reader.ts';
import type { ListingWriter } from './listing-writer.ts';
import { holderName, type References, type Subject } from './references.ts';
import type { Drop, LoggedWork, WorkLog } from './work-log.ts';

/** What a caller wants of a key. */
export interface KeyStep<Outcome> {
  /** It changes the key whatever its state: so the mark may be written while the head is read. */
  readonly isUnconditional?: boolean;
  /** A body that the new version is to have. */
  readonly takes?: SharedBody;
  /** Given where others may carry on the same attempt; else every attempt has a name of its own. */
  readonly op?: OpId;
  /** Decides on the state of the key. May be called several times; `op` and `sequence` are those of the attempt. */
  plan(state: KeyState, attempt: { readonly op: OpId; readonly sequence: number }): Promise<KeyPlan<Outcome>>;
}

export type KeyPlan<Outcome> =
  | { readonly kind: 'answer'; readonly outcome: Outcome }
  | {
      readonly kind: 'change';
      readonly change: KeyChange;
      readonly outcome: Outcome;
      /** Listings show nothing of it. */
      readonly isUnlisted?: boolean;
    };

export type BodyGone = { readonly kind: 'blob-gone'; readonly blob: BlobAddress | ManifestId };

/** Steps at one key that lose against others, before it is given up. */
const ATTEMPTS_MAX = 64;
/** Longest pause between two attempts, in milliseconds. */
const PAUSE_MS_MAX = 200;
export interface KeyProtocolParts {
  readonly context: Context;
  readonly reader: KeyReader;
  readonly states: BucketStates;
  readonly listing: ListingWriter;
  readonly references: References;
  readonly work: WorkLog;
  /** When the intent of a blob stands, for blobs that this process has just written. */
  readonly isFresh: (id: BlobId) => boolean;
  /** Brings the records of completed uploads up to their keys. */
  readonly finishCompletions: (
    at: KeyAddress,
    completions: readonly Completed[],
    options: CallOptions,
  ) => Promise<void>;
}

/** One step on its way through its attempts. */
export class KeyStepRun<Outcome> {
  readonly #protocol: KeyProtocol;
  readonly #parts: KeyProtocolParts;
  readonly #at: KeyAddress;
  readonly #step: KeyStep<Outcome>;
  readonly #options: CallOptions;
  /** The timestamp of the last mark, and the epoch of the ranges that it was written to. */
  #mark: { readonly timestamp: number; readonly epoch: number } | undefined;
  /** The attempt whose name holds the body; holds of earlier attempts are released. */
  #holder: OpId | undefined;
  readonly #logged: LoggedWork[] = [];

  constructor(
    protocol: KeyProtocol,
    parts: KeyProtocolParts,
    at: KeyAddress,
    step: KeyStep<Outcome>,
    options: CallOptions,
  ) {
    this.#protocol = protocol;
    this.#parts = parts;
    this.#at = at;
    this.#step = step;
    this.#options = options;
  }

  async untilDone(): Promise<Outcome | BucketClosed | BodyGone> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const done = await this.#attempt(attempt === 1);
      if (done !== undefined) return done.outcome;
      const { pause, random } = this.#parts.context;
      await pause(random() * Math.min(PAUSE_MS_MAX, 2 ** attempt), this.#options);
    }
    throw new StoreError('unavailable', `Others changed one key ${ATTEMPTS_MAX} times: there is too much contention.`);
  }

  /** The outcome, or `undefined` where somebody else changed the key first. */
  async #attempt(isFirst: boolean): Promise<{ readonly outcome: Outcome | BucketClosed | BodyGone } | undefined> {
    const op = this.#step.op ?? newOpId();
    const startedAtMs = this.#parts.context.monotonicMs();
    const bucket = await this.#parts.states.recent(this.#at.bucketId, this.#options);
    if (bucket.state.status.kind === 'closed') return { outcome: { kind: 'bucket-closed' } };
    const isEager = isFirst && this.#step.isUnconditional === true;
    const [state, isHeld] = isEager
      ? await Promise.all([this.#read(), this.#take(op), this.#writeMark(bucket, this.#eagerTimestamp())])
      : [await this.#read(), undefined];
    // Its hold may have been taken away before the head was read: the next attempt has another name.
    const isOld = this.#parts.context.monotonicMs() - startedAtMs > STATE_AGE_MS_MAX;
    if (this.#step.op === undefined && mayBeRefused(state.head, op, { isOld })) return undefined;
    if (isHeld === false) return await this.#giveUp(bodyGone(this.#step.takes));
    const sequence = Math.max(this.#protocol.nextSequence(state), (this.#mark?.timestamp ?? 0) + 1);
    const plan = await this.#step.plan(state, { op, sequence });
    if (plan.kind === 'answer') return await this.#giveUp(plan.outcome);
    if (isHeld === undefined && !(await this.#take(op))) return await this.#giveUp(bodyGone(this.#step.takes));
    await this.#prepare({ op, state, sequence, bucket, plan });
    const head = await this.#nextHead(plan.change.head, state, op);
    const change = { ...plan.change, head };
    const outcome = await this.#protocol.transact(this.#at, state, change, sequence, this.#options);
    const isApplied = outcome === 'applied' || (outcome === 'overtaken' && (await this.#wasApplied(op, state)));
    if (!isApplied) return undefined;
    return await this.#finish(plan, { sequence, head });
  }

  #read(): Promise<KeyState> {
    return this.#parts.reader.head(this.#at, this.#options);
  }

  /** Whether the body is held under the name of this attempt. */
  async #take(op: OpId): Promise<boolean> {
    const { takes } = this.#step;
    if (takes === undefined || this.#holder === op) return true;
    const { references, work, isFresh } = this.#parts;
    const subject = subjectOf(takes);
    // The entry of its intent covers the first hold only: it may have been dealt with since.
    const fresh = takes.kind === 'blob' && isFresh(takes.blob.id) && this.#holder === undefined;
    if (!fresh && this.#step.op === undefined) {
      const begun = { kind: 'key', op, ...this.#at, takes: [subject], drops: [] } as const;
      this.#logged.push(await work.begin(begun, this.#options));
    }
    const holder = { kind: 'version', op, ...this.#at } as const;
    const isNew = takes.kind === 'manifest' && this.#step.op !== undefined;
    const isHeld = await references.hold(subject, holder, { isFresh: fresh, isNew }, this.#options);
    const spent = this.#holder;
    if (isHeld) this.#holder = op;
    // After the new hold: between the two the body would be nobody's.
    if (isHeld && spent !== undefined) await this.#releaseHold(spent);
    return isHeld;
  }

  #eagerTimestamp(): number {
    return this.#parts.context.clock.sequence() + 1;
  }

  async #writeMark(bucket: ReadState, timestamp: number): Promise<void> {
    await this.#parts.listing.mark(this.#at, bucket.state, timestamp, this.#options);
    this.#mark = { timestamp, epoch: bucket.state.epoch };
  }

  /** Whatever must stand before the transaction is sent. */
  async #prepare(attempt: {
    readonly op: OpId;
    readonly state: KeyState;
    readonly sequence: number;
    readonly bucket: ReadState;
    readonly plan: KeyPlan<Outcome> & { kind: 'change' };
  }): Promise<void> {
    const { op, state, sequence, plan } = attempt;
    const { context, states, work } = this.#parts;
    const drops = plan.change.drops.map(dropOf);
    if (drops.length > 0) {
      this.#logged.push(await work.begin({ kind: 'key', op, ...this.#at, takes: [], drops }, this.#options));
    }
    if (plan.isUnlisted === true) return;
    let { bucket } = attempt;
    for (;;) {
      const mark = this.#mark;
      const isMarked = mark !== undefined && mark.timestamp > state.sequence && mark.epoch === bucket.state.epoch;
      if (!isMarked) await this.#writeMark(bucket, sequence - 1);
      // A writer that was held up must not rely on where the listing lay before.
      if (context.monotonicMs() - bucket.readAtMs < STATE_AGE_MS_MAX) return;
      bucket = await states.read(this.#at.bucketId, this.#options);
      if (this.#mark?.epoch === bucket.state.epoch) return;
    }
  }

  async #nextHead(head: KeyHead, state: KeyState, op: OpId): Promise<KeyHead> {
    const { completions } = state.head;
    if (completions.length > 0) await this.#parts.finishCompletions(this.#at, completions, this.#options);
    const kept = head.completions.filter((completed) => !completions.includes(completed));
    return withApplied({ ...head, completions: kept }, op, this.#parts.context.rememberedMax);
  }

  /**
   * Whether an attempt was applied that others followed, planned on the state `before`. To take it for one that failed
   * when it was applied and forgotten would apply it twice: what came between would be undone.
   * Throws: `in-doubt` where nothing tells any more.
   */
  async #wasApplied(op: OpId, before: KeyState): Promise<boolean> {
    const { context, reader } = this.#parts;
    const { head } = await reader.head(this.#at, { ...this.#options, isSerial: true });
    if (head.applied.includes(op)) return true;
    if (remembersAllSince(head, before.head, context.rememberedMax)) return false;
    if (await reader.hasVersionBy(this.#at, op, this.#options)) return true;
    throw new StoreError('in-doubt', 'Whether a key was changed cannot be told: it was changed often since.');
  }

  /** Ends a step that changes nothing. */
  async #giveUp<Value>(outcome: Value): Promise<{ readonly outcome: Value | BucketClosed }> {
    const mark = this.#mark;
    if (mark !== undefined) {
      await this.#parts.context.background.run(async (options) => {
        await this.#protocol.settleMark(this.#at, mark.timestamp, options);
      });
    }
    if (this.#holder !== undefined && this.#step.op === undefined) await this.#releaseHold(this.#holder);
    await this.#forgetWork();
    const { state } = await this.#parts.states.read(this.#at.bucketId, this.#options);
    return { outcome: state.status.kind === 'closed' ? { kind: 'bucket-closed' } : outcome };
  }

  /** What follows a transaction that was applied. */
  async #finish(
    plan: KeyPlan<Outcome> & { kind: 'change' },
    key: KeyState,
  ): Promise<{ readonly outcome: Outcome | BucketClosed }> {
    const { states, listing, context } = this.#parts;
    const drops = plan.change.drops.map(dropOf);
    const [bucket] = await Promise.all([
      states.read(this.#at.bucketId, this.#options),
      this.#protocol.release(drops, this.#options),
    ]);
    const status = await this.#keepOpen(bucket, key);
    if (status === 'closed') {
      await this.#protocol.purge(this.#at, this.#options);
      await this.#forgetWork();
      return { outcome: { kind: 'bucket-closed' } };
    }
    const hasMoved = this.#mark !== undefined && this.#mark.epoch !== bucket.state.epoch;
    if (hasMoved) await this.#settleAnew(bucket.state);
    await context.background.run(async (options) => {
      if (!hasMoved && plan.isUnlisted !== true) await listing.settle(this.#at, bucket.state, key, options);
    });
    await this.#forgetWork();
    return { outcome: plan.outcome };
  }

  /** The listing moved after the mark was placed: what is true now, not what this step made, goes to the new place. */
  async #settleAnew(bucket: BucketState): Promise<void> {
    const key = await this.#read();
    await this.#parts.listing.settle(this.#at, bucket, key, this.#options);
  }

  /** Whoever is checking whether the bucket is empty is told that it is not. */
  async #keepOpen(bucket: ReadState, { head }: KeyState): Promise<'open' | 'closed'> {
    let read = bucket;
    for (;;) {
      const { status } = read.state;
      if (status.kind === 'closed') return 'closed';
      if (status.kind === 'open' || head.current === undefined) return 'open';
      const reopened = { ...read.state, status: { kind: 'open' } as const };
      if (await this.#parts.states.replace(this.#at.bucketId, read, reopened, this.#options)) return 'open';
      read = await this.#parts.states.read(this.#at.bucketId, this.#options);
    }
  }

  async #releaseHold(op: OpId): Promise<void> {
    const { takes } = this.#step;
    if (takes === undefined) return;
    await this.#parts.references.release(subjectOf(takes), holderName({ kind: 'version', op }), this.#options);
  }

  async #forgetWork(): Promise<void> {
    const { context, work } = this.#parts;
    for (const logged of this.#logged.splice(0)) await context.background.run((options) => work.end(logged, options));
  }
}

export function subjectOf(body: SharedBody): Subject {
  return body.kind === 'blob' ? { kind: 'blob', blob: body.blob } : { kind: 'manifest', id: body.manifestId };
}

export function dropOf({ op, body }: Holding): Drop {
  return { holder: holderName({ kind: 'version', op }), subject: subjectOf(body) };
}

function bodyGone(body: SharedBody | undefined): BodyGone {
  if (body === undefined) throw new TypeError('A step without a body has none that could be gone.');
  return { kind: 'blob-gone', blob: body.kind === 'blob' ? body.blob : body.manifestId };
}
