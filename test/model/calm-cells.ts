import type {
  Cells,
  Head,
  Key,
  ReadOptions,
  Row,
  RowChange,
  Slice,
  Table,
  Transaction,
  TransactionOutcome,
} from '../../src/stores/cassandra/cells.ts';
import type { CallOptions } from '../../src/stores/store.ts';
import { decodeHead, decodeSequence, encodeHead, encodeSequence } from './physical-head.ts';
import { Replica } from './replica.ts';

/**
 * A cluster on its best day: one replica in memory, every call answered at once, nothing ever in doubt. The fast
 * double under the protocols of the engine; several stores may share one.
 */
export class CalmCells implements Cells {
  readonly #nowMs: () => number;
  readonly #replica: Replica;
  #ballot = 0;

  /** By `nowMs` heads expire and transactions are timed. */
  constructor({ nowMs }: { nowMs: () => number }) {
    this.#nowMs = nowMs;
    this.#replica = new Replica(nowMs);
  }

  async readHead(table: Table, partition: Key, { signal }: ReadOptions): Promise<Head | undefined> {
    signal.throwIfAborted();
    return this.#head(table, partition);
  }

  async readRows(
    table: Table,
    partition: Key,
    slice: Slice,
    { signal, withTimestamps = false }: ReadOptions & { readonly withTimestamps?: boolean },
  ): Promise<readonly Row[]> {
    signal.throwIfAborted();
    const rows: Row[] = [];
    if (slice.limit <= 0) return rows;
    for (const { key, cell } of this.#replica.rowCells(table, partition, slice)) {
      if (cell.value === undefined) continue;
      rows.push({ key, value: cell.value, timestamp: withTimestamps ? cell.timestamp : 0 });
      if (rows.length >= slice.limit) break;
    }
    return rows;
  }

  async write(
    table: Table,
    partition: Key,
    rows: readonly RowChange[],
    { timestamp }: { readonly timestamp: number },
    { signal }: CallOptions,
  ): Promise<void> {
    signal.throwIfAborted();
    this.#replica.apply({ table, partition, timestamp, rows });
  }

  async copy(table: Table, partition: Key, rows: readonly Row[], { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    for (const { key, value, timestamp } of rows) {
      this.#replica.apply({ table, partition, timestamp, rows: [{ key, value }] });
    }
  }

  async createHead(table: Table, partition: Key, head: Head, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    this.#replica.apply({ table, partition, timestamp: 1, head: headCells(head) });
  }

  async deletePartition(
    table: Table,
    partition: Key,
    { timestamp }: { readonly timestamp: number },
    { signal }: CallOptions,
  ): Promise<void> {
    signal.throwIfAborted();
    this.#replica.apply({ table, partition, timestamp, isPartitionDeleted: true });
  }

  async transact(
    table: Table,
    partition: Key,
    { ifSequence, head, ttlSeconds, rows = [] }: Transaction,
    { signal }: CallOptions,
  ): Promise<TransactionOutcome> {
    signal.throwIfAborted();
    const cell = this.#replica.headCell({ table, partition }, 'seq');
    const sequence = cell?.value && decodeSequence(cell.value);
    if (sequence !== ifSequence) return 'refused';
    this.#ballot = Math.max(this.#ballot + 1, this.#nowMs() * 1000);
    const headExpiresAtMs = ttlSeconds === undefined ? undefined : this.#nowMs() + ttlSeconds * 1000;
    this.#replica.apply({ table, partition, timestamp: this.#ballot, head: headCells(head), headExpiresAtMs, rows });
    return 'applied';
  }

  async *scanHeads(
    table: Table,
    { signal }: CallOptions,
  ): AsyncGenerator<{ readonly partition: Key; readonly head: Head }> {
    for (const partition of this.#replica.partitions(table)) {
      signal.throwIfAborted();
      const head = this.#head(table, partition);
      if (head !== undefined) yield { partition, head };
    }
  }

  async *scanRows(
    table: Table,
    { signal }: CallOptions,
  ): AsyncGenerator<{ readonly partition: Key; readonly row: Row }> {
    for (const partition of this.#replica.partitions(table)) {
      const rows = await this.readRows(table, partition, { limit: Number.POSITIVE_INFINITY }, { signal });
      for (const row of rows) yield { partition, row };
    }
  }

  #head(table: Table, partition: Key): Head | undefined {
    const cell = this.#replica.headCell({ table, partition }, 'head');
    if (cell?.value === undefined) return undefined;
    const { sequence, value } = decodeHead(cell.value);
    return { sequence, value };
  }
}

function headCells(head: Head | undefined): { seq: Uint8Array | undefined; head: Uint8Array | undefined } {
  if (head === undefined) return { seq: undefined, head: undefined };
  return { seq: encodeSequence(head.sequence), head: encodeHead({ ...head, nonce: 0 }) };
}
