/** How many rows a listing asks its store for at first, when a delimiter may make most of them useless. */
const FIRST_ROWS = 16;
/** How many reads in a row must have been wholly of use before the next one asks for twice as many rows. */
const READS_BEFORE_GROWTH = 4;

/** What of a bucket a page shows. */
export interface PageRange {
  readonly prefix: string;
  /** Any text but ''; `undefined`: every key stands by itself. */
  readonly delimiter: string | undefined;
  /** Most rows and common prefixes of one page; 0 is allowed. */
  readonly itemsMax: number;
}

/** Where a store's rows come from; `Position` is the store's own way to say where to go on. */
export interface RowSource<Row, Position> {
  /** At most `limit` rows from `position` on, in order, all with the prefix. Fewer than `limit`: there are no more. */
  read(position: Position, limit: number): Promise<readonly Row[]>;
  keyOf(row: Row): string;
  afterRow(row: Row): Position;
  afterPrefix(prefix: string): Position;
}

/** One page, in the order of the listing. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly commonPrefixes: readonly string[];
  /** Whether anything lies behind the page. */
  readonly isTruncated: boolean;
  /** Where the page ended; `undefined` for an empty one. */
  readonly last: PageEnd<Row> | undefined;
}

export type PageEnd<Row> =
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'common-prefix'; readonly prefix: string };

/**
 * The page of `range` that begins at `start`: plain rows, and one common prefix for all the keys that share it.
 *
 * A common prefix costs one seek past it, however many keys it holds: after one that was larger than the rows in hand
 * the store is asked for single rows, and for more again once each of them is of use. A page of `itemsMax` reads some
 * `1.2 * itemsMax` rows where every prefix is large, and `itemsMax + 1` where nothing shares one.
 */
export async function readPage<Row, Position>(
  range: PageRange,
  start: Position,
  source: RowSource<Row, Position>,
): Promise<Page<Row>> {
  const { prefix, delimiter, itemsMax } = range;
  const rows: Row[] = [];
  const commonPrefixes: string[] = [];
  let last: PageEnd<Row> | undefined;
  let position = start;
  const pace = new ReadPace(delimiter === undefined ? itemsMax + 1 : FIRST_ROWS);

  while (itemsMax > 0) {
    const itemsCount = rows.length + commonPrefixes.length;
    const limit = Math.min(pace.rowsCount, itemsMax + 1 - itemsCount);
    const read = await source.read(position, limit);
    let wasted = 0;
    for (const row of read) {
      const key = source.keyOf(row);
      if (last?.kind === 'common-prefix' && key.startsWith(last.prefix)) {
        wasted++;
        continue;
      }
      if (rows.length + commonPrefixes.length === itemsMax) return { rows, commonPrefixes, isTruncated: true, last };
      const commonPrefix = commonPrefixOf(key, { prefix, delimiter });
      if (commonPrefix === undefined) {
        rows.push(row);
        last = { kind: 'row', row };
      } else {
        commonPrefixes.push(commonPrefix);
        last = { kind: 'common-prefix', prefix: commonPrefix };
      }
    }
    if (read.length < limit || last === undefined) break;
    position = last.kind === 'row' ? source.afterRow(last.row) : source.afterPrefix(last.prefix);
    pace.adapt({ wasted });
  }
  return { rows, commonPrefixes, isTruncated: false, last };
}

/** `key` up to the first delimiter behind `prefix`, which it must start with; `undefined` where there is none. */
export function commonPrefixOf(
  key: string,
  { prefix, delimiter }: Pick<PageRange, 'prefix' | 'delimiter'>,
): string | undefined {
  if (delimiter === undefined) return undefined;
  const index = key.indexOf(delimiter, prefix.length);
  return index === -1 ? undefined : key.slice(0, index + delimiter.length);
}

/** What a client's marker means: after this key, or past the common prefix that it lies in, or is. */
export type MarkerMeaning =
  | { readonly kind: 'after-key'; readonly key: string }
  | { readonly kind: 'after-prefix'; readonly prefix: string };

/**
 * Where a listing goes on after `marker`, which need be no key, nor start with the prefix.
 *
 * Quirk: a marker inside a common prefix skips that whole prefix, although keys of it lie behind the marker. AWS
 * answers so for ListObjects, ListObjectVersions and ListMultipartUploads (recorded by others in January 2025).
 */
export function interpretMarker(marker: string, range: Pick<PageRange, 'prefix' | 'delimiter'>): MarkerMeaning {
  const commonPrefix = marker.startsWith(range.prefix) ? commonPrefixOf(marker, range) : undefined;
  return commonPrefix === undefined
    ? { kind: 'after-key', key: marker }
    : { kind: 'after-prefix', prefix: commonPrefix };
}

/** How many rows to ask for next. */
class ReadPace {
  rowsCount: number;
  #usefulReads = READS_BEFORE_GROWTH;

  constructor(rowsCount: number) {
    this.rowsCount = rowsCount;
  }

  /** `wasted`: how many rows of the last read lay in a common prefix that was known already. */
  adapt({ wasted }: { wasted: number }): void {
    if (wasted > 0) {
      this.rowsCount = 1;
      this.#usefulReads = 0;
      return;
    }
    this.#usefulReads++;
    if (this.#usefulReads > READS_BEFORE_GROWTH) this.rowsCount *= 2;
  }
}
