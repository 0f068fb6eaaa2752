import type { EmbeddedDatabase } from './database.ts';
import { RowReader, RowWriter } from './row-codec.ts';
import type { Change, Table } from './table.ts';

/** The tables of one metastore, and what stands in them. Numbers in keys have 48 bits, see `row-keys.ts`. */
const TABLE_NAMES = [
  /** [bucket id][object key] → head and current version, where that is an object: what ListObjects walks. */
  'current',
  /** [bucket id][object key] → head and current version, where that is a delete marker. */
  'deleted',
  /** [group][sequence, descending] → a version that is not current, with its bucket and key. */
  'older',
  /** [sequence] → the bytes of an inline body, as they are. */
  'inline',
  /** [blob id] → intent or place in the reclaim queue; [blob id][holder] → a reference. */
  'blobs',
  /** [kind][time][id] → what is to be looked at when its time has come. */
  'due',
  /** [pin id in UTF-8] → since when and until when. */
  'pins',
  /** [sequence] → an upload. */
  'uploads',
  /** [bucket id][object key] → the group of the key's open uploads. */
  'uploadKeys',
  /** [group][sequence] → an open upload. */
  'uploadGroups',
  /** [upload's sequence][part number] → a part of an open upload. */
  'parts',
  /** [manifest] → head; [manifest][1][row] → parts; [manifest][2][sequence] → a version that has it. */
  'manifests',
  /** [bucket id] of every bucket that was closed. */
  'closed',
  /** The last sequence. */
  'counter',
] as const;

export type MetaTables = Readonly<Record<(typeof TABLE_NAMES)[number], Table>>;

/** A value where the key says all; LMDB wants at least one byte. */
export const NO_VALUE = Buffer.of(0);

const SEQUENCE_KEY = Buffer.from('sequence');

export function openMetaTables(database: EmbeddedDatabase, name: string): MetaTables {
  return database.openTables(TABLE_NAMES, `${name}/`);
}

/** The greatest sequence that was given out. */
export function lastSequence(tables: MetaTables): number {
  const row = tables.counter.get(SEQUENCE_KEY);
  return row === undefined ? 0 : new RowReader(row).integer();
}

/** One step of a metastore: reads what was before it, and notes what changes. */
export class MetaStep {
  readonly tables: MetaTables;
  readonly change: Change;
  readonly nowMs: number;
  #lastSequence: number | undefined;

  constructor({ tables, change, nowMs }: { tables: MetaTables; change: Change; nowMs: number }) {
    this.tables = tables;
    this.change = change;
    this.nowMs = nowMs;
  }

  /** A number greater than any before, from 1 on: versions, uploads and groups share the one counter. */
  nextSequence(): number {
    const sequence = (this.#lastSequence ?? lastSequence(this.tables)) + 1;
    this.#lastSequence = sequence;
    this.change.put(this.tables.counter, SEQUENCE_KEY, new RowWriter().integer(sequence).finish());
    return sequence;
  }
}
