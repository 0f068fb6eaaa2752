import type { CallOptions } from '../store.ts';

/** The value of one column of a key: text, bigint (a safe integer) or blob. */
export type KeyValue = string | number | Uint8Array;
export type Key = readonly KeyValue[];

export interface KeyColumn {
  readonly name: string;
  readonly type: 'text' | 'bigint' | 'blob';
}

/**
 * A table as this engine uses them. Beside its key every row has one cell, `value`, and every partition may have a
 * head: two static cells, `seq` and `head`, that transactions write together.
 */
export interface Table {
  readonly name: string;
  readonly partition: readonly KeyColumn[];
  /** Empty: a partition is nothing but its head. Rows stand in the rising order of these columns. */
  readonly clustering: readonly KeyColumn[];
  /** Its partitions have rows and never a head. */
  readonly isHeadless?: true;
}

/** The head of a partition. */
export interface Head {
  /** Rises with each transaction; what a later one is conditional on. */
  readonly sequence: number;
  readonly value: Uint8Array;
}

export interface Row {
  /** All clustering columns. */
  readonly key: Key;
  readonly value: Uint8Array;
  /** The timestamp that it was written at, in microseconds; 0 unless it was asked for. */
  readonly timestamp: number;
}

/** Rows from `from` to `to` in the order of their keys; a bound may name only the first columns. */
export interface Slice {
  readonly from?: SliceBound | undefined;
  readonly to?: SliceBound | undefined;
  readonly limit: number;
  /** From the end of the slice to its beginning. */
  readonly isReverse?: boolean;
}

export interface SliceBound {
  readonly key: Key;
  readonly isInclusive: boolean;
}

/** One row of a write; without a value the row is deleted. */
export interface RowChange {
  readonly key: Key;
  readonly value: Uint8Array | undefined;
}

export interface Transaction {
  /** The sequence that the partition must have; `undefined`: it must have no head. */
  readonly ifSequence: number | undefined;
  /** The head that it gets, or `undefined` to take it away. */
  readonly head: Head | undefined;
  /** The new head expires after this long: for what is deleted, and of which nothing must come back. */
  readonly ttlSeconds?: number;
  readonly rows?: readonly RowChange[];
}

/**
 * - `applied`: it was applied, once.
 * - `refused`: it was not, and will not be: the partition had another sequence.
 * - `overtaken`: its outcome was in doubt, and by now the partition has a later sequence. It may have been applied
 *   before that, and only what it wrote can tell.
 */
export type TransactionOutcome = 'applied' | 'refused' | 'overtaken';

export interface ReadOptions extends CallOptions {
  /**
   * Reads through consensus: what is being written is finished or ruled out first. A plain read asks a quorum; it may
   * see the head of a transaction and not yet its rows, or the other way round.
   */
  readonly isSerial?: boolean;
}

/**
 * What the stores need of a cluster, and all that they know of it: partitions with one cell a row. The engine has it
 * over Cassandra; the tests of the protocol have it over simulated replicas.
 *
 * Reads select whole cells only, and a cell holds the whole value of its row, so read repair can tear nothing.
 * Throws: `StoreError`, `unavailable` for reads; for plain writes `in-doubt` once one was sent (repeat it: it is
 *   idempotent, for its timestamp is its own); for transactions `in-doubt` where no attempt told the outcome.
 */
export interface Cells {
  /** The head of a partition, or `undefined`. */
  readHead(table: Table, partition: Key, options: ReadOptions): Promise<Head | undefined>;

  /** The rows of one partition in `slice`, in its order. */
  readRows(
    table: Table,
    partition: Key,
    slice: Slice,
    options: ReadOptions & { readonly withTimestamps?: boolean },
  ): Promise<readonly Row[]>;

  /**
   * Writes rows of one partition, all or none, at one timestamp in microseconds. Of two writes of a row the one with
   * the greater timestamp stays, whatever order they come in. Acknowledged by a quorum when the promise resolves.
   */
  write(
    table: Table,
    partition: Key,
    rows: readonly RowChange[],
    write: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void>;

  /** Writes rows of one partition, each at its own timestamp: what `readRows` gave `withTimestamps`, somewhere else. */
  copy(table: Table, partition: Key, rows: readonly Row[], options: CallOptions): Promise<void>;

  /** Gives a partition its first head, outside of any transaction, at timestamp 1: what a transaction wrote stays. */
  createHead(table: Table, partition: Key, head: Head, options: CallOptions): Promise<void>;

  /** Deletes a whole partition up to a timestamp. Not for partitions whose head may be needed again. */
  deletePartition(
    table: Table,
    partition: Key,
    write: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void>;

  /** Writes a head and rows of one partition, all or none, if the partition has the sequence that was read. */
  transact(table: Table, partition: Key, transaction: Transaction, options: CallOptions): Promise<TransactionOutcome>;

  /** Every partition of a table with its head, in no particular order, a page at a time. */
  scanHeads(table: Table, options: CallOptions): AsyncIterable<{ readonly partition: Key; readonly head: Head }>;

  /** Every row of a table, in no particular order, a page at a time. */
  scanRows(table: Table, options: CallOptions): AsyncIterable<{ readonly partition: Key; readonly row: Row }>;
}
