import type { BucketId, ObjectKey, VersionId } from '../../domain/names.ts';
import { parseObjectKey } from '../../domain/names.ts';
import type { ListedObject, ListedVersion } from '../../domain/object-version.ts';
import type { UploadAddress } from '../../domain/upload.ts';
import type { KeyRange } from '../metastore.ts';
import type { CallOptions } from '../store.ts';
import type { BucketState } from './bucket-state.ts';
import type { BucketStates } from './bucket-states.ts';
import type { Row, SliceBound } from './cells.ts';
import type { Context } from './context.ts';
import type { KeyProtocol } from './key-protocol.ts';
import type { KeyReader } from './key-reader.ts';
import {
  decodeCell,
  HIDDEN,
  LIVE,
  type ListingCell,
  OPEN_UPLOAD,
  parseListedKey,
  uploadAddressOf,
} from './listing-rows.ts';
import { EVERY_KEY, type Piece, piecesOf, spanOf } from './listing-spans.ts';
import type { OnRangeWritten } from './listing-writer.ts';
import { LISTING } from './tables.ts';
import {
  type ListedRecord,
  listedOf,
  type MarkerRecord,
  markerOf,
  orderOfVersionId,
  versionIdOf,
} from './version-rows.ts';

/** Rows of one read at most, and at least: fewer would make pages behind dead rows slow. */
const READ_ROWS_MAX = 2_000;
const READ_ROWS_MIN = 32;
/** Heads that are asked at one time. */
const HEADS_MAX = 32;
/** A mark that is older than this is settled by whoever meets it, in milliseconds, unless given otherwise. */
export const MARK_AGE_MS_MAX = 10_000;
/** How long a page may take, in milliseconds: ranges that were replaced are kept for longer. */
const PAGE_MS_MAX = 60_000;

/** A key, and what its row says of it, or its head where the row cannot tell. */
interface Found {
  readonly key: ObjectKey;
  readonly cell: ListingCell;
}

export interface ListingReaderParts {
  readonly context: Context;
  readonly states: BucketStates;
  readonly reader: KeyReader;
  readonly protocol: KeyProtocol;
  /** Told of each row that a page had to pass over. */
  readonly onDead: OnRangeWritten;
  readonly markAgeMsMax: number;
}

/**
 * Reads pages of listings: about as many rows as the page has, from one or two partitions. Rows of keys that are being
 * changed are marked, and their heads asked.
 */
export class ListingReader {
  readonly #parts: ListingReaderParts;
  readonly #settling = new Set<string>();

  constructor(parts: ListingReaderParts) {
    this.#parts = parts;
  }

