import type { CallOptions } from '../store.ts';
import type { ClosedBuckets } from './closed-buckets.ts';
import type { KeyProtocol } from './key-protocol.ts';
import type { KeyReader } from './key-reader.ts';
import { type Holder, holderName, type References } from './references.ts';
import type { RetiredRanges } from './retired-ranges.ts';
import type { Uploads } from './uploads.ts';
import type { LoggedWork, Work, WorkLog } from './work-log.ts';

export interface UnfinishedWorkParts {
  readonly protocol: KeyProtocol;
  readonly reader: KeyReader;
  readonly references: References;
  readonly uploads: Uploads;
  readonly work: WorkLog;
  readonly closed: ClosedBuckets;
  readonly retired: RetiredRanges;
}

/**
 * Ends what others began and left, whoever they were and whether they are gone or only slow: an attempt that has not
 * been applied is refused where it would be, and only then taken for dead.
 */
export class UnfinishedWork {
  readonly #parts: UnfinishedWorkParts;

  constructor(parts: UnfinishedWorkParts) {
    this.#parts = parts;
  }

  /** Ends at most `limit` pieces of work that were begun before `beforeMs`. */
  async finish(beforeMs: number, limit: number, options: CallOptions): Promise<void> {
    let left = limit;
    for await (const logged of this.#parts.work.unfinished(beforeMs, options)) {
      if (left-- <= 0) return;
      await this.#finish(logged, options);
    }
  }

  /** Whether a holder is there and holds; one that is on its way is refused. */
  async isHeld(holder: Holder, options: CallOptions): Promise<boolean> {
    const { protocol, reader, uploads } = this.#parts;
    if (holder.kind === 'version') {
      await protocol.decide(holder, holder.op, options);
      return await reader.hasVersionBy(holder, holder.op, options);
    }
    return await uploads.isHeld(holder, holderName(holder), options);
  }

  async #finish(logged: LoggedWork, options: CallOptions): Promise<void> {
    if (await this.#end(logged.work, options)) await this.#parts.work.end(logged, options);
  }

  async #end(work: Work, options: CallOptions): Promise<boolean> {
    const { closed, uploads } = this.#parts;
    switch (work.kind) {
      case 'key':
        await this.#endKey(work, options);
        return true;
      case 'upload':
        for (const drop of work.drops) await uploads.settleDrop(work, drop, options);
        await uploads.carryOn(work, options);
        return true;
      case 'closed-bucket':
        return await closed.sweep(work.bucketId, options);
      case 'retired-ranges':
        await this.#parts.retired.drop(work.bucketId, work.rangeIds, options);
        return true;
    }
  }

  async #endKey(work: Work & { kind: 'key' }, options: CallOptions): Promise<void> {
    const { protocol, reader, references } = this.#parts;
    await protocol.decide(work, work.op, options);
    const own = holderName({ kind: 'version', op: work.op });
    const holds = [...work.drops, ...work.takes.map((subject) => ({ subject, holder: own }))];
    if (holds.length === 0) return;
    const versions = await reader.stable(work, options, () => reader.versions(work, { ...options, isSerial: true }));
    const holders = new Set(versions.map(({ op }) => holderName({ kind: 'version', op })));
    for (const { subject, holder } of holds) {
      if (!holders.has(holder)) await references.release(subject, holder, options);
    }
  }
}
