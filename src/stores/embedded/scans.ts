import { setImmediate } from 'node:timers/promises';
import { type BlobId, type BucketId, type ObjectKey, parseBucketId } from '../../domain/names.ts';
import type { BlobAddress, ObjectVersion } from '../../domain/object-version.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { blobRecord, isLive } from './blob-ledger.ts';
import { blobOfKey, decodeAddress, holderOfKey } from './blob-rows.ts';
import type { EmbeddedDatabase } from './database.ts';
import { decodeHead, decodeOlder, parseKeyText } from './heads.ts';
import { readInline } from './inline-bodies.ts';
import type { MetaTables } from './meta-tables.ts';
import { bucketIdOfRow, objectKeyOfRow } from './row-keys.ts';
import type { Row, Table } from './table.ts';
import { type VersionRow, versionOf } from './version-rows.ts';

/** Rows of one snapshot: a read transaction lasts a page, so that pages of the file can be used again. */
const PAGE_ROWS = 500;

const FIRST_KEY = Buffer.of(0);
const LAST_KEY = Buffer.of(
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
);

/**
 * Calls `visit` with every row of a table, a page of them on one snapshot, and yields what it returned.
 * Other work of the process runs between the pages.
 */
export async function* scanTable<T>(
  database: EmbeddedDatabase,
  table: Table,
  visit: (row: Row) => T,
  { signal }: CallOptions,
): AsyncGenerator<T> {
  let start = FIRST_KEY;
  for (;;) {
    signal.throwIfAborted();
    let last: Buffer | undefined;
    let rows = 0;
    const page = database.read(() =>
      Array.from(table.range({ start, end: LAST_KEY, limit: PAGE_ROWS }), (row) => {
        last = row.key;
        rows++;
        return visit(row);
      }),
    );
    for (const seen of page) {
      signal.throwIfAborted();
      yield seen;
    }
    if (last === undefined || rows < PAGE_ROWS) return;
    start = Buffer.concat([last, Buffer.of(0)]);
    await setImmediate();
  }
}

/** A version where it was found. */
export interface FoundVersion {
  readonly bucketId: BucketId;
  readonly key: ObjectKey;
  readonly version: VersionRow;
}

export function foundInHead({ key, value }: Row): FoundVersion {
  return {
    bucketId: parseBucketId(bucketIdOfRow(key)),
    key: parseKeyText(objectKeyOfRow(key)),
    version: decodeHead(value).version,
  };
}

/** Leaves out what cannot be read: `checkConsistency` reports it. */
export async function* scanVersions(
  database: EmbeddedDatabase,
  tables: MetaTables,
  options: CallOptions,
): AsyncGenerator<{ readonly bucketId: BucketId; readonly version: ObjectVersion }> {
  const show = (find: (row: Row) => FoundVersion) => (row: Row) =>
    unlessCorrupt(() => {
      const { bucketId, key, version } = find(row);
      return { bucketId, version: versionOf(version, key, (object) => readInline(tables, object)) };
    });
  for (const [table, find] of [
    [tables.current, foundInHead],
    [tables.deleted, foundInHead],
    [tables.older, ({ value }: Row) => decodeOlder(value)],
  ] as const) {
    for await (const found of scanTable(database, table, show(find), options)) if (found !== undefined) yield found;
  }
}

/** Every blob that something holds, once. */
export async function* scanReferences(
  database: EmbeddedDatabase,
  tables: MetaTables,
  options: CallOptions,
): AsyncGenerator<BlobAddress> {
  let lastId: BlobId | undefined;
  const visit = ({ key, value }: Row): BlobAddress | undefined => {
    const holder = holderOfKey(key);
    const id = blobOfKey(key);
    if (holder === undefined || id === lastId || blobRecord(tables, id) !== undefined || !isLive(tables, holder)) {
      return undefined;
    }
    lastId = id;
    return decodeAddress(value);
  };
  for await (const address of scanTable(database, tables.blobs, visit, options)) {
    if (address !== undefined) yield address;
  }
}

/** What `read` returns, or `undefined` where it meets a row that is not what was written. */
export function unlessCorrupt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}
