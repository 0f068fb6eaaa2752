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
import { type CallOptions, StoreError } from '../../src/stores/store.ts';
import { encodeHead, encodeSequence } from './physical-head.ts';
import type { SimulatedProcess } from './scheduler.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

/** How often a call is sent again before its outcome stays unknown. */
const ATTEMPTS_MAX = 6;
const PAUSE_MS = 20;

let lastNonce = 0;

/** The cells of one simulated process: what it sends, and what it hears while it is not held and has not ended. */
export class SimulatedCells implements Cells {
  readonly #cluster: SimulatedCluster;
  readonly #process: SimulatedProcess;

  constructor(cluster: SimulatedCluster, process: SimulatedProcess) {
    this.#cluster = cluster;
    this.#process = process;
  }

  readHead(table: Table, partition: Key, options: ReadOptions): Promise<Head | undefined> {
    return this.#heard(this.#cluster.readHead(table, partition, options));
  }

  readRows(table: Table, partition: Key, slice: Slice, options: ReadOptions): Promise<readonly Row[]> {
    return this.#heard(this.#cluster.readRows(table, partition, slice, options));
  }

  async write(
    table: Table,
    partition: Key,
    rows: readonly RowChange[],
    { timestamp }: { readonly timestamp: number },
  ): Promise<void> {
    await this.#again(() => this.#cluster.write({ table, partition, timestamp, rows }));
  }

  async copy(table: Table, partition: Key, rows: readonly Row[]): Promise<void> {
    for (const { key, value, timestamp } of rows) {
      await this.#again(() => this.#cluster.write({ table, partition, timestamp, rows: [{ key, value }] }));
    }
  }

  async createHead(table: Table, partition: Key, { sequence, value }: Head): Promise<void> {
    const head = { seq: encodeSequence(sequence), head: encodeHead({ sequence, value, nonce: 0 }) };
    await this.#again(() => this.#cluster.write({ table, partition, timestamp: 1, head }));
  }

  async deletePartition(table: Table, partition: Key, { timestamp }: { readonly timestamp: number }): Promise<void> {
    await this.#again(() => this.#cluster.write({ table, partition, timestamp, isPartitionDeleted: true }));
  }

  async transact(table: Table, partition: Key, transaction: Transaction): Promise<TransactionOutcome> {
    lastNonce++;
    const nonce = lastNonce;
    let isInDoubt = false;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const outcome = await this.#heard(this.#cluster.transact(table, partition, transaction, nonce));
      this.#process.scheduler.note(
        `${this.#process.name}: transaction ${table.name} ${partition.slice(1).map(String).join('/')} if ${transaction.ifSequence}: ${outcome}`,
      );
      if (outcome === 'applied') return 'applied';
      if (outcome === 'refused' && !isInDoubt) return 'refused';
      if (outcome === 'silence') isInDoubt = true;
      if (outcome === 'refused') {
        const found = await this.#heard(this.#cluster.readNonce(table, partition));
        if (found?.nonce === nonce) return 'applied';
        if (found?.sequence !== transaction.ifSequence) return 'overtaken';
      }
      await this.#process.sleep(PAUSE_MS);
    }
    throw new StoreError('in-doubt', 'Nothing was heard of a transaction.');
  }

  async *scanHeads(
    table: Table,
    options: CallOptions,
  ): AsyncGenerator<{ readonly partition: Key; readonly head: Head }> {
    for (const partition of this.#cluster.partitions(table)) {
      const head = await this.readHead(table, partition, { ...options, isSerial: true });
      if (head !== undefined) yield { partition, head };
    }
  }

  async *scanRows(table: Table, options: CallOptions): AsyncGenerator<{ readonly partition: Key; readonly row: Row }> {
    for (const partition of this.#cluster.partitions(table)) {
      const slice = { limit: Number.POSITIVE_INFINITY };
      for (const row of await this.readRows(table, partition, slice, options)) yield { partition, row };
    }
  }

  async #again(write: () => Promise<'done' | 'silence'>): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if ((await this.#heard(write())) === 'done') return;
      await this.#process.sleep(PAUSE_MS);
    }
    throw new StoreError('in-doubt', 'Nothing was heard of a write.');
  }

  /** An answer, when this process gets to hear it. */
  #heard<Value>(answer: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.#process.deliver(() => resolve(value)),
        (error: unknown) => this.#process.deliver(() => reject(error)),
      );
    });
  }
}
