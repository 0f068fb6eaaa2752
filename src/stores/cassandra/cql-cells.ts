import { randomBytes } from 'node:crypto';
import timers from 'node:timers/promises';
import type { types } from 'cassandra-driver';
import { type CallOptions, StoreError } from '../store.ts';
import type {
  Cells,
  Head,
  Key,
  KeyColumn,
  KeyValue,
  ReadOptions,
  Row,
  RowChange,
  Slice,
  Table,
  Transaction,
  TransactionOutcome,
} from './cells.ts';
import { TableStatements } from './cql-statements.ts';
import { isRefused } from './driver-errors.ts';
import type { CassandraSession, Statement } from './session.ts';

/** How often one call is sent again; and for how long, in milliseconds, while its outcome is in doubt. */
const ATTEMPTS_MAX = 12;
const DOUBT_MS_MAX = 30_000;
const PAUSE_MS_MIN = 10;
const PAUSE_MS_MAX = 1_000;
/** Rows of one read: larger slices are read in pages. */
const PAGE_ROWS = 5_000;
/** Partitions, and rows, of a page of a scan. */
const SCAN_ROWS = 500;

const SEQUENCE_BYTES = 8;
const NONCE_BYTES = 8;
const HIGH = 2 ** 32;

/** `Cells` over a keyspace of Apache Cassandra, in CQL. */
export class CqlCells implements Cells {
  readonly #session: CassandraSession;
  readonly #statements = new Map<string, TableStatements>();

  constructor(session: CassandraSession) {
    this.#session = session;
  }

  async readHead(table: Table, partition: Key, options: ReadOptions): Promise<Head | undefined> {
    const result = await this.#read(table, this.#of(table).readHead(partition), options);
    const cell = bytesOf(result.first()?.get('head'));
    return cell === undefined ? undefined : decodeHead(cell);
  }

  async readRows(
    table: Table,
    partition: Key,
    slice: Slice,
    options: ReadOptions & { readonly withTimestamps?: boolean },
  ): Promise<readonly Row[]> {
    const statement = this.#of(table).readRows(partition, slice, options.withTimestamps === true);
    const rows: Row[] = [];
    let pageState: string | undefined;
    do {
      const result = await this.#read(table, statement, options, { fetchSize: PAGE_ROWS, pageState });
      for (const row of result.rows) {
        const value = bytesOf(row.get('value'));
        // A partition with nothing but a head has one row without a key.
        if (value === undefined) continue;
        const written = row.get('written');
        rows.push({ key: keyOf(row, table.clustering), value, timestamp: written == null ? 0 : Number(written) });
      }
      pageState = result.pageState;
    } while (pageState != null && rows.length < slice.limit);
    return rows;
  }

