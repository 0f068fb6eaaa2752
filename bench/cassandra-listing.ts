import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { etagOfMd5 } from '../src/domain/etag.ts';
import { type BucketId, parseBucketId, parseObjectKey, parseStorageClass, parseTenantId } from '../src/domain/names.ts';
import { DEFAULT_ATTRIBUTES } from '../src/domain/object-version.ts';
import type { KeyspaceOptions } from '../src/stores/cassandra/cluster.ts';
import { CqlCells } from '../src/stores/cassandra/cql-cells.ts';
import { installSchema } from '../src/stores/cassandra/install-schema.ts';
import { CassandraMetastore } from '../src/stores/cassandra/metastore.ts';
import { STORE_KINDS } from '../src/stores/cassandra/migrations.ts';
import { CassandraSession } from '../src/stores/cassandra/session.ts';
import type { ListPosition, VersionDraft } from '../src/stores/metastore.ts';

/**
 * What pages of a listing cost in a small bucket and in a large one, how large its partitions become, and what a page
 * costs after all has been deleted.
 *
 *   node bench/cassandra-listing.ts --cluster 127.0.0.1 [--keys 1000000]
 */
const { values } = parseArgs({
  options: {
    cluster: { type: 'string', default: '127.0.0.1' },
    keys: { type: 'string', default: '1000000' },
  },
});

const KEYS = Number(values.keys);
const SMALL_KEYS = 10_000;
const FOLDERS = 1_000;
const CONCURRENCY = 96;
const PAGES = 40;
const OPTIONS = { signal: new AbortController().signal };

const options: KeyspaceOptions = {
  contactPoints: values.cluster.split(','),
  keyspace: `bench_${randomBytes(4).toString('hex')}`,
  replication: { class: 'SimpleStrategy', factor: 1 },
  levels: { read: 'QUORUM', write: 'QUORUM', serial: 'SERIAL' },
  isEventual: false,
  isSingleDataCentre: false,
  requestTimeoutMs: 30_000,
  nowMs: () => Date.now(),
};

await installSchema(options, STORE_KINDS);
await using session = await CassandraSession.connect(options);
const meta = new CassandraMetastore({
  cells: new CqlCells(session),
  store: 'us-east-1',
  description: '',
  nowMs: () => Date.now(),
  onBackgroundError: (error) => console.error(error),
});

try {
  const small = parseBucketId(randomBytes(16).toString('hex'));
  const large = parseBucketId(randomBytes(16).toString('hex'));
  for (const [bucketId, count] of [
    [small, SMALL_KEYS],
    [large, KEYS],
  ] as const) {
    const startedAt = performance.now();
    await eachOf(count, async (index) => {
      await meta.putVersion(bucketId, draftOf(keyOf(index)), {}, OPTIONS);
    });
    console.log(`${count} keys in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  }
  await meta.idle();
  for (const [name, page] of [
    ['page of 1,000', pageOf],
    ['100 common prefixes, a seek each', prefixesOf],
  ] as const) {
    const [ofSmall, ofLarge] = [await timeOf(() => page(small, SMALL_KEYS)), await timeOf(() => page(large, KEYS))];
    const ratio = (ofLarge / ofSmall).toFixed(2);
    console.log(
      `${name}: ${ofSmall.toFixed(1)} ms at ${SMALL_KEYS}, ${ofLarge.toFixed(1)} ms at ${KEYS}, ratio ${ratio}; load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
  await eachOf(KEYS, async (index) => {
    const owner = { tenant: parseTenantId('bench'), displayName: 'bench' };
    const draft = { key: required(parseObjectKey(keyOf(index))), mode: 'remove', lastModifiedMs: 0, owner } as const;
    await meta.deleteCurrent(large, draft, {}, OPTIONS);
  });
  await meta.idle();
  const afterMs = await timeOf(async () => {
    const rows = await meta.listObjects({ bucketId: large, prefix: '', from: undefined, limit: 1000 }, OPTIONS);
    if (rows.length > 0) throw new Error('A deleted key is listed.');
  });
  console.log(`page after all ${KEYS} were deleted: ${afterMs.toFixed(1)} ms`);
} finally {
  await meta[Symbol.asyncDispose]();
  if (process.env['KEEP'] === undefined) {
    await session.client.execute(`DROP KEYSPACE ${options.keyspace}`, [], { prepare: false });
  } else {
    console.log(`kept ${options.keyspace}`);
  }
}

async function pageOf(bucketId: BucketId, count: number): Promise<void> {
  const from: ListPosition = { kind: 'at-key', key: keyOf(Math.floor(Math.random() * count)) };
  await meta.listObjects({ bucketId, prefix: '', from, limit: 1000 }, OPTIONS);
}

async function prefixesOf(bucketId: BucketId, count: number): Promise<void> {
  const folders = Math.min(FOLDERS, count / 100);
  let folder = Math.floor(Math.random() * Math.max(1, folders - 100));
  for (let seeks = 0; seeks < 100; seeks++) {
    const from: ListPosition = { kind: 'after-prefix', prefix: folderOf(folder++) };
    await meta.listObjects({ bucketId, prefix: '', from, limit: 1 }, OPTIONS);
  }
}

async function timeOf(run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let page = 0; page < PAGES; page++) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(PAGES / 2)] ?? 0;
}

async function eachOf(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

/** Folders take turns, so that the whole listing grows at once. */
function keyOf(index: number): string {
  return `${folderOf(index % FOLDERS)}${String(Math.floor(index / FOLDERS)).padStart(7, '0')}-some-object.jpg`;
}

function folderOf(folder: number): string {
  return `folder-${String(folder).padStart(4, '0')}/`;
}

function draftOf(key: string): VersionDraft {
  return {
    key: required(parseObjectKey(key)),
    slot: 'null',
    lastModifiedMs: 0,
    etag: etagOfMd5(Buffer.alloc(16)),
    sizeBytes: 1,
    checksum: undefined,
    body: { kind: 'inline', bytes: Buffer.from('x') },
    headers: { contentType: 'image/jpeg' },
    userMetadata: [],
    storageClass: required(parseStorageClass('STANDARD')),
    owner: { tenant: parseTenantId('bench'), displayName: 'bench' },
    attributes: DEFAULT_ATTRIBUTES,
  };
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('A name of the bench is not valid.');
  return value;
}
