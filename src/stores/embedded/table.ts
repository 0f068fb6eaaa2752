import type { Database } from 'lmdb';

/** Rows of one table in the order of their keys' bytes, from `start` to before `end`. */
export interface RowRange {
  readonly start: Buffer;
  readonly end: Buffer;
  readonly limit?: number;
}

export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * One ordered table of an embedded database: bytes under bytes.
 *
 * It is read inside `EmbeddedDatabase.read` (one snapshot) or `write` (the state before the change), and changed by
 * a `Change` alone.
 */
export class Table {
  readonly #rows: Database<Buffer, Buffer>;

  constructor(rows: Database<Buffer, Buffer>) {
    this.#rows = rows;
  }

  get(key: Buffer): Buffer | undefined {
    // One buffer that every read of lmdb uses again: longer than the row, its `length` is that of the row.
    const value = this.#rows.getBinaryFast(key);
    return value === undefined ? undefined : copyOf(value);
  }

  /** Copies the start of a row into `target`; returns the row's length, or `undefined` where there is none. */
  copy(key: Buffer, target: Uint8Array): number | undefined {
    const value = this.#rows.getBinaryFast(key);
    if (value === undefined) return undefined;
    target.set(value.subarray(0, target.length));
    return value.length;
  }

  /** A row, or `'same'` where it is `known` byte for byte: that costs no copy. */
  getUnless(key: Buffer, known: Buffer): Buffer | 'same' | undefined {
    const value = this.#rows.getBinaryFast(key);
    if (value === undefined) return undefined;
    const { length } = value;
    if (length === known.length && value.compare(known, 0, length, 0, length) === 0) return 'same';
    return copyOf(value);
  }

  has(key: Buffer): boolean {
    return this.#rows.doesExist(key);
  }

  /** Reads a row when it is asked for; to be used up, or left, before the snapshot ends. */
  range(range: RowRange): Iterable<Row> {
    return this.#rows.getRange(range);
  }

  keys(range: RowRange): Iterable<Buffer> {
    return this.#rows.getKeys(range);
  }

  /** The first row of a range. */
  first(range: RowRange): Row | undefined {
    for (const row of this.range({ ...range, limit: 1 })) return row;
    return undefined;
  }

  hasAny(range: RowRange): boolean {
    for (const _ of this.keys({ ...range, limit: 1 })) return true;
    return false;
  }

  /** For `Change` alone, inside a write transaction. */
  applyPut(key: Buffer, value: Uint8Array): void {
    this.#rows.putSync(key, asBuffer(value));
  }

  /** For `Change` alone, inside a write transaction. */
  applyRemove(key: Buffer): void {
    this.#rows.removeSync(key);
  }
}

/**
 * The changes that one step wants to make, applied after its code has ended.
 *
 * So a step reads the state before it, and an error on the way, whatever it is, leaves no half of a change behind.
 */
export class Change {
  readonly #steps: { readonly table: Table; readonly key: Buffer; readonly value: Uint8Array | undefined }[] = [];

  put(table: Table, key: Buffer, value: Uint8Array): void {
    this.#steps.push({ table, key, value });
  }

  remove(table: Table, key: Buffer): void {
    this.#steps.push({ table, key, value: undefined });
  }

  /** In the order they were asked for. */
  apply(): void {
    for (const { table, key, value } of this.#steps) {
      if (value === undefined) table.applyRemove(key);
      else table.applyPut(key, value);
    }
  }
}

/** The row in a buffer of its own, out of Node's pool where it is short: a fourth of what `slice` takes. */
function copyOf(value: Buffer): Buffer {
  const row = Buffer.allocUnsafe(value.length);
  // Node 20's `copy` would take the length that is set on the buffer for that of its memory.
  row.set(new Uint8Array(value.buffer, value.byteOffset, value.length));
  return row;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
