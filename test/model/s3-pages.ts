/** What a listing is asked for. */
export interface PageRequest {
  readonly prefix: string;
  /** '' is none. */
  readonly delimiter: string;
  readonly max: number;
}

/** One thing that a page shows: a row, or the common prefix of some. */
export type Item<Row> =
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'prefix'; readonly prefix: string };

export interface NaivePage<Row> {
  readonly items: readonly Item<Row>[];
  readonly isTruncated: boolean;
  readonly last: Item<Row> | undefined;
}

/**
 * A page as it would be cut from a listing of everything: all rows that have the prefix and lie behind the marker, by the
 * bytes of their keys, those with a common prefix taken together.
 *
 * A marker inside a common prefix skips all of that, as AWS does. `isBehind` says for one row whether it lies behind the
 * marker.
 */
export function pageOf<Row extends { readonly key: string }>(
  rows: readonly Row[],
  { prefix, delimiter, max }: PageRequest,
  marker: { readonly key: string; readonly isBehind: (row: Row) => boolean } | undefined,
): NaivePage<Row> {
  const skipped = marker?.key.startsWith(prefix) ? commonPrefix(marker.key, { prefix, delimiter }) : undefined;
  const items = new Map<string | Row, Item<Row>>();
  for (const row of rows.toSorted((a, b) => compareBytes(a.key, b.key))) {
    if (!row.key.startsWith(prefix)) continue;
    if (skipped === undefined ? marker?.isBehind(row) === false : !isBehindPrefix(row.key, skipped)) continue;
    const group = commonPrefix(row.key, { prefix, delimiter });
    if (group === undefined) items.set(row, { kind: 'row', row });
    else items.set(group, { kind: 'prefix', prefix: group });
  }
  const all = [...items.values()];
  const page = all.slice(0, max);
  return { items: page, isTruncated: max > 0 && all.length > max, last: page.at(-1) };
}

export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Each byte but letters, digits, `-_.*` and the slash as `%XX`. */
export function urlEncode(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9\-_.*/]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  return bytes.join('');
}

function isBehindPrefix(key: string, prefix: string): boolean {
  return compareBytes(key, prefix) > 0 && !key.startsWith(prefix);
}

function commonPrefix(
  key: string,
  { prefix, delimiter }: Pick<PageRequest, 'prefix' | 'delimiter'>,
): string | undefined {
  const rest = key.slice(prefix.length);
  if (delimiter === '' || !rest.includes(delimiter)) return undefined;
  return `${prefix}${rest.split(delimiter)[0]}${delimiter}`;
}