  async write(
    table: Table,
    partition: Key,
    rows: readonly RowChange[],
    { timestamp }: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void> {
    const statements = rows.map((row) => this.#of(table).writeRow(partition, row, timestamp));
    await this.#write(table, statements, options);
  }

  async copy(table: Table, partition: Key, rows: readonly Row[], options: CallOptions): Promise<void> {
    const statements = rows.map((row) => this.#of(table).writeRow(partition, row, row.timestamp));
    await this.#write(table, statements, options);
  }

  async createHead(table: Table, partition: Key, { sequence, value }: Head, options: CallOptions): Promise<void> {
    const head = encodeHead(sequence, Buffer.alloc(NONCE_BYTES), value);
    await this.#write(table, [this.#of(table).createHead(partition, { sequence, head })], options);
  }

  async deletePartition(
    table: Table,
    partition: Key,
    { timestamp }: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void> {
    await this.#write(table, [this.#of(table).deletePartition(partition, timestamp)], options);
  }

  async transact(
    table: Table,
    partition: Key,
    transaction: Transaction,
    options: CallOptions,
  ): Promise<TransactionOutcome> {
    const nonce = randomBytes(NONCE_BYTES);
    const { head } = transaction;
    const cell = head === undefined ? undefined : encodeHead(head.sequence, nonce, head.value);
    const statements = this.#of(table).transact(partition, transaction, cell);
    const send = { table: table.name, operation: 'transaction', level: 'write', ...options } as const;
    let isInDoubt = false;
    for (const retry of this.#retries()) {
      try {
        const isApplied = (await this.#session.sendAll(statements, send)).wasApplied();
        if (isApplied) return 'applied';
        if (!isInDoubt) return 'refused';
        const found = await this.#whatBecameOf(table, partition, { transaction, nonce }, options);
        if (found !== 'as before') return found;
      } catch (error) {
        const failure = repeatable(error, options);
        isInDoubt ||= failure.kind === 'in-doubt';
        if (retry.isLast({ isInDoubt }) || isRefused(failure.cause)) throw lastFailure(failure, isInDoubt);
      }
      await retry.pause(options);
    }
    throw new StoreError('in-doubt', `The outcome of a transaction on ${table.name} could not be learnt in time.`);
  }

  async *scanHeads(
    table: Table,
    options: CallOptions,
  ): AsyncGenerator<{ readonly partition: Key; readonly head: Head }> {
    for await (const row of this.#scan(table, this.#of(table).scanHeads(), options)) {
      const cell = bytesOf(row.get('head'));
      if (cell !== undefined) yield { partition: keyOf(row, table.partition), head: decodeHead(cell) };
    }
  }

  async *scanRows(table: Table, options: CallOptions): AsyncGenerator<{ readonly partition: Key; readonly row: Row }> {
    for await (const row of this.#scan(table, this.#of(table).scanRows(), options)) {
      const value = bytesOf(row.get('value'));
      if (value === undefined) continue;
      const key = keyOf(row, table.clustering);
      yield { partition: keyOf(row, table.partition), row: { key, value, timestamp: 0 } };
    }
  }

  /** After a transaction was refused that may have been applied before: read through consensus who wrote the head. */
  async #whatBecameOf(
    table: Table,
    partition: Key,
    { transaction, nonce }: { readonly transaction: Transaction; readonly nonce: Uint8Array },
    options: CallOptions,
  ): Promise<'applied' | 'overtaken' | 'as before'> {
    const result = await this.#read(table, this.#of(table).readHead(partition), { ...options, isSerial: true });
    const cell = bytesOf(result.first()?.get('head'));
    // Whoever took the head away, be it this transaction, left no name.
    if (cell === undefined) return 'overtaken';
    if (Buffer.compare(cell.subarray(SEQUENCE_BYTES, SEQUENCE_BYTES + NONCE_BYTES), nonce) === 0) return 'applied';
    return decodeHead(cell).sequence === transaction.ifSequence ? 'as before' : 'overtaken';
  }

  async #read(
    table: Table,
    statement: Statement,
    { signal, isSerial = false }: ReadOptions,
    page: { readonly fetchSize?: number; readonly pageState?: string | undefined } = {},
  ): Promise<types.ResultSet> {
    const operation = isSerial ? 'serial-read' : 'read';
    const level = isSerial ? 'serial' : 'read';
    const options = { table: table.name, operation, level, signal, ...page } as const;
    return await this.#again(() => this.#session.send(statement, options), { signal });
  }

  async #write(table: Table, statements: readonly Statement[], { signal }: CallOptions): Promise<void> {
    const options = { table: table.name, operation: 'write', level: 'write', signal } as const;
    if (statements.length > 0) await this.#again(() => this.#session.sendAll(statements, options), { signal });
  }

  async *#scan(table: Table, statement: Statement, { signal }: CallOptions): AsyncGenerator<types.Row> {
    let pageState: string | undefined;
    do {
      const options = { table: table.name, operation: 'scan', level: 'read', signal } as const;
      const page = { fetchSize: SCAN_ROWS, pageState };
      const result = await this.#again(() => this.#session.send(statement, { ...options, ...page }), { signal });
      for (const row of result.rows) {
        yield row;
        signal.throwIfAborted();
      }
      pageState = result.pageState;
    } while (pageState != null);
  }

  /** Sends what is idempotent again while it fails. */
  async #again<Result>(send: () => Promise<Result>, options: CallOptions): Promise<Result> {
    let isInDoubt = false;
    for (const retry of this.#retries()) {
      try {
        return await send();
      } catch (error) {
        const failure = repeatable(error, options);
        isInDoubt ||= failure.kind === 'in-doubt';
        if (retry.isLast({ isInDoubt }) || isRefused(failure.cause)) throw lastFailure(failure, isInDoubt);
      }
      await retry.pause(options);
    }
    throw new StoreError('unavailable', 'Cassandra did not answer in time.');
  }

