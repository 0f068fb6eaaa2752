import type { Table } from './table.ts';

/** Rows that are kept decoded. */
const DECODED_MAX = 100;

/** What one row said when it was last read. */
interface DecodedRow<Value> {
  readonly key: Buffer;
  readonly row: Buffer;
  readonly value: Value;
}

/**
 * Rows of a table by name, kept decoded beside their bytes: a row that has not changed since says the same.
 *
 * The row is read each time, as another process may have changed it. To be used inside a read or a step.
 */
export class DecodedRows<Name extends string, Value> {
  readonly #table: Table;
  readonly #decode: (row: Buffer) => Value;
  readonly #decoded = new Map<Name, DecodedRow<Value>>();

  constructor(table: Table, decode: (row: Buffer) => Value) {
    this.#table = table;
    this.#decode = decode;
  }

  /** What the row under `name` says; `undefined` where there is none. */
  get(name: Name): Value | undefined {
    const known = this.#decoded.get(name);
    const key = known?.key ?? Buffer.from(name);
    const row = known === undefined ? this.#table.get(key) : this.#table.getUnless(key, known.row);
    if (known !== undefined && row === 'same') return known.value;
    this.#decoded.delete(name);
    if (row === undefined || row === 'same') return undefined;
    const value = this.#decode(row);
    this.#decoded.set(name, { key, row, value });
    if (this.#decoded.size > DECODED_MAX) this.#forgetOldest();
    return value;
  }

  #forgetOldest(): void {
    const [oldest] = this.#decoded.keys();
    if (oldest !== undefined) this.#decoded.delete(oldest);
  }
}
