import fc from 'fast-check';
import { bucketName, DELIMITERS, KEYS, PREFIXES } from './s3-choices.ts';
import { type NaivePage, type PageRequest, urlEncode } from './s3-pages.ts';
import type { Xml } from './s3-xml.ts';

/** What a page holds at most. */
export const ITEMS_MAX = 1000;

/** What a listing is asked for, whatever it lists. */
export interface Listing {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly max: number | undefined;
  readonly isEncoded: boolean;
  /** A key, a prefix, or nothing at all. */
  readonly marker: string | undefined;
  readonly pick: number;
}

export const listing: fc.Arbitrary<Listing> = fc.record({
  bucket: fc.oneof({ weight: 20, arbitrary: fc.constant('model-a') }, { weight: 5, arbitrary: bucketName }),
  prefix: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 2, arbitrary: fc.constantFrom(...PREFIXES) }),
  delimiter: fc.constantFrom(...DELIMITERS),
  max: fc.constantFrom(undefined, undefined, 1, 1, 2, 3, 0, 2000),
  isEncoded: fc.boolean(),
  marker: fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: fc.constantFrom(...KEYS, ...PREFIXES.slice(1)) },
  ),
  pick: fc.nat(40),
});
/** The query of a listing, but for its markers. */
export function queryOf({ prefix, delimiter, max, isEncoded }: Listing, maximum = 'max-keys'): [string, string][] {
  const all: readonly (readonly [string, string | undefined])[] = [
    ['prefix', prefix],
    ['delimiter', delimiter],
    [maximum, max === undefined ? undefined : String(max)],
    ['encoding-type', isEncoded ? 'url' : undefined],
  ];
  return all.flatMap(([name, value]): [string, string][] =>
    value === undefined || value === '' ? [] : [[name, value]],
  );
}

export function marked(
  ...markers: readonly (readonly [name: string, value: string | undefined])[]
): [string, string][] {
  return markers.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]));
}

export function requestOf({ prefix, delimiter, max }: Listing): PageRequest {
  return { prefix, delimiter, max: Math.min(max ?? ITEMS_MAX, ITEMS_MAX) };
}

/** What every listing repeats of its request, and the common prefixes. */
export function pageXml<Row>(choice: Listing, page: NaivePage<Row>, maximum = 'MaxKeys'): readonly Xml[] {
  const { prefix, delimiter, isEncoded } = choice;
  const text = encoder(choice);
  return [
    ['Prefix', text(prefix)],
    [maximum, String(requestOf(choice).max)],
    ...optional('Delimiter', delimiter === '' ? undefined : text(delimiter)),
    ...optional('EncodingType', isEncoded ? 'url' : undefined),
    ['IsTruncated', String(page.isTruncated)],
    ...page.items.flatMap((item): readonly Xml[] =>
      item.kind === 'prefix' ? [['CommonPrefixes', [['Prefix', text(item.prefix)]]]] : [],
    ),
  ];
}

export function rowsOf<Row>({ items }: NaivePage<Row>): readonly Row[] {
  return items.flatMap((item) => (item.kind === 'row' ? [item.row] : []));
}

export function encoder({ isEncoded }: Pick<Listing, 'isEncoded'>): (text: string) => string {
  return isEncoded ? urlEncode : (text) => text;
}

export function optional(name: string, text: string | undefined): readonly Xml[] {
  return text === undefined ? [] : [[name, text]];
}