  #retries(): Iterable<Retry> {
    return retries({ certainMsMax: this.#session.options.requestTimeoutMs });
  }

  #of(table: Table): TableStatements {
    const known = this.#statements.get(table.name) ?? new TableStatements(table);
    this.#statements.set(table.name, known);
    return known;
  }
}

interface Retry {
  isLast(state: { readonly isInDoubt: boolean }): boolean;
  pause(options: CallOptions): Promise<void>;
}

/** The attempts of one call: within a number and a time, which is longer where something hangs on the outcome. */
function* retries({ certainMsMax }: { readonly certainMsMax: number }): Generator<Retry> {
  const startedAt = performance.now();
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const isLast: Retry['isLast'] = ({ isInDoubt }) =>
      attempt === ATTEMPTS_MAX || performance.now() - startedAt > (isInDoubt ? DOUBT_MS_MAX : certainMsMax);
    const longest = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** attempt);
    yield {
      isLast,
      pause: async ({ signal }) => {
        const jitter = (randomBytes(1)[0] ?? 0) / 256;
        await timers.setTimeout((longest / 2) * (1 + jitter), undefined, { signal }).catch(() => undefined);
        signal.throwIfAborted();
      },
    };
  }
}

/** The failure, where the call may be repeated; throws it otherwise. */
function repeatable(error: unknown, { signal }: CallOptions): StoreError {
  signal.throwIfAborted();
  if (!(error instanceof StoreError) || error.kind === 'corrupt') throw error;
  return error;
}

function lastFailure(failure: StoreError, isInDoubt: boolean): StoreError {
  return isInDoubt ? new StoreError('in-doubt', failure.message, { cause: failure }) : failure;
}

function encodeHead(sequence: number, nonce: Uint8Array, value: Uint8Array): Buffer {
  const cell = Buffer.allocUnsafe(SEQUENCE_BYTES + NONCE_BYTES + value.length);
  cell.writeUInt32BE(Math.floor(sequence / HIGH), 0);
  cell.writeUInt32BE(sequence % HIGH, 4);
  cell.set(nonce, SEQUENCE_BYTES);
  cell.set(value, SEQUENCE_BYTES + NONCE_BYTES);
  return cell;
}

function decodeHead(cell: Buffer): Head {
  if (cell.length < SEQUENCE_BYTES + NONCE_BYTES)
    throw new StoreError('corrupt', 'The head of a partition is too short.');
  return {
    sequence: cell.readUInt32BE(0) * HIGH + cell.readUInt32BE(4),
    value: cell.subarray(SEQUENCE_BYTES + NONCE_BYTES),
  };
}

function keyOf(row: types.Row, columns: readonly KeyColumn[]): Key {
  return columns.map(({ name, type }) => parseKeyValue(row.get(name), type));
}

function parseKeyValue(value: unknown, type: KeyColumn['type']): KeyValue {
  if (type === 'bigint') return Number(value);
  if (type === 'text' && typeof value === 'string') return value;
  if (type === 'blob' && value instanceof Uint8Array) return value;
  throw new StoreError('corrupt', `A key column of type ${type} has a value of another kind.`);
}

function bytesOf(value: unknown): Buffer | undefined {
  if (value === null || value === undefined) return undefined;
  if (Buffer.isBuffer(value)) return value;
  throw new StoreError('corrupt', 'A cell does not hold bytes.');
}