  async objects({ bucketId, prefix, from, limit }: KeyRange, options: CallOptions): Promise<readonly ListedObject[]> {
    const span = spanOf(prefix, from?.kind === 'after-version' ? { kind: 'after-key', key: from.key } : from);
    if (span === undefined) return [];
    return await this.#onOneLayout(bucketId, options, async (state) => {
      const page: ListedObject[] = [];
      for (const piece of piecesOf(state, span)) {
        for await (const rows of this.#rows(bucketId, piece, LIVE, () => limit - page.length, options)) {
          for (const { key, cell } of await this.#resolve(bucketId, foundIn(rows), options)) {
            if (cell.kind === 'live') page.push(listedOf(cell.record, key));
            else this.#parts.onDead(bucketId, piece.rangeId, true);
          }
          if (page.length >= limit) return page.slice(0, limit);
        }
      }
      return page;
    });
  }

  async versions({ bucketId, prefix, from, limit }: KeyRange, options: CallOptions): Promise<readonly ListedVersion[]> {
    const page: ListedVersion[] = [];
    if (from?.kind === 'after-version' && from.key.startsWith(prefix)) {
      const key = parseObjectKey(from.key);
      if (key !== undefined) page.push(...(await this.#versionsBelow({ bucketId, key }, from.versionId, options)));
    }
    const span = spanOf(prefix, from?.kind === 'after-version' ? { kind: 'after-key', key: from.key } : from);
    if (span === undefined || page.length >= limit) return page.slice(0, limit);
    const rest = await this.#onOneLayout(bucketId, options, async (state) => {
      const found: ListedVersion[] = [];
      for (const piece of piecesOf(state, span)) {
        for await (const keys of this.#keys(bucketId, piece, () => limit - page.length - found.length, options)) {
          const versions = await inOrder(keys, (key) => this.#versionsOf(bucketId, key, options));
          found.push(...versions.flat());
          if (page.length + found.length >= limit) return found;
        }
      }
      return found;
    });
    return [...page, ...rest].slice(0, limit);
  }

  /** Whether any key of the bucket has a version. Settles every mark that it meets. */
  async hasVersions(bucketId: BucketId, state: BucketState, options: CallOptions): Promise<boolean> {
    const ranges = [...state.ranges, ...(state.change?.others ?? [])];
    for (const { id } of ranges) {
      for (const kind of [LIVE, HIDDEN]) {
        const piece = { rangeId: id, span: EVERY_KEY };
        for await (const rows of this.#rows(bucketId, piece, kind, () => READ_ROWS_MAX, options)) {
          for (const found of foundIn(rows)) if (await this.#isKept(bucketId, found, kind, options)) return true;
        }
      }
    }
    return false;
  }

  /** Every key with a row in a range, dead ones too; `markedAt` where it is marked. */
  async *keysOf(
    bucketId: BucketId,
    rangeId: string,
    options: CallOptions,
  ): AsyncGenerator<{ readonly key: ObjectKey; readonly markedAt: number | undefined }> {
    for (const kind of [LIVE, HIDDEN]) {
      const piece = { rangeId, span: EVERY_KEY };
      for await (const rows of this.#rows(bucketId, piece, kind, () => READ_ROWS_MAX, options)) {
        for (const { key, cell } of foundIn(rows)) {
          yield { key, markedAt: cell.kind === 'mark' ? cell.timestamp : undefined };
        }
      }
    }
  }

  /** The uploads that a range shows as open. */
  async *uploadsOf(bucketId: BucketId, rangeId: string, options: CallOptions): AsyncGenerator<UploadAddress> {
    const piece = { rangeId, span: EVERY_KEY };
    for await (const rows of this.#rows(bucketId, piece, OPEN_UPLOAD, () => READ_ROWS_MAX, options)) {
      for (const row of rows) if (decodeCell(row.value).kind === 'upload') yield uploadAddressOf(bucketId, row);
    }
  }

  async #isKept(bucketId: BucketId, { key, cell }: Found, kind: number, options: CallOptions): Promise<boolean> {
    const { protocol, reader } = this.#parts;
    if (cell.kind === 'mark') {
      const state = await protocol.settleMark({ bucketId, key }, cell.timestamp, options);
      return state.head.current !== undefined;
    }
    // A dead row of a hidden key: it may have come out of hiding since the rows of live keys were read.
    if (cell.kind === 'dead' && kind === LIVE) return false;
    return (await reader.head({ bucketId, key }, options)).head.current !== undefined;
  }

  /** Runs `read` on the ranges as they are, and again where they may have been dropped meanwhile. */
  async #onOneLayout<Page>(
    bucketId: BucketId,
    options: CallOptions,
    read: (state: BucketState) => Promise<Page>,
  ): Promise<Page> {
    const { states, context } = this.#parts;
    for (;;) {
      const { state, readAtMs } = await states.recent(bucketId, options);
      const page = await read(state);
      if (context.monotonicMs() - readAtMs < PAGE_MS_MAX) return page;
    }
  }

  /** The rows of one kind in a piece, in order; asks for a few more than are wanted. */
  async *#rows(
    bucketId: BucketId,
    { rangeId, span }: Piece,
    kind: number,
    wanted: () => number,
    options: CallOptions,
  ): AsyncGenerator<readonly Row[]> {
    const to = upperBound(kind, span.to);
    let from: SliceBound = { key: [kind, span.from], isInclusive: span.isInclusive };
    for (let limit = rowsFor(wanted()); ; limit = READ_ROWS_MAX) {
      const rows = await this.#slice(bucketId, rangeId, { from, to, limit }, options);
      if (rows.length > 0) yield rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit) return;
      from = { key: last.key, isInclusive: false };
    }
  }

  /**
   * The keys with versions in a piece, in order, some at a time. Live and hidden keys are read one after the other, so
   * a key may have changed sides in between; a dead row among the hidden ones says so, and its head is asked.
   */
  async *#keys(
    bucketId: BucketId,
    { rangeId, span }: Piece,
    wanted: () => number,
    options: CallOptions,
  ): AsyncGenerator<readonly Found[]> {
    let { from, isInclusive } = span;
    for (;;) {
      const limit = rowsFor(wanted());
      const read = (kind: number, to: SliceBound): Promise<readonly Row[]> =>
        this.#slice(bucketId, rangeId, { from: { key: [kind, from], isInclusive }, to, limit }, options);
      const live = await read(LIVE, upperBound(LIVE, span.to));
      const liveEnd = live.length < limit ? undefined : keyBytes(live.at(-1));
      const hiddenTo =
        liveEnd === undefined ? upperBound(HIDDEN, span.to) : { key: [HIDDEN, liveEnd], isInclusive: true };
      const hidden = await read(HIDDEN, hiddenTo);
      const end = hidden.length < limit ? liveEnd : keyBytes(hidden.at(-1));
      const isWithin = (row: Row): boolean => end === undefined || Buffer.compare(keyBytes(row), end) <= 0;
      yield await this.#resolve(bucketId, merge(foundIn(live.filter(isWithin)), foundIn(hidden)), options);
      if (end === undefined) return;
      from = end;
      isInclusive = false;
    }
  }

  async #slice(
    bucketId: BucketId,
    rangeId: string,
    slice: { readonly from: SliceBound; readonly to: SliceBound; readonly limit: number },
    options: CallOptions,
  ): Promise<readonly Row[]> {
    const { cells, store } = this.#parts.context;
    return await cells.readRows(LISTING, [store, bucketId, rangeId], slice, options);
  }

  /** What the keys are: those that are marked, as their heads have them. */
  async #resolve(bucketId: BucketId, found: readonly Found[], options: CallOptions): Promise<readonly Found[]> {
    if (!found.some(({ cell }) => cell.kind === 'mark')) return found;
    return await inOrder(found, async (entry) => {
      const { key, cell } = entry;
      if (cell.kind !== 'mark') return entry;
      const { head } = await this.#parts.reader.head({ bucketId, key }, options);
      await this.#settleLater(bucketId, key, cell.timestamp);
      const { current, olderCount } = head;
      if (current === undefined) return { key, cell: { kind: 'dead' } };
      const hasOlder = olderCount > 0;
      if (current.kind === 'object') return { key, cell: { kind: 'live', record: current, hasOlder } };
      return { key, cell: { kind: 'hidden', record: current, hasOlder } };
    });
  }

  /** Settles a mark that its writer seems to have left. */
  async #settleLater(bucketId: BucketId, key: ObjectKey, timestamp: number): Promise<void> {
    const { context, protocol } = this.#parts;
    const name = `${bucketId}/${key}`;
    const settledBefore = context.clock.sequence() - this.#parts.markAgeMsMax * 1000;
    if (timestamp === UNMARKED || timestamp > settledBefore || this.#settling.has(name)) return;
    this.#settling.add(name);
    await context.background.run(async (options) => {
      try {
        await protocol.settleMark({ bucketId, key }, timestamp, options);
      } finally {
        this.#settling.delete(name);
      }
    });
  }

  async #versionsOf(bucketId: BucketId, { key, cell }: Found, options: CallOptions): Promise<readonly ListedVersion[]> {
    if (cell.kind !== 'live' && cell.kind !== 'hidden') return [];
    const records = cell.hasOlder ? await this.#parts.reader.versions({ bucketId, key }, options) : [cell.record];
    return records.map((record, index) => listedVersion(key, record, { isLatest: index === 0 }));
  }

  /** The versions of one key below `versionId`, which may be gone. */
  async #versionsBelow(
    at: { readonly bucketId: BucketId; readonly key: ObjectKey },
    versionId: VersionId,
    options: CallOptions,
  ): Promise<readonly ListedVersion[]> {
    const records = await this.#parts.reader.versions(at, options);
    const named = records.find((record) => versionIdOf(record) === versionId);
    const below = named?.order ?? orderOfVersionId(versionId) ?? Number.POSITIVE_INFINITY;
    return (
      records
        .map((record, index) => ({ record, listed: listedVersion(at.key, record, { isLatest: index === 0 }) }))
        // Equal only to a version of another key or bucket, which this key never had.
        .filter(({ record }) => record.order <= below && record !== named)
        .map(({ listed }) => listed)
    );
  }
}

