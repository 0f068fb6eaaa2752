import type { BlobId } from '../../domain/names.ts';
import type { BlobAddress } from '../../domain/object-version.ts';
import type { BlobIntent, BlobState, Pin } from '../reclaim.ts';
import type { CallOptions } from '../store.ts';
import type { Context } from './context.ts';
import type { Manifests } from './manifests.ts';
import type { Pins } from './pins.ts';
import { blobSubject, decodeState, type Holder, holderName, type References, type Subject } from './references.ts';
import type { LogEntry, TimeLog } from './time-log.ts';
import type { UnfinishedWork } from './unfinished-work.ts';

/** Reads of references at one time. */
const READS_MAX = 16;
/** Intents whose times this process remembers; a request holds one or a few. */
const OPEN_INTENTS_MAX = 100_000;

export interface ReclaimParts {
  readonly context: Context;
  readonly references: References;
  readonly manifests: Manifests;
  readonly intents: TimeLog;
  readonly queue: TimeLog;
  readonly pins: Pins;
  readonly unfinished: UnfinishedWork;
}

/** Intents, and the queue of what nothing holds any more. */
export class Reclaim {
  readonly #parts: ReclaimParts;
  /** When the intents stand that this process opened: to take them out of their log without looking for them. */
  readonly #open = new Map<BlobId, number>();

  constructor(parts: ReclaimParts) {
    this.#parts = parts;
  }

  /** Whether this process has opened the intent of the blob and nothing has become of it yet. */
  isFresh(id: BlobId): boolean {
    return this.#open.has(id);
  }

  async openIntent({ id, storageClass, atMs }: BlobIntent, options: CallOptions): Promise<void> {
    const { references, intents, context } = this.#parts;
    const time = context.clock.ofCaller(atMs);
    const subject: Subject = { kind: 'blob', blob: { id, storageClass, sizeBytes: 0 } };
    // The entry stands when the intent does: an intent that nobody finds would never expire.
    await intents.add({ atMs: time, entry: id, value: Buffer.from(storageClass) }, options);
    await references.intend(subject, time, options);
    this.#remember(id, time);
  }

  async renewIntent({ id, storageClass, atMs }: BlobIntent, options: CallOptions): Promise<boolean> {
    const { references, intents, context } = this.#parts;
    const time = context.clock.ofCaller(atMs);
    const subject: Subject = { kind: 'blob', blob: { id, storageClass, sizeBytes: 0 } };
    const before = this.#open.get(id);
    if ((await references.state(subject, options))?.kind !== 'intended') return false;
    await intents.add({ atMs: time, entry: id, value: Buffer.from(storageClass) }, options);
    const isRenewed = await references.renew(subject, time, options);
    if (!isRenewed) await intents.remove({ atMs: time, entry: id }, options);
    else if (before !== undefined && before !== time) await intents.remove({ atMs: before, entry: id }, options);
    if (isRenewed) this.#remember(id, time);
    return isRenewed;
  }

