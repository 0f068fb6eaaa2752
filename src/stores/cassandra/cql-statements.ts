import type { Key, KeyColumn, RowChange, Slice, SliceBound, Table, Transaction } from './cells.ts';
import type { Statement } from './session.ts';

/** The CQL of one table. Texts depend on shapes only, so that the driver prepares a few of each. */
export class TableStatements {
  readonly #table: Table;
  readonly #where: string;
  readonly #rowWhere: string;
  readonly #keys: string;

  constructor(table: Table) {
    this.#table = table;
    this.#where = equals(table.partition);
    this.#rowWhere = equals([...table.partition, ...table.clustering]);
    this.#keys = names(table.clustering);
  }

  readHead(partition: Key): Statement {
    const { name, clustering } = this.#table;
    const distinct = clustering.length === 0 ? '' : 'DISTINCT ';
    return { query: `SELECT ${distinct}head FROM ${name} WHERE ${this.#where}`, params: partition };
  }

  readRows(partition: Key, slice: Slice, withTimestamps: boolean): Statement {
    const { from, to, isReverse = false } = slice;
    const columns = withTimestamps ? `${this.#keys}, value, WRITETIME(value) AS written` : `${this.#keys}, value`;
    const parts = [`SELECT ${columns} FROM ${this.#table.name} WHERE ${this.#where}`];
    const params: unknown[] = [...partition];
    for (const [bound, sign] of [
      [from, '>'],
      [to, '<'],
    ] as const) {
      if (bound === undefined) continue;
      parts.push(`AND ${this.#relation(bound, sign)}`);
      params.push(...bound.key);
    }
    if (isReverse) parts.push(`ORDER BY ${this.#table.clustering.map((column) => `${column.name} DESC`).join(', ')}`);
    if (Number.isFinite(slice.limit)) {
      parts.push('LIMIT ?');
      params.push(slice.limit);
    }
    return { query: parts.join(' '), params };
  }

  writeRow(partition: Key, { key, value }: RowChange, timestamp: number): Statement {
    const { name, partition: columns, clustering } = this.#table;
    if (value === undefined) {
      const query = `DELETE FROM ${name} USING TIMESTAMP ? WHERE ${this.#rowWhere}`;
      return { query, params: [timestamp, ...partition, ...key] };
    }
    const all = [...columns, ...clustering];
    const query = `INSERT INTO ${name} (${names(all)}, value) VALUES (${marks(all.length + 1)}) USING TIMESTAMP ?`;
    return { query, params: [...partition, ...key, value, timestamp] };
  }

  createHead(partition: Key, { sequence, head }: { sequence: number; head: Uint8Array }): Statement {
    const { name, partition: columns } = this.#table;
    const values = marks(columns.length + 2);
    const query = `INSERT INTO ${name} (${names(columns)}, seq, head) VALUES (${values}) USING TIMESTAMP 1`;
    return { query, params: [...partition, sequence, head] };
  }

  deletePartition(partition: Key, timestamp: number): Statement {
    const query = `DELETE FROM ${this.#table.name} USING TIMESTAMP ? WHERE ${this.#where}`;
    return { query, params: [timestamp, ...partition] };
  }

  /** The statements of a transaction: the first one has the condition. */
  transact(partition: Key, transaction: Transaction, head: Uint8Array | undefined): readonly Statement[] {
    const { ifSequence, ttlSeconds, rows = [] } = transaction;
    const using = ttlSeconds === undefined ? '' : 'USING TTL ? ';
    const ttl = ttlSeconds === undefined ? [] : [ttlSeconds];
    const condition = ifSequence === undefined ? 'IF seq = null' : 'IF seq = ?';
    const expected = ifSequence === undefined ? [] : [ifSequence];
    const sequence = transaction.head?.sequence ?? null;
    const { name } = this.#table;
    const first = {
      query: `UPDATE ${name} ${using}SET seq = ?, head = ? WHERE ${this.#where} ${condition}`,
      params: [...ttl, sequence, head ?? null, ...partition, ...expected],
    };
    return [first, ...rows.map((row) => this.#transactRow(partition, row))];
  }

  scanHeads(): Statement {
    const { name, partition, clustering } = this.#table;
    const distinct = clustering.length === 0 ? '' : 'DISTINCT ';
    return { query: `SELECT ${distinct}${names(partition)}, head FROM ${name}`, params: [] };
  }

  scanRows(): Statement {
    const { name, partition } = this.#table;
    return { query: `SELECT ${names(partition)}, ${this.#keys}, value FROM ${name}`, params: [] };
  }

  #transactRow(partition: Key, { key, value }: RowChange): Statement {
    const { name, partition: columns, clustering } = this.#table;
    if (value === undefined) {
      return { query: `DELETE FROM ${name} WHERE ${this.#rowWhere}`, params: [...partition, ...key] };
    }
    const all = [...columns, ...clustering];
    const query = `INSERT INTO ${name} (${names(all)}, value) VALUES (${marks(all.length + 1)})`;
    return { query, params: [...partition, ...key, value] };
  }

  #relation({ key, isInclusive }: SliceBound, sign: '>' | '<'): string {
    const columns = this.#table.clustering.slice(0, key.length);
    const operator = isInclusive ? `${sign}=` : sign;
    if (columns.length === 1) return `${names(columns)} ${operator} ?`;
    return `(${names(columns)}) ${operator} (${marks(columns.length)})`;
  }
}

function names(columns: readonly KeyColumn[]): string {
  return columns.map(({ name }) => name).join(', ');
}

function equals(columns: readonly KeyColumn[]): string {
  return columns.map(({ name }) => `${name} = ?`).join(' AND ');
}

function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}
