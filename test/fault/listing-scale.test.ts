import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BucketId, parseBucketName } from '../../src/domain/names.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { deleteKey, must, OPTIONS, put } from '../contract/drafts.ts';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { openDirectory } from './inspect-directory.ts';
import { MemoryWatch, medianOf } from './memory-watch.ts';
import { type S3Answer, S3Client } from './s3-client.ts';

/** Keys of the large bucket. */
const KEYS = Number(process.env['PITHOS_TEST_LISTING_KEYS'] ?? 1_000_000);
const FEW_KEYS = 1_000;
const DELETED_KEYS = 100_000;
const PREFIXES = 100;
/** Steps that are written with one commit. */
const BATCH = 2_000;
/** Pages of each kind that are measured, in turn. */
const PAGES = 41;
/** How many times as long a page of the large bucket may take. */
const FACTOR_MAX = 3;
/** How much memory the listing of the whole bucket may cost, in bytes. */
const GROWTH_BYTES_MAX = 64 * 1024 ** 2;

let directory: TempDir;
let server: ServeProcess;
let s3: S3Client;

beforeAll(async () => {
  directory = await makeTempDir();
  const data = `${directory.path}/data`;
  {
    await using first = await startServeProcess({ directory: data, workers: 1 });
    using client = new S3Client(first);
    for (const bucket of ['large', 'few', 'deleted', 'one']) {
      expect((await client.ask({ method: 'PUT', path: `/${bucket}` })).status).toBe(200);
    }
  }
  const beganAt = performance.now();
  await fillBuckets(data);
  console.log(
    `${KEYS} keys and ${DELETED_KEYS} delete markers written in ${((performance.now() - beganAt) / 1_000).toFixed(0)} s.`,
  );
  server = await startServeProcess({ directory: data, workers: 1 });
  s3 = new S3Client(server);
});
afterAll(async () => {
  s3[Symbol.dispose]();
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

test.each([
  ['1,000 keys from the first on', [], [], 1_000],
  ['1,000 keys from the middle on', [['start-after', 'dir-50']], [['start-after', '']], 1_000],
  ['all common prefixes', [['delimiter', '/']], [['delimiter', '/']], PREFIXES],
  [
    '10 keys of one prefix',
    [
      ['prefix', 'dir-77/'],
      ['max-keys', '10'],
    ],
    [
      ['prefix', 'dir-77/'],
      ['max-keys', '10'],
    ],
    10,
  ],
] as const)('a page of %s costs in a large bucket what it costs in a small one', async (_, query, fewQuery, items) => {
  const { large, few } = await measureInTurn({
    large: () => list('large', query, items),
    few: () => list('few', fewQuery, items),
  });
  console.log(`${large.toFixed(2)} ms of ${KEYS} keys, ${few.toFixed(2)} ms of ${FEW_KEYS}.`);
  expect(large).toBeLessThan(FACTOR_MAX * few);
});

test(`${DELETED_KEYS} delete markers before the only object cost a listing nothing`, async () => {
  const { deleted, one } = await measureInTurn({
    deleted: () => list('deleted', [], 1),
    one: () => list('one', [], 1),
  });
  console.log(`${deleted.toFixed(2)} ms behind ${DELETED_KEYS} delete markers, ${one.toFixed(2)} ms without.`);
  expect(deleted).toBeLessThan(FACTOR_MAX * one);
});

test('a listing of the whole bucket gives each key once, in order, and takes no memory', async () => {
  using watch = new MemoryWatch(server);
  const before = watch.bytesNow();
  const beganAt = performance.now();
  let keys = 0;
  let last = '';
  for (let token: string | undefined; ; ) {
    const answer = await list('large', token === undefined ? [] : [['continuation-token', token]], undefined);
    for (const key of keysOf(answer)) {
      if (key <= last) throw new Error(`${key} comes after ${last}.`);
      last = key;
      keys++;
    }
    token = /<NextContinuationToken>([^<]+)</.exec(answer.text)?.[1];
    if (token === undefined) break;
  }
  const { peakBytes } = watch.result();
  const grownMib = (peakBytes - before) / 1024 ** 2;
  console.log(
    `${keys} keys in ${((performance.now() - beganAt) / 1_000).toFixed(1)} s, ${grownMib.toFixed(0)} MiB more at most.`,
  );
  expect(keys).toBe(KEYS);
  expect(peakBytes).toBeLessThan(before + GROWTH_BYTES_MAX);
});

/** Through the store itself, in large commits that are not synced: nothing else is measured of this. */
async function fillBuckets(data: string): Promise<void> {
  await using stores = await openDirectory(data, 'relaxed');
  const { meta } = must(stores.regions.get(stores.defaultRegion));
  const idOf = async (name: string): Promise<BucketId> =>
    must(await stores.buckets.getBucket(must(parseBucketName(name)), OPTIONS)).id;
  await putKeys(meta, await idOf('large'), KEYS);
  await putKeys(meta, await idOf('few'), FEW_KEYS);
  const deleted = await idOf('deleted');
  await inBatches(DELETED_KEYS, (index) => deleteKey(meta, deleted, keyAt(index, DELETED_KEYS), 'new-marker'));
  for (const bucketId of [deleted, await idOf('one')]) await put(meta, bucketId, 'the last key');
}

async function putKeys(meta: Metastore, bucketId: BucketId, count: number): Promise<void> {
  await inBatches(count, (index) => put(meta, bucketId, keyAt(index, count)));
}

/** As many keys under each prefix. */
function keyAt(index: number, count: number): string {
  const perPrefix = count / PREFIXES;
  const prefix = String(Math.floor(index / perPrefix)).padStart(2, '0');
  return `dir-${prefix}/key-${String(index % perPrefix).padStart(7, '0')}`;
}

async function inBatches(count: number, run: (index: number) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < count; start += BATCH) {
    const end = Math.min(start + BATCH, count);
    await Promise.all(Array.from({ length: end - start }, (_, index) => run(start + index)));
  }
}

/** One page, which must have as many keys and common prefixes as `items` says. */
async function list(
  bucket: string,
  query: readonly (readonly [string, string])[],
  items: number | undefined,
): Promise<S3Answer> {
  const answer = await s3.ask({ method: 'GET', path: `/${bucket}`, query: [['list-type', '2'], ...query] });
  expect(answer.status).toBe(200);
  if (items !== undefined) expect(answer.text.match(/<(Contents|CommonPrefixes)>/g)).toHaveLength(items);
  return answer;
}

function keysOf({ text }: S3Answer): string[] {
  return [...text.matchAll(/<Contents><Key>([^<]+)</g)].map(([, key = '']) => key);
}

/** The median time of each, in milliseconds; they are run in turn, so that what else the machine does harms both alike. */
async function measureInTurn<Name extends string>(
  runs: Readonly<Record<Name, () => Promise<unknown>>>,
): Promise<Record<Name, number>>;
async function measureInTurn(runs: Readonly<Record<string, () => Promise<unknown>>>): Promise<Record<string, number>> {
  const times = new Map<string, number[]>(Object.keys(runs).map((name) => [name, []]));
  for (let page = 0; page < PAGES; page++) {
    for (const [name, run] of Object.entries(runs)) {
      const beganAt = performance.now();
      await run();
      times.get(name)?.push(performance.now() - beganAt);
    }
  }
  return Object.fromEntries([...times].map(([name, each]) => [name, medianOf(each)]));
}
