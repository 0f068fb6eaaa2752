import { sha256 } from '../s3-client/sign-request.ts';
import { cycle, drive, type Operation } from './drive.ts';
import type { Place } from './place.ts';
import type { CallOptions, Workload } from './workload.ts';

/** Keys of one page; S3 gives no more. */
const PAGE_KEYS = 1_000;
const CLIENTS = 4;
/** Connections that put the keys. */
const FILL_CLIENTS = 32;
/** The keys of the deep tree: two levels of folders, of so many folders or keys each. */
const FOLDER_KEYS = 100;
const FOLDERS = 100;
/** Keys below one folder of the first level. */
const TOP_KEYS = FOLDERS * FOLDER_KEYS;
const EMPTY = { bytes: new Uint8Array(), sha256: sha256('') };

/**
 * `flat`: all keys of a prefix without folders. `deep`: all keys of a tree of folders. `delimiter`: the folders of one
 * folder of that tree, over the keys below them.
 */
export const LISTING_KINDS = ['flat', 'deep', 'delimiter'] as const;

export interface ListingLoad {
  readonly kind: (typeof LISTING_KINDS)[number];
  /** Keys that the listing is over. */
  readonly keysCount: number;
}

/**
 * Pages of a listing. One operation is one page, of 1,000 keys at most, and each is compared key by key with what must
 * be there. The rate is in entries: keys, and common prefixes.
 */
export function listingWorkload({ kind, keysCount }: ListingLoad): Workload {
  const tree = { keysCount, prefix: `${kind === 'flat' ? 'flat' : 'deep'}/${keysCount}/` };
  const keyOf = (index: number) => tree.prefix + (kind === 'flat' ? '' : folderOf(index)) + numberText(index, 8);
  return {
    name: `list-${kind}-${countText(keysCount)}`,
    title: `list ${kind}, ${countText(keysCount)} keys`,
    unit: 'entries',
    clientsCount: CLIENTS,
    writes: false,
    fill: (place, options) => place.once(tree.prefix, () => fill(place, { keysCount, keyOf }, options)),
    operations: async (place) =>
      cycle(kind === 'delimiter' ? folderPages(place, tree) : keyPages(place, { ...tree, keyOf })),
    check: async () => undefined,
  };
}

/** 1000 is `1k`, 1000000 `1m`. */
export function countText(count: number): string {
  if (count % 1_000_000 === 0) return `${count / 1_000_000}m`;
  return count % 1_000 === 0 ? `${count / 1_000}k` : `${count}`;
}

interface Keys {
  readonly keysCount: number;
  /** The keys in the order of the listing. */
  readonly keyOf: (index: number) => string;
}

async function fill(place: Place, { keysCount, keyOf }: Keys, { signal }: CallOptions): Promise<void> {
  function* puts(): Generator<Operation> {
    for (let index = 0; index < keysCount; index++) {
      const request = place.prepare({ method: 'PUT', key: keyOf(index), body: EMPTY });
      yield async (connection) => {
        await place.exchange(connection, { request, status: 200 });
        return 1;
      };
    }
  }
  await drive(place, puts(), { clientsCount: Math.min(FILL_CLIENTS, keysCount), signal });
}

/** Every page of all keys; each begins after a key that is known, so that pages are asked for in any order. */
function keyPages(place: Place, { prefix, keysCount, keyOf }: Keys & { readonly prefix: string }): Operation[] {
  return Array.from({ length: Math.ceil(keysCount / PAGE_KEYS) }, (_, page) => {
    const first = page * PAGE_KEYS;
    const count = Math.min(PAGE_KEYS, keysCount - first);
    const query = { ...listing(prefix), ...(first > 0 && { 'start-after': keyOf(first - 1) }) };
    return pageOperation(place, query, { mark: '<Key>', count, entryOf: (index) => keyOf(first + index) });
  });
}

/** The folders of each folder of the first level. */
function folderPages(place: Place, { prefix, keysCount }: { readonly prefix: string; readonly keysCount: number }) {
  return Array.from({ length: Math.ceil(keysCount / TOP_KEYS) }, (_, top) => {
    const keys = Math.min(TOP_KEYS, keysCount - top * TOP_KEYS);
    const query = { ...listing(prefix + topOf(top * TOP_KEYS)), delimiter: '/' };
    const entryOf = (index: number) => prefix + folderOf(top * TOP_KEYS + index * FOLDER_KEYS);
    return pageOperation(place, query, { mark: '<CommonPrefixes>', count: Math.ceil(keys / FOLDER_KEYS), entryOf });
  });
}

function listing(prefix: string) {
  return { 'list-type': '2', 'max-keys': `${PAGE_KEYS}`, prefix };
}

interface ExpectedPage {
  /** Where each entry begins. */
  readonly mark: '<Key>' | '<CommonPrefixes>';
  readonly count: number;
  readonly entryOf: (index: number) => string;
}

function pageOperation(place: Place, query: Readonly<Record<string, string>>, expected: ExpectedPage): Operation {
  const request = place.prepare({ method: 'GET', query });
  return async (connection) => {
    const { body } = await place.exchange(connection, { request, status: 200 });
    const problem = differenceOf(body.toString('latin1'), expected);
    if (problem !== undefined) throw place.wrong(`${request.label}: ${problem}`);
    return expected.count;
  };
}

/** What is wrong with a page; a search and no parser, which would cost more than some servers take to make the page. */
function differenceOf(page: string, { mark, count, entryOf }: ExpectedPage): string | undefined {
  let at = 0;
  for (let index = 0; index < count; index++) {
    at = page.indexOf(mark, at);
    if (at < 0) return `the page has ${index} of ${count} entries`;
    const entry = mark === '<Key>' ? `<Key>${entryOf(index)}</Key>` : `<Prefix>${entryOf(index)}</Prefix>`;
    const found = mark === '<Key>' ? at : page.indexOf('<Prefix>', at);
    if (!page.startsWith(entry, found)) return `entry ${index} of the page is not ${entryOf(index)}`;
    at = found + entry.length;
  }
  return page.includes(mark, at) ? `the page has more than ${count} entries` : undefined;
}

function topOf(index: number): string {
  return `${numberText(Math.floor(index / TOP_KEYS), 4)}/`;
}

/** `0012/34/`: of the key with this index. */
function folderOf(index: number): string {
  return `${topOf(index)}${numberText(Math.floor(index / FOLDER_KEYS) % FOLDERS, 2)}/`;
}

function numberText(index: number, digits: number): string {
  return String(index).padStart(digits, '0');
}
