import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareUtf8 } from '../domain/utf8-order.ts';
import type { ListPosition } from '../stores/metastore.ts';
import { commonPrefixOf, interpretMarker, type Page, type PageRange, type RowSource, readPage } from './listing.ts';

const RUNS = { numRuns: 500 };

/** Few characters, so that prefixes and delimiters meet: a BMP character above the surrogates, an astral one, controls. */
const text = (maxLength: number) =>
  fc.string({
    unit: fc.constantFrom('a', 'b', '/', '\u0000', '\u001f', 'é', '\uffee', '\u{1f600}', '%', ' '),
    maxLength,
  });
const keys = fc.uniqueArray(
  text(6).filter((key) => key !== ''),
  { maxLength: 40 },
);
const range = fc.record({
  prefix: fc.oneof(fc.constant(''), text(2)),
  delimiter: fc.oneof(
    fc.constant(undefined),
    text(2).filter((delimiter) => delimiter !== ''),
  ),
  itemsMax: fc.integer({ min: 0, max: 12 }),
});

describe('readPage', () => {
  test('gives what a listing of everything, grouped and cut, would give', async () => {
    await fc.assert(
      fc.asyncProperty(keys, range, fc.option(text(5)), async (bucket, request, marker) => {
        const page = await pageOf(new Rows(bucket), request, marker ?? undefined);
        expect(view(page)).toEqual(naivePage(bucket, request, marker ?? undefined));
      }),
      RUNS,
    );
  });

  test('gives every key or its common prefix exactly once, from page to page by markers', async () => {
    await fc.assert(
      fc.asyncProperty(keys, range, async (bucket, request) => {
        const itemsMax = Math.max(1, request.itemsMax);
        const items: string[] = [];
        let marker: string | undefined;
        for (;;) {
          const page = await pageOf(new Rows(bucket), { ...request, itemsMax }, marker);
          items.push(...view(page).items);
          if (!page.isTruncated) break;
          expect(page.rows.length + page.commonPrefixes.length).toBe(itemsMax);
          marker = page.last?.kind === 'row' ? page.last.row : page.last?.prefix;
        }
        expect(items).toEqual(naivePage(bucket, { ...request, itemsMax: 1000 }, undefined).items);
      }),
      RUNS,
    );
  });

  test('skips large common prefixes by seeking', async () => {
    const bucket = Array.from({ length: 20_000 }, (_, index) => `${String(index % 1000).padStart(4, '0')}/${index}`);
    const rows = new Rows(bucket);
    const page = await pageOf(rows, { prefix: '', delimiter: '/', itemsMax: 1000 }, undefined);
    expect(page.commonPrefixes).toHaveLength(1000);
    expect(page.isTruncated).toBe(false);
    expect(rows.readCount).toBeLessThan(1300);
  });

  test('asks for many rows at once where every prefix holds one key', async () => {
    const bucket = Array.from({ length: 5000 }, (_, index) => `${String(index).padStart(5, '0')}/x`);
    const rows = new Rows(bucket);
    const page = await pageOf(rows, { prefix: '', delimiter: '/', itemsMax: 1000 }, undefined);
    expect(page.isTruncated).toBe(true);
    expect(rows.readCount).toBe(1001);
    expect(rows.callsCount).toBeLessThan(10);
  });

  test('reads one row more than the page, in one call, without a delimiter', async () => {
    const rows = new Rows(Array.from({ length: 5000 }, (_, index) => `key-${index}`));
    const page = await pageOf(rows, { prefix: '', delimiter: undefined, itemsMax: 1000 }, undefined);
    expect(page.rows).toHaveLength(1000);
    expect([rows.callsCount, rows.readCount]).toEqual([1, 1001]);
  });

  test('reads nothing for a page of nothing', async () => {
    const rows = new Rows(['a']);
    expect(await pageOf(rows, { prefix: '', delimiter: undefined, itemsMax: 0 }, undefined)).toEqual({
      rows: [],
      commonPrefixes: [],
      isTruncated: false,
      last: undefined,
    });
    expect(rows.callsCount).toBe(0);
  });
});

describe('a marker', () => {
  test.each([
    ['a key', 'a/b', { prefix: '', delimiter: undefined }, { kind: 'after-key', key: 'a/b' }],
    ['inside a common prefix', 'a/b', { prefix: '', delimiter: '/' }, { kind: 'after-prefix', prefix: 'a/' }],
    ['a common prefix', 'a/', { prefix: '', delimiter: '/' }, { kind: 'after-prefix', prefix: 'a/' }],
    ['the prefix itself', 'a/', { prefix: 'a/', delimiter: '/' }, { kind: 'after-key', key: 'a/' }],
    ['without the prefix', 'b/c', { prefix: 'a/', delimiter: '/' }, { kind: 'after-key', key: 'b/c' }],
    ['shorter than the prefix', 'a', { prefix: 'a/', delimiter: '/' }, { kind: 'after-key', key: 'a' }],
  ])('may be %s', (_, marker, request, meaning) => {
    expect(interpretMarker(marker, request)).toEqual(meaning);
  });
});

/** Keys in order, and how much of them was read. */
class Rows implements RowSource<string, ListPosition | undefined> {
  readonly #keys: readonly string[];
  #prefix = '';
  callsCount = 0;
  readCount = 0;

  constructor(bucket: readonly string[]) {
    this.#keys = bucket.toSorted(compareUtf8);
  }

  under(prefix: string): this {
    this.#prefix = prefix;
    return this;
  }

  async read(position: ListPosition | undefined, limit: number): Promise<readonly string[]> {
    const rows: string[] = [];
    for (const key of this.#keys) {
      if (rows.length === limit) break;
      if (key.startsWith(this.#prefix) && isBehind(key, position)) rows.push(key);
    }
    this.callsCount++;
    this.readCount += rows.length;
    return rows;
  }

  keyOf(row: string): string {
    return row;
  }

  afterRow(key: string): ListPosition {
    return { kind: 'after-key', key };
  }

  afterPrefix(prefix: string): ListPosition {
    return { kind: 'after-prefix', prefix };
  }
}

function isBehind(key: string, position: ListPosition | undefined): boolean {
  switch (position?.kind) {
    case undefined:
      return true;
    case 'after-prefix':
      return compareUtf8(key, position.prefix) > 0 && !key.startsWith(position.prefix);
    case 'after-key':
      return compareUtf8(key, position.key) > 0;
    default:
      throw new TypeError(`This listing does not use ${position?.kind}.`);
  }
}

function pageOf(rows: Rows, request: PageRange, marker: string | undefined): Promise<Page<string>> {
  const start = marker === undefined ? undefined : interpretMarker(marker, request);
  return readPage<string, ListPosition | undefined>(request, start, rows.under(request.prefix));
}

function view({ rows, commonPrefixes, isTruncated }: Page<string>) {
  return { items: [...rows, ...commonPrefixes].toSorted(compareBytes), isTruncated };
}

/** Everything at once, by bytes. */
function naivePage(bucket: readonly string[], request: PageRange, marker: string | undefined) {
  const { prefix, itemsMax } = request;
  const items = new Set<string>();
  for (const key of bucket.toSorted(compareBytes)) {
    if (!key.startsWith(prefix)) continue;
    if (marker !== undefined && compareBytes(key, marker) <= 0) continue;
    const commonPrefix = commonPrefixOf(key, request);
    if (commonPrefix !== undefined && marker?.startsWith(commonPrefix)) continue;
    items.add(commonPrefix ?? key);
  }
  const all = [...items];
  return { items: all.slice(0, itemsMax), isTruncated: itemsMax > 0 && all.length > itemsMax };
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