  async abandonIntent(id: BlobId, options: CallOptions): Promise<void> {
    if (await this.#parts.references.giveUp(blobSubject(id), undefined, options)) await this.settled(id, options);
  }

  /** The intent of the blob is past: its entry goes. */
  async settled(id: BlobId, options: CallOptions): Promise<void> {
    const atMs = this.#open.get(id);
    if (atMs === undefined) return;
    this.#open.delete(id);
    await this.#parts.intents.remove({ atMs, entry: id }, options);
  }

  async expireIntents(
    { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
    options: CallOptions,
  ): Promise<number> {
    const { context, intents, unfinished } = this.#parts;
    const endMs = context.clock.ofCaller(beforeMs);
    let expired = 0;
    for await (const entry of intents.entries(endMs, options)) {
      if (expired >= limit) return expired;
      if (await this.#expire(entry, options)) expired++;
    }
    await unfinished.finish(endMs, limit, options);
    return expired;
  }

  async listReclaimable(
    { beforeMs, nowMs, limit }: { readonly beforeMs: number; readonly nowMs: number; readonly limit: number },
    options: CallOptions,
  ): Promise<readonly BlobAddress[]> {
    const { context, pins, queue, references } = this.#parts;
    const pinnedMs = await pins.oldest(context.clock.ofCaller(nowMs), options);
    const endMs = Math.min(context.clock.ofCaller(beforeMs), pinnedMs);
    const blobs: BlobAddress[] = [];
    let waiting: { subject: Subject; atMs: number; entry: string }[] = [];
    const look = async (): Promise<void> => {
      const looked = waiting;
      waiting = [];
      const states = await Promise.all(looked.map(({ subject }) => references.state(subject, options)));
      for (const [index, { subject, atMs, entry }] of looked.entries()) {
        const state = states[index];
        const isQueued = state?.kind === 'reclaimable' && state.queuedAtMs === atMs;
        if (!isQueued) await queue.remove({ atMs, entry }, options);
        else if (subject.kind === 'blob') blobs.push(subject.blob);
        else await this.#forgetManifest(subject, options);
      }
    };
    for await (const { atMs, entry, value } of queue.entries(endMs, options)) {
      waiting.push({ subject: decodeState(value).subject, atMs, entry });
      if (waiting.length >= READS_MAX) await look();
      if (blobs.length >= limit) return blobs.slice(0, limit);
    }
    await look();
    return blobs.slice(0, limit);
  }

  async forgetReclaimed(ids: readonly BlobId[], options: CallOptions): Promise<void> {
    for (let start = 0; start < ids.length; start += READS_MAX) {
      const some = ids.slice(start, start + READS_MAX);
      await Promise.all(some.map((id) => this.#parts.references.forget(blobSubject(id), options)));
    }
  }

  async blobState(id: BlobId, options: CallOptions): Promise<BlobState> {
    return await this.#parts.references.blobState(blobSubject(id), options);
  }

  async setPin({ id, sinceMs, expiresAtMs }: Pin, options: CallOptions): Promise<void> {
    const { clock } = this.#parts.context;
    const pin = { id, sinceMs: clock.ofCaller(sinceMs), expiresAtMs: clock.ofCaller(expiresAtMs) };
    await this.#parts.pins.set(pin, options);
  }

  async clearPin(id: string, options: CallOptions): Promise<void> {
    await this.#parts.pins.clear(id, options);
  }

  /** Gives up one intent that has stood too long. What came of it otherwise is checked once, for its writer may be gone. */
  async #expire({ atMs, entry: id, value }: LogEntry, options: CallOptions): Promise<boolean> {
    const { references, intents, unfinished } = this.#parts;
    const subject = blobSubject(id, Buffer.from(value).toString());
    let state = await references.state(subject, options);
    // Its writer came no further than this entry, or is held up between it and the intent.
    if (state === undefined) {
      await references.condemn(subject, options);
      state = await references.state(subject, options);
    }
    const isExpired = state?.kind === 'intended' && (await references.giveUp(subject, atMs, options));
    if (!isExpired) state = await references.state(subject, options);
    if (state?.kind === 'referenced') {
      for (const holder of await references.holders(subject, options)) {
        if (!(await unfinished.isHeld(holder, options))) await this.#release(state.subject, holder, options);
      }
    }
    await intents.remove({ atMs, entry: id }, options);
    if (isExpired) this.#open.delete(parseOpenId(id));
    return isExpired;
  }

  async #release(subject: Subject, holder: Holder, options: CallOptions): Promise<void> {
    await this.#parts.references.release(subject, holderName(holder), options);
  }

  async #forgetManifest(subject: Subject & { kind: 'manifest' }, options: CallOptions): Promise<void> {
    await this.#parts.manifests.delete(subject.id, options);
    await this.#parts.references.forget(subject, options);
  }

  #remember(id: BlobId, atMs: number): void {
    this.#open.delete(id);
    this.#open.set(id, atMs);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_INTENTS_MAX && oldest !== undefined) this.#open.delete(oldest);
  }
}

function parseOpenId(id: string): BlobId {
  return id as BlobId;
}