/** The timestamp of a mark that is none: the row only cannot tell. */
const UNMARKED = 0;

function foundIn(rows: readonly Row[]): readonly Found[] {
  return rows.map((row) => ({ key: parseListedKey(row), cell: decodeCell(row.value) }));
}

/** Live and hidden keys of one interval in one order. The hidden ones were read later. */
function merge(live: readonly Found[], hidden: readonly Found[]): readonly Found[] {
  if (hidden.length === 0) return live;
  const byKey = new Map(live.map((found) => [found.key, found]));
  for (const found of hidden) {
    const other = byKey.get(found.key);
    if (other?.cell.kind === 'mark') continue;
    if (found.cell.kind === 'hidden' || found.cell.kind === 'mark') byKey.set(found.key, found);
    else if (other?.cell.kind !== 'live') {
      byKey.set(found.key, { key: found.key, cell: { kind: 'mark', timestamp: UNMARKED } });
    }
  }
  return [...byKey.values()].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

function upperBound(kind: number, to: Uint8Array | undefined): SliceBound {
  return to === undefined ? { key: [kind], isInclusive: true } : { key: [kind, to], isInclusive: false };
}

function keyBytes(row: Row | undefined): Uint8Array {
  const bytes = row?.key[1];
  return bytes instanceof Uint8Array ? bytes : new Uint8Array();
}

function rowsFor(wanted: number): number {
  return Math.min(READ_ROWS_MAX, Math.max(READ_ROWS_MIN, wanted));
}

function listedVersion(
  key: ObjectKey,
  record: ListedRecord | MarkerRecord,
  { isLatest }: { readonly isLatest: boolean },
): ListedVersion {
  return { ...(record.kind === 'object' ? listedOf(record, key) : markerOf(record, key)), isLatest };
}

async function inOrder<Item, Result>(
  items: readonly Item[],
  task: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += HEADS_MAX) {
    results.push(...(await Promise.all(items.slice(start, start + HEADS_MAX).map(task))));
  }
  return results;
}
