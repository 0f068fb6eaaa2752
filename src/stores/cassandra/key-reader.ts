import type { BucketId, ObjectKey, VersionId } from '../../domain/names.ts';
import { NULL_VERSION_ID } from '../../domain/names.ts';
import type { Key, ReadOptions } from './cells.ts';
import type { Context, OpId } from './context.ts';
import { decodeKeyHead, decodeOlder, type KeyState, NO_KEY } from './key-head.ts';
import { OBJECT } from './tables.ts';
import { orderOfVersionId, type VersionRecord, versionIdOf } from './version-rows.ts';

export interface KeyAddress {
  readonly bucketId: BucketId;
  readonly key: ObjectKey;
}

/** Rows of one read. */
const PAGE_ROWS = 500;

/**
 * Reads keys. The head is one cell, so a plain read of it is whole and current. Older versions are rows of their own:
 * a plain read may see the head of a transaction and not yet its rows, so what is not found is looked for once more
 * through consensus before it is said to be absent.
 */
export class KeyReader {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async head(at: KeyAddress, options: ReadOptions): Promise<KeyState> {
    const head = await this.#context.cells.readHead(OBJECT, this.partition(at), options);
    return head === undefined ? NO_KEY : { sequence: head.sequence, head: decodeKeyHead(head.value) };
  }

  /** The version with this id, as a record. */
  async version(at: KeyAddress, versionId: VersionId, options: ReadOptions): Promise<VersionRecord | undefined> {
    const state = await this.head(at, options);
    const found = await this.#versionIn(state, at, versionId, options);
    if (found !== undefined || state.head.olderCount === 0) return found;
    return await this.stable(at, options, (serial) =>
      this.#versionIn(serial, at, versionId, { ...options, isSerial: true }),
    );
  }

  /** Every version of a key, newest first, as they are at one moment. */
  async versions(at: KeyAddress, options: ReadOptions): Promise<readonly VersionRecord[]> {
    const state = await this.head(at, options);
    const older = state.head.olderCount === 0 ? [] : await this.older(at, options);
    if (older.length === state.head.olderCount) return withCurrent(state, older);
    return await this.stable(at, options, async (serial) =>
      withCurrent(serial, await this.older(at, { ...options, isSerial: true })),
    );
  }

  /** What `read` makes of a key that does not change meanwhile; its reads go through consensus. */
  async stable<Value>(at: KeyAddress, options: ReadOptions, read: (state: KeyState) => Promise<Value>): Promise<Value> {
    for (;;) {
      const state = await this.head(at, { ...options, isSerial: true });
      const value = await read(state);
      const after = await this.head(at, { ...options, isSerial: true });
      if (after.sequence === state.sequence) return value;
    }
  }

  /** The older versions, newest first. */
  async older(at: KeyAddress, options: ReadOptions): Promise<readonly VersionRecord[]> {
    const records: VersionRecord[] = [];
    for (;;) {
      const last = records.at(-1);
      const to = last === undefined ? undefined : { key: [last.order], isInclusive: false };
      const slice = { to, limit: PAGE_ROWS, isReverse: true };
      const rows = await this.#context.cells.readRows(OBJECT, this.partition(at), slice, options);
      records.push(...rows.map(({ value }) => decodeOlder(value)));
      if (rows.length < PAGE_ROWS) return records;
    }
  }

  /** The newest of the older versions. For a step: read through consensus, it is as new as the head or newer. */
  async newestOlder(at: KeyAddress, options: ReadOptions): Promise<VersionRecord | undefined> {
    const slice = { limit: 1, isReverse: true };
    const serial = { ...options, isSerial: true };
    const [row] = await this.#context.cells.readRows(OBJECT, this.partition(at), slice, serial);
    return row === undefined ? undefined : decodeOlder(row.value);
  }

  /** The older version of this order. */
  async olderAt(at: KeyAddress, order: number, options: ReadOptions): Promise<VersionRecord | undefined> {
    const bound = { key: [order], isInclusive: true };
    const slice = { from: bound, to: bound, limit: 1 };
    const [row] = await this.#context.cells.readRows(OBJECT, this.partition(at), slice, options);
    return row === undefined ? undefined : decodeOlder(row.value);
  }

  /** Whether a version of the key was made by this attempt, and is there. */
  async hasVersionBy(at: KeyAddress, op: OpId, options: ReadOptions): Promise<boolean> {
    return await this.stable(at, options, async (state) => {
      if (state.head.current?.op === op) return true;
      if (state.head.olderCount === 0) return false;
      return (await this.older(at, { ...options, isSerial: true })).some((record) => record.op === op);
    });
  }

  partition({ bucketId, key }: KeyAddress): Key {
    return [this.#context.store, bucketId, Buffer.from(key)];
  }

  async #versionIn(
    { head }: KeyState,
    at: KeyAddress,
    versionId: VersionId,
    options: ReadOptions,
  ): Promise<VersionRecord | undefined> {
    const { current } = head;
    if (current !== undefined && versionIdOf(current) === versionId) return current;
    const order = versionId === NULL_VERSION_ID ? head.nullOrder : orderOfVersionId(versionId);
    if (order === undefined || head.olderCount === 0) return undefined;
    const older = await this.olderAt(at, order, options);
    return older !== undefined && versionIdOf(older) === versionId ? older : undefined;
  }
}

function withCurrent({ head: { current } }: KeyState, older: readonly VersionRecord[]): readonly VersionRecord[] {
  return current === undefined ? older : [current, ...older];
}
