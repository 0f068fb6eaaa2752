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
import { decodeKeyHead, encodeKeyHead } from '../../src/stores/cassandra/key-head.ts';
import { BUCKET_STATE, LISTING, OBJECT, REFERENCE, TIME_LOG } from '../../src/stores/cassandra/tables.ts';
import type { CallOptions } from '../../src/stores/store.ts';
import type { ProtocolRun } from './protocol-run.ts';
import { WILD } from './simulated-cluster.ts';

/** Cells that pass everything on; what a variant breaks it overrides. */
class PassedOn implements Cells {
  protected readonly inner: Cells;

  constructor(inner: Cells) {
    this.inner = inner;
  }

  readHead(table: Table, partition: Key, options: ReadOptions): Promise<Head | undefined> {
    return this.inner.readHead(table, partition, options);
  }

  readRows(table: Table, partition: Key, slice: Slice, options: ReadOptions): Promise<readonly Row[]> {
    return this.inner.readRows(table, partition, slice, options);
  }

  write(
    table: Table,
    partition: Key,
    rows: readonly RowChange[],
    write: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void> {
    return this.inner.write(table, partition, rows, write, options);
  }

  copy(table: Table, partition: Key, rows: readonly Row[], options: CallOptions): Promise<void> {
    return this.inner.copy(table, partition, rows, options);
  }

  createHead(table: Table, partition: Key, head: Head, options: CallOptions): Promise<void> {
    return this.inner.createHead(table, partition, head, options);
  }

  deletePartition(
    table: Table,
    partition: Key,
    write: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void> {
    return this.inner.deletePartition(table, partition, write, options);
  }

  transact(table: Table, partition: Key, transaction: Transaction, options: CallOptions): Promise<TransactionOutcome> {
    return this.inner.transact(table, partition, transaction, options);
  }

  scanHeads(table: Table, options: CallOptions): AsyncIterable<{ readonly partition: Key; readonly head: Head }> {
    return this.inner.scanHeads(table, options);
  }

  scanRows(table: Table, options: CallOptions): AsyncIterable<{ readonly partition: Key; readonly row: Row }> {
    return this.inner.scanRows(table, options);
  }
}

/** What was checked on the head that was read is written whatever the head is by now. */
class ConditionOutside extends PassedOn {
  override async transact(
    table: Table,
    partition: Key,
    transaction: Transaction,
    options: CallOptions,
  ): Promise<TransactionOutcome> {
    let current = transaction;
    for (;;) {
      const outcome = await this.inner.transact(table, partition, current, options);
      if (table !== OBJECT || outcome !== 'refused') return outcome;
      const head = await this.inner.readHead(table, partition, { ...options, isSerial: true });
      current = { ...transaction, ifSequence: head?.sequence };
    }
  }
}

/** A mark is settled as if the key's sequence had been moved past it, and it stays where it is. */
class SettledInPlace extends PassedOn {
  readonly #pretended = new Map<string, number>();

  override async readHead(table: Table, partition: Key, options: ReadOptions): Promise<Head | undefined> {
    const head = await this.inner.readHead(table, partition, options);
    const name = nameOf(partition);
    const sequence = table === OBJECT ? this.#pretended.get(name) : undefined;
    this.#pretended.delete(name);
    return head === undefined || sequence === undefined ? head : { ...head, sequence };
  }

  override async transact(
    table: Table,
    partition: Key,
    transaction: Transaction,
    options: CallOptions,
  ): Promise<TransactionOutcome> {
    const { head } = transaction;
    const current = table === OBJECT ? await this.inner.readHead(table, partition, options) : undefined;
    const isMove = head !== undefined && current !== undefined && Buffer.compare(head.value, current.value) === 0;
    if (!isMove) return await this.inner.transact(table, partition, transaction, options);
    this.#pretended.set(nameOf(partition), head.sequence);
    return 'applied';
  }
}

/** An attempt whose name the head has forgotten is taken for one that failed. */
class ForgottenAttempts extends PassedOn {
  override async readHead(table: Table, partition: Key, options: ReadOptions): Promise<Head | undefined> {
    const head = await this.inner.readHead(table, partition, options);
    if (table !== OBJECT || options.isSerial !== true || head === undefined) return head;
    return { ...head, value: encodeKeyHead({ ...decodeKeyHead(head.value), applied: [] }) };
  }
}

/** Reclaim does not stop a writer that was paused: it takes its blob into use all the same. */
class PausedWriterIgnored extends PassedOn {
  override async transact(
    table: Table,
    partition: Key,
    transaction: Transaction,
    options: CallOptions,
  ): Promise<TransactionOutcome> {
    if (table !== REFERENCE) return await this.inner.transact(table, partition, transaction, options);
    // What holds a blob is written without regard to what became of the blob since.
    const outcome = await this.inner.transact(table, partition, transaction, options);
    return outcome === 'refused' && (transaction.rows?.length ?? 0) > 0 ? 'applied' : outcome;
  }
}

/** Absence is believed to a plain read: what consensus would finish first is not asked for. */
class NeverSerial extends PassedOn {
  override readHead(table: Table, partition: Key, options: ReadOptions): Promise<Head | undefined> {
    return this.inner.readHead(table, partition, { ...options, isSerial: false });
  }

  override readRows(table: Table, partition: Key, slice: Slice, options: ReadOptions): Promise<readonly Row[]> {
    return this.inner.readRows(table, partition, slice, { ...options, isSerial: false });
  }
}

/** Writes are not marked in the listing before they are made. */
class Unmarked extends PassedOn {
  override async write(
    table: Table,
    partition: Key,
    rows: readonly RowChange[],
    write: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void> {
    // Marks have odd timestamps.
    if (table === LISTING && write.timestamp % 2 === 1) return;
    await this.inner.write(table, partition, rows, write, options);
  }
}

/** The journal of unfinished work is not kept. */
class Forgetful extends PassedOn {
  override async write(
    table: Table,
    partition: Key,
    rows: readonly RowChange[],
    write: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void> {
    if (table === TIME_LOG && partition[1] === 'work') return;
    await this.inner.write(table, partition, rows, write, options);
  }
}

/** The bucket is not read after a write: what was read for an earlier one must do. */
class StaleBucket extends PassedOn {
  readonly #remembered = new Map<string, { readonly head: Head | undefined; left: number }>();

  override async readHead(table: Table, partition: Key, options: ReadOptions): Promise<Head | undefined> {
    if (table !== BUCKET_STATE) return await this.inner.readHead(table, partition, options);
    const known = this.#remembered.get(nameOf(partition));
    if (known !== undefined && known.left-- > 0) return known.head;
    const head = await this.inner.readHead(table, partition, options);
    this.#remembered.set(nameOf(partition), { head, left: STALE_READS });
    return head;
  }

  override async transact(
    table: Table,
    partition: Key,
    transaction: Transaction,
    options: CallOptions,
  ): Promise<TransactionOutcome> {
    if (table === BUCKET_STATE) this.#remembered.delete(nameOf(partition));
    return await this.inner.transact(table, partition, transaction, options);
  }
}

const STALE_READS = 6;

function nameOf(partition: Key): string {
  return partition.map((part) => (part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part)).join('/');
}

type Variant = Partial<ProtocolRun>;

/** Each must be caught. */
export const BROKEN_VARIANTS: Readonly<Record<string, Variant>> = {
  'a condition is checked outside the transaction': { breakCells: (cells) => new ConditionOutside(cells) },
  'a write is not marked in the listing': { breakCells: (cells) => new Unmarked(cells) },
  'a blob is taken into use that reclaim has taken': { breakCells: (cells) => new PausedWriterIgnored(cells) },
  'unfinished work is not written down': { breakCells: (cells) => new Forgetful(cells) },
  'values are torn by read repair of selected columns, and no read through consensus makes them whole': {
    breakCells: (cells) => new NeverSerial(cells),
    isVersioned: true,
    keys: ['a', 'b'],
    weather: { ...WILD, loss: 0.3 },
  },
  'a mark is settled without moving the sequence on': { breakCells: (cells) => new SettledInPlace(cells) },
  'an attempt that is no longer remembered is taken for one that failed': {
    breakCells: (cells) => new ForgottenAttempts(cells),
  },
  'a bucket is deleted under a put': { breakCells: (cells) => new StaleBucket(cells) },
};
