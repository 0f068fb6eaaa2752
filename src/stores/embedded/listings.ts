import { NULL_VERSION_ID } from '../../domain/names.ts';
import type { DeleteMarker, ListedObject, ListedVersion } from '../../domain/object-version.ts';
import type { KeyRange } from '../metastore.ts';
import { RowReader } from '../rows/row-codec.ts';
import { type OlderVersions, olderRange, parseKeyText, readOlder, readOlderPlace } from './heads.ts';
import type { MetaTables } from './meta-tables.ts';
import { KEY_NUMBER_MAX, objectKeyOfRow, objectRowRange, sequenceOfId } from './row-keys.ts';
import type { Row } from './table.ts';
import { listedOf, markerOf, readListedRow } from './version-rows.ts';

/** Costs the rows it returns: deleted keys stand in another table. */
export function listObjects(tables: MetaTables, { bucketId, prefix, from, limit }: KeyRange): readonly ListedObject[] {
  const rows = objectRowRange(bucketId, prefix, from);
  const page: ListedObject[] = [];
  if (rows === undefined || limit <= 0) return page;
  for (const { key, value } of tables.current.range({ ...rows, limit })) {
    const row = new RowReader(value);
    readOlder(row);
    const listed = readListedRow(row);
    if (listed.kind === 'object') page.push(listedOf(listed, parseKeyText(objectKeyOfRow(key))));
  }
  return page;
}

/** Costs the rows it returns, and one seek for each key that has older versions. */
export function listVersions(tables: MetaTables, range: KeyRange): readonly ListedVersion[] {
  const { bucketId, prefix, from, limit } = range;
  const rows = objectRowRange(bucketId, prefix, from);
  const page: ListedVersion[] = [];
  if (rows === undefined || limit <= 0) return page;
  for (const head of mergeByKey(tables.current.range(rows), tables.deleted.range(rows))) {
    const row = new RowReader(head.value);
    const rest = readOlder(row);
    const { sequence, listed } = readListed(row, objectKeyOfRow(head.key));
    const below =
      from?.kind === 'after-version' && from.key === listed.key
        ? lineOf(from.versionId, listed, sequence, rest)
        : KEY_NUMBER_MAX;
    if (sequence < below) page.push({ ...listed, isLatest: true });
    if (page.length < limit && rest.count > 0) listOlder(tables, { group: rest.group, below, limit }, page);
    if (page.length >= limit) return page;
  }
  return page;
}

function listOlder(
  tables: MetaTables,
  { group, below, limit }: { group: number; below: number; limit: number },
  page: ListedVersion[],
): void {
  for (const { value } of tables.older.range({ ...olderRange(group, below), limit: limit - page.length })) {
    const row = new RowReader(value);
    const { key } = readOlderPlace(row);
    page.push({ ...readListed(row, key).listed, isLatest: false });
  }
}

function readListed(row: RowReader, key: string): { sequence: number; listed: ListedObject | DeleteMarker } {
  const listed = readListedRow(row);
  const { sequence } = listed;
  const objectKey = parseKeyText(key);
  if (listed.kind === 'object') return { sequence, listed: listedOf(listed, objectKey) };
  return { sequence, listed: markerOf(listed, objectKey) };
}

/**
 * Only versions with a smaller sequence come after this one, which may be gone by now. Where a null version stood
 * cannot be told then: the key is listed again from its newest.
 */
function lineOf(
  versionId: string,
  current: ListedObject | DeleteMarker,
  currentSequence: number,
  { nullSequence }: OlderVersions,
): number {
  if (versionId !== NULL_VERSION_ID) return sequenceOfId(versionId) ?? KEY_NUMBER_MAX;
  if (current.versionId === NULL_VERSION_ID) return currentSequence;
  return nullSequence === 0 ? KEY_NUMBER_MAX : nullSequence;
}

/** The rows of two tables that have no key in common, in the order of their keys. */
function* mergeByKey(a: Iterable<Row>, b: Iterable<Row>): Generator<Row> {
  const left = a[Symbol.iterator]();
  const right = b[Symbol.iterator]();
  try {
    let fromLeft = left.next();
    let fromRight = right.next();
    while (fromLeft.done !== true || fromRight.done !== true) {
      const isLeft =
        fromRight.done === true ||
        (fromLeft.done !== true && Buffer.compare(fromLeft.value.key, fromRight.value.key) < 0);
      if (isLeft && fromLeft.done !== true) {
        yield fromLeft.value;
        fromLeft = left.next();
      } else if (fromRight.done !== true) {
        yield fromRight.value;
        fromRight = right.next();
      }
    }
  } finally {
    // Ends their cursors, and with them the snapshot's.
    left.return?.();
    right.return?.();
  }
}
