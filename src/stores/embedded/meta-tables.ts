import { RowReader, RowWriter } from '../rows/row-codec.ts';
import type { EmbeddedDatabase } from './database.ts';
import type { Change, Table } from './table.ts';

/** The tables of one metastore. Numbers in keys have 48 bits, see `row-keys.ts`. */
export interface MetaTables {
  /** [bucket id][object key] → head and current version, where that is an object: what ListObjects walks. */
  readonly current: Table;
  /** [bucket id][object key] → head and current version, where that is a delete marker. */
  readonly deleted: Table;
  /** [group][sequence, descending] → a version that is not current, with its bucket and key. */
  readonly older: Table;
  /** [sequence][piece] → a piece of an inline body, as it is. */
  readonly inline: Table;
  /** [blob id] → intent or place in the reclaim queue; [blob id][holder] → a reference. */
  readonly blobs: Table;
  /** [kind][time][id] → what is to be looked at when its time has come. */
  readonly due: Table;
  /** [pin id in UTF-8] → since when and until when. */
  readonly pins: Table;
  /** [sequence] → an upload. */
  readonly uploads: Table;
  /** [bucket id][object key] → the group of the key's open uploads. */
  readonly uploadKeys: Table;
  /** [group][sequence] → an open upload. */
  readonly uploadGroups: Table;
  /** [upload's sequence][part number] → a part of an open upload. */
  readonly parts: Table;
  /** [manifest] → head; [manifest][1][row] → parts; [manifest][2][sequence] → a version that has it. */
  readonly manifests: Table;
  /** [bucket id] of every bucket that was closed. */
  readonly closed: Table;
  /** The last sequence. */
  readonly counter: Table;
}

/** A value where the key says all; LMDB wants at least one byte. */
export const NO_VALUE = Buffer.of(0);

const SEQUENCE_KEY = Buffer.from('sequence');

/** The tables of the metastore called `name`. */
export function openMetaTables(database: EmbeddedDatabase, name: string): MetaTables {
  return database.openTables((open) => ({
    current: open(`${name}/current`),
    deleted: open(`${name}/deleted`),
    older: open(`${name}/older`),
    inline: open(`${name}/inline`),
    blobs: open(`${name}/blobs`),
    due: open(`${name}/due`),
    pins: open(`${name}/pins`),
    uploads: open(`${name}/uploads`),
    uploadKeys: open(`${name}/uploadKeys`),
    uploadGroups: open(`${name}/uploadGroups`),
    parts: open(`${name}/parts`),
    manifests: open(`${name}/manifests`),
    closed: open(`${name}/closed`),
    counter: open(`${name}/counter`),
  }));
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
