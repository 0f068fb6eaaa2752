import type { BucketClosed } from '../metastore.ts';
import type { CallOptions } from '../store.ts';
import type { Transaction } from './cells.ts';
import { newOpId, type OpId } from './context.ts';
import {
  encodeKeyHead,
  encodeOlder,
  type KeyChange,
  type KeyState,
  type OlderChange,
  removeCurrent,
  withRefused,
} from './key-head.ts';
import { KeyQueue } from './key-queue.ts';
import type { KeyAddress } from './key-reader.ts';
import { type BodyGone, dropOf, type KeyProtocolParts, type KeyStep, KeyStepRun } from './key-step.ts';
import { OBJECT } from './tables.ts';
import type { Drop } from './work-log.ts';

/**
 * How long the head of a key without versions stays, in seconds: longer than any clock may be wrong, so that the key's
 * next life begins at a greater sequence.
 */
const DEAD_HEAD_TTL_SECONDS = 10 * 24 * 3600;

/**
 * The protocol for a key: every change of it is one transaction on its partition, conditional on the sequence that was
 * read. No clock decides anything; a wrong one costs a round trip.
 *
 * In this order, and each step must have been acknowledged before the next:
 * 1. the body's reference, and an entry of the work log where a body is shared or dropped;
 * 2. a mark in the listing: from here listings ask the head;
 * 3. the transaction;
 * 4. the bucket is read: it may have been closed, or its listing moved, since the mark was placed;
 * 5. references of what was dropped end. Then comes the reply;
 * 6. the listing is settled, and the work log forgets.
 * Why that keeps each promise: docs/decisions/0014-the-protocol-for-a-key.md.
 */
export class KeyProtocol {
  readonly #parts: KeyProtocolParts;
  readonly #queue = new KeyQueue();

  constructor(parts: KeyProtocolParts) {
    this.#parts = parts;
  }

  /** Takes one step at a key, in as many attempts as others force on it. */
  async step<Outcome>(
    at: KeyAddress,
    step: KeyStep<Outcome>,
    options: CallOptions,
  ): Promise<Outcome | BucketClosed | BodyGone> {
    const task = async (): Promise<Outcome | BucketClosed | BodyGone> => {
      const run = new KeyStepRun(this, this.#parts, at, step, options);
      return await run.untilDone();
    };
    return await this.#queue.run(`${at.bucketId}/${at.key}`, task, options);
  }

  /** A step whose version, if it makes one, has no body. */
  async stepWithoutBody<Outcome>(
    at: KeyAddress,
    step: Omit<KeyStep<Outcome>, 'takes'>,
    options: CallOptions,
  ): Promise<Outcome | BucketClosed> {
    const plan: KeyStep<{ kind: 'made'; outcome: Outcome }>['plan'] = async (state, attempt) => {
      const planned = await step.plan(state, attempt);
      return { ...planned, outcome: { kind: 'made', outcome: planned.outcome } };
    };
    const result = await this.step(at, { ...step, plan }, options);
    if (result.kind === 'blob-gone') throw new TypeError('A step that takes no body cannot find it gone.');
    return result.kind === 'made' ? result.outcome : result;
  }

  /**
   * Settles what an attempt of somebody else became: `applied`, or `refused`, and then it never will be. An attempt
   * that was applied long ago, and whose version is gone, may be said to be refused.
   */
  async decide(at: KeyAddress, op: OpId, options: CallOptions): Promise<'applied' | 'refused'> {
    const { reader } = this.#parts;
    for (;;) {
      if (await reader.hasVersionBy(at, op, options)) return 'applied';
      const state = await reader.head(at, { ...options, isSerial: true });
      if (state.head.applied.includes(op) || state.head.current?.op === op) return 'applied';
      if (state.head.refused.includes(op)) return 'refused';
      const sequence = this.nextSequence(state);
      const change = { head: withRefused(state.head, op), older: [], drops: [] };
      if ((await this.transact(at, state, change, sequence, options)) === 'applied') return 'refused';
    }
  }

  /**
   * Settles a mark that somebody left. The key's sequence is moved past it first, so that whoever wrote it, and was
   * paused since, can no longer change the key unseen.
   */
  async settleMark(at: KeyAddress, timestamp: number, options: CallOptions): Promise<KeyState> {
    const { reader, states, listing } = this.#parts;
    for (;;) {
      // The bucket before the head: in a place that is new, only what is true since then may be written.
      const { state: bucket } = await states.read(at.bucketId, options);
      const state = await reader.head(at, options);
      if (state.sequence > timestamp) {
        await listing.settle(at, bucket, state, options);
        return state;
      }
      const sequence = Math.max(this.nextSequence(state), timestamp + 1);
      const change = { head: state.head, older: [], drops: [] };
      await this.transact(at, state, change, sequence, options);
    }
  }

  /** Removes every version of a key of a closed bucket. */
  async purge(at: KeyAddress, options: CallOptions): Promise<void> {
    const { reader, work } = this.#parts;
    for (;;) {
      const state = await reader.head(at, { ...options, isSerial: true });
      if (state.head.current === undefined) return;
      const next = state.head.olderCount === 0 ? undefined : await reader.newestOlder(at, options);
      const change = removeCurrent(state.head, next);
      const drops = change.drops.map(dropOf);
      const op = newOpId();
      const logged =
        drops.length === 0 ? undefined : await work.begin({ kind: 'key', op, ...at, takes: [], drops }, options);
      const outcome = await this.transact(at, state, change, this.nextSequence(state), options);
      if (outcome === 'applied') await this.release(drops, options);
      if (logged !== undefined && outcome === 'applied') await work.end(logged, options);
    }
  }

  async release(drops: readonly Drop[], options: CallOptions): Promise<void> {
    await Promise.all(drops.map(({ subject, holder }) => this.#parts.references.release(subject, holder, options)));
  }

  /** The one place that writes a key's partition. */
  async transact(
    at: KeyAddress,
    state: KeyState,
    change: KeyChange,
    sequence: number,
    options: CallOptions,
  ): Promise<'applied' | 'refused' | 'overtaken'> {
    const { context, reader } = this.#parts;
    const transaction: Transaction = {
      ifSequence: state.sequence === 0 ? undefined : state.sequence,
      head: { sequence, value: encodeKeyHead(change.head) },
      rows: change.older.map(olderRow),
      ...(change.head.current === undefined ? { ttlSeconds: DEAD_HEAD_TTL_SECONDS } : {}),
    };
    return await context.cells.transact(OBJECT, reader.partition(at), transaction, options);
  }

  /** Sequences are even and near the time in microseconds; marks are odd and stand between two of them. */
  nextSequence({ sequence }: KeyState): number {
    return Math.max(sequence + 2, this.#parts.context.clock.sequence());
  }
}

function olderRow({ order, record }: OlderChange): { key: readonly number[]; value: Uint8Array | undefined } {
  return { key: [order], value: record === undefined ? undefined : encodeOlder(record) };
}
