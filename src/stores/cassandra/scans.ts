import { type BucketId, type ObjectKey, parseBucketId } from '../../domain/names.ts';
import type { BlobAddress, ObjectVersion } from '../../domain/object-version.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { placesOf } from './bucket-state.ts';
import type { BucketStates } from './bucket-states.ts';
import type { Key } from './cells.ts';
import type { Context } from './context.ts';
import { bufferOf, decodeKeyHead, holdingsOf, type KeyState } from './key-head.ts';
import type { KeyAddress, KeyReader } from './key-reader.ts';
import { subjectOf } from './key-step.ts';
import { decodeCell, HIDDEN, LIVE, type ListingCell, listingKey } from './listing-rows.ts';
import { holderName, type References, type SubjectState, subjectName } from './references.ts';
import { LISTING, OBJECT } from './tables.ts';
import { type VersionRecord, versionIdOf, versionOf } from './version-rows.ts';

export interface ScansParts {
  readonly context: Context;
  readonly reader: KeyReader;
  readonly states: BucketStates;
  readonly references: References;
}

/** Reads a whole store, for fsck. */
export class Scans {
  readonly #parts: ScansParts;

  constructor(parts: ScansParts) {
    this.#parts = parts;
  }

  async *references(options: CallOptions): AsyncGenerator<BlobAddress> {
    for await (const state of this.#parts.references.scan(options)) {
      if (state.kind === 'referenced' && state.subject.kind === 'blob') yield state.subject.blob;
    }
  }

  async *versions(
    options: CallOptions,
  ): AsyncGenerator<{ readonly bucketId: BucketId; readonly version: ObjectVersion }> {
    for await (const { at, state } of this.#keys(options)) {
      for (const record of await this.#versionsOf(at, state, options)) {
        yield { bucketId: at.bucketId, version: versionOf(record, at.key) };
      }
    }
  }

  /**
   * One sentence for each contradiction between what is kept twice. What looks wrong is looked at again before it is
   * told, for the store may be in use.
   */
  async *contradictions(options: CallOptions): AsyncGenerator<string> {
    for await (const { at, state } of this.#keys(options)) {
      const sentences = await this.#checkKey(at, state, options);
      if (sentences.length === 0) continue;
      const again = await this.#parts.reader.head(at, { ...options, isSerial: true });
      yield* await this.#checkKey(at, again, options);
    }
    for await (const state of this.#parts.references.scan(options)) yield* await this.#checkReference(state, options);
  }

  async *#keys(options: CallOptions): AsyncGenerator<{ readonly at: KeyAddress; readonly state: KeyState }> {
    const { context } = this.#parts;
    for await (const { partition, head } of context.cells.scanHeads(OBJECT, options)) {
      if (partition[0] !== context.store) continue;
      yield { at: parseKeyPartition(partition), state: { sequence: head.sequence, head: decodeKeyHead(head.value) } };
    }
  }

  async #versionsOf(at: KeyAddress, { head }: KeyState, options: CallOptions): Promise<readonly VersionRecord[]> {
    if (head.olderCount > 0) return await this.#parts.reader.versions(at, options);
    return head.current === undefined ? [] : [head.current];
  }

  async #checkKey(at: KeyAddress, state: KeyState, options: CallOptions): Promise<readonly string[]> {
    const name = `Key ${JSON.stringify(at.key)} in bucket ${at.bucketId}`;
    const sentences: string[] = [];
    for (const record of await this.#versionsOf(at, state, options)) {
      for (const { op, body } of holdingsOf(record)) {
        const subject = subjectOf(body);
        const reference = await this.#parts.references.state(subject, options);
        const holds =
          reference?.kind === 'referenced' && reference.holders.includes(holderName({ kind: 'version', op }));
        if (!holds)
          sentences.push(`${name}: version ${versionIdOf(record)} has ${subjectName(subject)}, which does not say so.`);
      }
    }
    const isListed = await this.#isListedAs(at, state, options);
    if (!isListed) sentences.push(`${name} is not listed as it is.`);
    return sentences;
  }

  /** Whether every place of the key shows it as its head has it, or says that the head must be asked. */
  async #isListedAs(at: KeyAddress, { head: { current } }: KeyState, options: CallOptions): Promise<boolean> {
    const { context, states } = this.#parts;
    const { state } = await states.recent(at.bucketId, options);
    if (state.status.kind === 'closed') return current === undefined;
    const [rangeId] = placesOf(state, Buffer.from(at.key));
    const read = async (kind: number): Promise<ListingCell | undefined> => {
      const bound = { key: listingKey(kind, at.key), isInclusive: true };
      const partition = [context.store, at.bucketId, rangeId ?? ''];
      const slice = { from: bound, to: bound, limit: 1 };
      const [row] = await context.cells.readRows(LISTING, partition, slice, options);
      return row === undefined ? undefined : decodeCell(row.value);
    };
    const live = await read(LIVE);
    if (live?.kind === 'mark') return true;
    const hidden = await read(HIDDEN);
    const shows = live?.kind === 'live' ? live : hidden?.kind === 'hidden' ? hidden : undefined;
    return shows?.record.op === current?.op && shows?.record.kind === current?.kind;
  }

  async #checkReference(state: SubjectState, options: CallOptions): Promise<readonly string[]> {
    if (state.kind !== 'referenced') return [];
    const { references, reader } = this.#parts;
    const sentences: string[] = [];
    for (const holder of await references.holders(state.subject, options)) {
      if (holder.kind !== 'version' || (await reader.hasVersionBy(holder, holder.op, options))) continue;
      const again = await references.state(state.subject, options);
      const stillHolds = again?.kind === 'referenced' && again.holders.includes(holderName(holder));
      if (stillHolds) sentences.push(`${subjectName(state.subject)} is held by a version that does not exist.`);
    }
    return sentences;
  }
}

function parseKeyPartition([, bucketId, key]: Key): KeyAddress {
  if (typeof bucketId !== 'string' || !(key instanceof Uint8Array)) {
    throw new StoreError('corrupt', 'A partition of objects has no bucket or no key.');
  }
  return { bucketId: parseBucketId(bucketId), key: bufferOf(key).toString('utf8') as ObjectKey };
}
