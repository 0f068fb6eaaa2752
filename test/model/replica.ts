import type { Key, RowChange, Slice, Table } from '../../src/stores/cassandra/cells.ts';
import { AFTER_ALL, encodeKey } from './key-order.ts';

/** A cell as a replica has it: without a value it is a tombstone. */
export interface Cell {
  readonly value: Uint8Array | undefined;
  /** In microseconds. */
  readonly timestamp: number;
  readonly expiresAtMs?: number | undefined;
}

export interface RowCell {
  readonly key: Key;
  readonly cell: Cell;
}

/** What one write changes in one partition, all at one timestamp. */
export interface Mutation {
  readonly table: Table;
  readonly partition: Key;
  readonly timestamp: number;
  readonly isPartitionDeleted?: boolean;
  /** Cells of the head that change; one without a value is deleted. */
  readonly head?: { readonly [Name in HeadCell]?: Uint8Array | undefined };
  readonly headExpiresAtMs?: number | undefined;
  readonly rows?: readonly RowChange[];
}

/** The condition of a transaction looks at `seq` alone; a read of a head selects `head` alone. */
export type HeadCell = 'seq' | 'head';

interface PartitionState {
  readonly key: Key;
  deletedAt: number;
  readonly head: Map<HeadCell, Cell>;
  readonly rows: Map<string, RowCell>;
  /** The names of `rows` in order. */
  readonly order: string[];
}

/**
 * One replica: for every cell, what wins of all that reached it, in whatever order that came.
 * Tombstones are never purged: purging is safe only when every replica has them, and then nothing can tell.
 */
export class Replica {
  readonly #nowMs: () => number;
  readonly #tables = new Map<string, Map<string, PartitionState>>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  apply(mutation: Mutation): void {
    const { table, timestamp, headExpiresAtMs } = mutation;
    const state = this.#stateForWrite(table, mutation.partition);
    if (mutation.isPartitionDeleted === true) state.deletedAt = Math.max(state.deletedAt, timestamp);
    const head = mutation.head ?? {};
    for (const name of ['seq', 'head'] as const) {
      if (!(name in head)) continue;
      const cell = { value: copy(head[name]), timestamp, expiresAtMs: headExpiresAtMs };
      state.head.set(name, newerCell(state.head.get(name), cell));
    }
    for (const { key, value } of mutation.rows ?? []) {
      if (key.length !== table.clustering.length) throw new TypeError(`A row of ${table.name} lacks key columns.`);
      mergeRow(state, encodeKey(table.clustering, key), { key, cell: { value: copy(value), timestamp } });
    }
  }

  /** The cell as a read sees it: a tombstone where it expired or its partition was deleted. */
  headCell(at: { readonly table: Table; readonly partition: Key }, name: HeadCell): Cell | undefined {
    const state = this.#state(at.table, at.partition);
    if (state === undefined) return undefined;
    return this.#visible(state, state.head.get(name));
  }

  /** The cells of a slice without regard to its limit, tombstones among them, in rising order. */
  *rowCells(table: Table, partition: Key, slice: Omit<Slice, 'limit'>): Generator<RowCell> {
    const state = this.#state(table, partition);
    if (state === undefined) return;
    const { from, to } = slice;
    const low = from && encodeKey(table.clustering, from.key) + (from.isInclusive ? '' : AFTER_ALL);
    const high = to && encodeKey(table.clustering, to.key) + (to.isInclusive ? AFTER_ALL : '');
    const start = low === undefined ? 0 : lowerBound(state.order, low);
    const end = high === undefined ? state.order.length : lowerBound(state.order, high);
    const step = slice.isReverse === true ? -1 : 1;
    for (let index = step > 0 ? start : end - 1; index >= start && index < end; index += step) {
      const row = state.rows.get(state.order[index] ?? '');
      const cell = row && this.#visible(state, row.cell);
      if (row !== undefined && cell !== undefined) yield { key: row.key, cell };
    }
  }

  partitions(table: Table): readonly Key[] {
    return [...(this.#tables.get(table.name)?.values() ?? [])].map(({ key }) => key);
  }

  #visible(state: PartitionState, cell: Cell | undefined): Cell | undefined {
    if (state.deletedAt >= (cell?.timestamp ?? Number.NEGATIVE_INFINITY)) {
      return state.deletedAt === Number.NEGATIVE_INFINITY
        ? undefined
        : { value: undefined, timestamp: state.deletedAt };
    }
    const isExpired = cell?.expiresAtMs !== undefined && cell.expiresAtMs <= this.#nowMs();
    return cell !== undefined && isExpired ? { value: undefined, timestamp: cell.timestamp } : cell;
  }

  #state(table: Table, partition: Key): PartitionState | undefined {
    return this.#tables.get(table.name)?.get(encodeWholeKey(table, partition));
  }

  #stateForWrite(table: Table, partition: Key): PartitionState {
    const name = encodeWholeKey(table, partition);
    const states = this.#tables.get(table.name) ?? new Map<string, PartitionState>();
    this.#tables.set(table.name, states);
    const found = states.get(name);
    if (found !== undefined) return found;
    const made = { key: partition, deletedAt: Number.NEGATIVE_INFINITY, head: new Map(), rows: new Map(), order: [] };
    states.set(name, made);
    return made;
  }
}

/**
 * The one of two cells that stays: the greater timestamp; at equal ones a tombstone; between values one that expires,
 * else the greater.
 */
export function newerCell(a: Cell | undefined, b: Cell): Cell {
  if (a === undefined) return b;
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp ? a : b;
  if (a.value === undefined || b.value === undefined) return a.value === undefined ? a : b;
  if ((a.expiresAtMs === undefined) !== (b.expiresAtMs === undefined)) return a.expiresAtMs === undefined ? b : a;
  return Buffer.compare(a.value, b.value) >= 0 ? a : b;
}

function encodeWholeKey(table: Table, partition: Key): string {
  if (partition.length !== table.partition.length) throw new TypeError(`A key of ${table.name} lacks columns.`);
  return encodeKey(table.partition, partition);
}

function mergeRow(state: PartitionState, name: string, { key, cell }: RowCell): void {
  const found = state.rows.get(name);
  state.rows.set(name, { key, cell: newerCell(found?.cell, cell) });
  if (found === undefined) state.order.splice(lowerBound(state.order, name), 0, name);
}

/** The index of the first name that is not below `bound`. */
function lowerBound(order: readonly string[], bound: string): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((order[middle] ?? '') < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What the caller does to its array afterwards must not reach the store. */
function copy(value: Uint8Array | undefined): Uint8Array | undefined {
  return value && new Uint8Array(value);
}
