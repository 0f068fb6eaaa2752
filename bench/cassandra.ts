import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { types } from 'cassandra-driver';
import { etagOfMd5 } from '../src/domain/etag.ts';
import { parseBlobId, parseBucketId, parseObjectKey, parseStorageClass, parseTenantId } from '../src/domain/names.ts';
import { DEFAULT_ATTRIBUTES } from '../src/domain/object-version.ts';
import { CassandraBlobstore } from '../src/stores/cassandra/blobstore.ts';
import type { KeyspaceOptions } from '../src/stores/cassandra/cluster.ts';
import { CqlCells } from '../src/stores/cassandra/cql-cells.ts';
import { CqlChunkReads } from '../src/stores/cassandra/cql-chunk-reads.ts';
import { installSchema } from '../src/stores/cassandra/install-schema.ts';
import { CassandraMetastore } from '../src/stores/cassandra/metastore.ts';
import { STORE_KINDS } from '../src/stores/cassandra/migrations.ts';
import { CassandraSession, type Statement } from '../src/stores/cassandra/session.ts';
import type { VersionDraft } from '../src/stores/metastore.ts';

/**
 * The stores on Cassandra beside the driver itself, on the same cluster in the same run: what the protocols cost. Each
 * pair runs in turn, the median of the rounds counts.
 *
 *   node bench/cassandra.ts --cluster 127.0.0.1 [--copies 1] [--rounds 3]
 */
const { values } = parseArgs({
  options: {
    cluster: { type: 'string', default: '127.0.0.1' },
    copies: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
  },
});

const MIB = 1024 ** 2;
const BLOB_BYTES = 64 * MIB;
const CHUNK_BYTES = 256 * 1024;
const RAW_CONCURRENCY = 16;
const SMALL_BYTES = 4 * 1024;
const SMALL_COUNT = 2_000;
const SMALL_CONCURRENCY = 32;
const STORE = 'us-east-1';
const OPTIONS = { signal: new AbortController().signal };
const BUCKET = parseBucketId(randomBytes(16).toString('hex'));

let lastRaw = '';
let lastRun = '';

const options: KeyspaceOptions = {
  contactPoints: values.cluster.split(','),
  keyspace: `bench_${randomBytes(4).toString('hex')}`,
  replication: { class: 'SimpleStrategy', factor: Number(values.copies) },
  levels: { read: 'QUORUM', write: 'QUORUM', serial: 'SERIAL' },
  isEventual: false,
  isSingleDataCentre: false,
  requestTimeoutMs: 30_000,
  nowMs: () => Date.now(),
};

await installSchema(options, STORE_KINDS);
const counts = new Map<string, number>();
await using session = await CassandraSession.connect(options, {
  onRequest: ({ table, operation }) => {
    const name = `${table} ${operation}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  },
});
const cells = new CqlCells(session);
const chunkReads = new CqlChunkReads(session);
const nowMs = (): number => Date.now();
const parts = { cells, chunkReads, store: `${STORE}/STANDARD`, description: '', nowMs };
const blobs = new CassandraBlobstore({ ...parts, onCorruptChunk: () => undefined });
await using meta = new CassandraMetastore({ cells, store: STORE, description: '', nowMs });

try {
  const big = randomBytes(BLOB_BYTES);
  await compare('put 64 MiB (MiB/s)', { raw: () => rawPut(big), ours: () => ourPut(big), amount: BLOB_BYTES / MIB });
  const raw = await rawPut(big);
  const ours = await ourPut(big);
  await compare('get 64 MiB (MiB/s)', { raw: () => rawGet(raw), ours: () => ourGet(ours), amount: BLOB_BYTES / MIB });
  const put = { raw: rawTransactions, ours: ourPuts, amount: SMALL_COUNT };
  await compare(`put 4 KiB, ${SMALL_CONCURRENCY} at a time (1/s)`, put);
  const get = { raw: rawReads, ours: ourGets, amount: SMALL_COUNT };
  await compare(`get 4 KiB, ${SMALL_CONCURRENCY} at a time (1/s)`, get);
  console.log('Requests of one put of 4 KiB and one get, in the mean of the last rounds:');
  counts.clear();
  await ourPuts();
  await meta.idle();
  await ourGets();
  for (const [name, count] of counts) console.log(`  ${name}: ${(count / SMALL_COUNT).toFixed(2)}`);
} finally {
  await session.client.execute(`DROP KEYSPACE ${options.keyspace}`, [], { prepare: false });
}

async function compare(
  name: string,
  { raw, ours, amount }: { raw: () => Promise<unknown>; ours: () => Promise<unknown>; amount: number },
): Promise<void> {
  const rates: { raw: number[]; ours: number[] } = { raw: [], ours: [] };
  await raw();
  await ours();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [kind, run] of [
      ['raw', raw],
      ['ours', ours],
    ] as const) {
      const startedAt = performance.now();
      await run();
      rates[kind].push(amount / ((performance.now() - startedAt) / 1000));
    }
  }
  const [rawRate, ourRate] = [median(rates.raw), median(rates.ours)];
  const load = loadavg()[0]?.toFixed(1) ?? '';
  console.log(
    `${name}: driver ${rawRate.toFixed(0)}, Pithos ${ourRate.toFixed(0)}, ratio ${(ourRate / rawRate).toFixed(2)}; load ${load}`,
  );
}

async function rawPut(bytes: Buffer): Promise<string> {
  const id = randomBytes(16).toString('hex');
  const query = 'INSERT INTO s3_block (store, blob_id, block, chunk, value) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?';
  await eachOf(BLOB_BYTES / CHUNK_BYTES, RAW_CONCURRENCY, async (index) => {
    const value = bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    const params = ['raw', id, Math.floor(index / 16), index % 16, value, 1];
    await session.client.execute(query, params, {
      prepare: true,
      isIdempotent: true,
      consistency: types.consistencies.quorum,
    });
  });
  return id;
}

async function rawGet(id: string): Promise<void> {
  const query = 'SELECT value FROM s3_block WHERE store = ? AND blob_id = ? AND block = ? AND chunk = ?';
  await eachOf(BLOB_BYTES / CHUNK_BYTES, RAW_CONCURRENCY, async (index) => {
    const params = ['raw', id, Math.floor(index / 16), index % 16];
    const result = await session.client.execute(query, params, {
      prepare: true,
      consistency: types.consistencies.localOne,
    });
    if (result.first().get('value').length !== CHUNK_BYTES) throw new Error('A chunk is short.');
  });
}

async function ourPut(bytes: Buffer): Promise<string> {
  const id = parseBlobId(randomBytes(16).toString('hex'));
  await blobs.write(id, piecesOf(bytes), OPTIONS);
  return id;
}

async function ourGet(id: string): Promise<void> {
  let readBytes = 0;
  const extent = { id: parseBlobId(id), sizeBytes: BLOB_BYTES };
  for await (const piece of blobs.read(extent, { offsetBytes: 0, lengthBytes: BLOB_BYTES }, OPTIONS)) {
    readBytes += piece.length;
  }
  if (readBytes !== BLOB_BYTES) throw new Error('The blob is short.');
}

/** A conditional batch with 4 KiB in the head, which is what a put cannot do without. */
async function rawTransactions(): Promise<void> {
  const head = randomBytes(SMALL_BYTES);
  const query = 'UPDATE s3_object SET seq = ?, head = ? WHERE store = ? AND bucket_id = ? AND key = ? IF seq = null';
  const run = randomBytes(4).toString('hex');
  await eachOf(SMALL_COUNT, SMALL_CONCURRENCY, async (index) => {
    const statement: Statement = { query, params: [1, head, 'raw', run, Buffer.from(`key-${index}`)] };
    await session.send(statement, { table: 'raw', operation: 'transaction', level: 'write', ...OPTIONS });
  });
  lastRaw = run;
}

async function rawReads(): Promise<void> {
  const query = 'SELECT head FROM s3_object WHERE store = ? AND bucket_id = ? AND key = ?';
  await eachOf(SMALL_COUNT, SMALL_CONCURRENCY, async (index) => {
    const statement: Statement = { query, params: ['raw', lastRaw, Buffer.from(`key-${index}`)] };
    await session.send(statement, { table: 'raw', operation: 'read', level: 'read', ...OPTIONS });
  });
}

async function ourPuts(): Promise<void> {
  const bytes = randomBytes(SMALL_BYTES);
  const run = randomBytes(4).toString('hex');
  await eachOf(SMALL_COUNT, SMALL_CONCURRENCY, async (index) => {
    await meta.putVersion(BUCKET, draftOf(`${run}/key-${index}`, bytes), {}, OPTIONS);
  });
  lastRun = run;
}

async function ourGets(): Promise<void> {
  await eachOf(SMALL_COUNT, SMALL_CONCURRENCY, async (index) => {
    const key = required(parseObjectKey(`${lastRun}/key-${index}`));
    if ((await meta.getVersion({ bucketId: BUCKET, key }, OPTIONS)) === undefined) throw new Error('A key is gone.');
  });
}

async function eachOf(count: number, concurrency: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 64 * 1024) yield bytes.subarray(start, start + 64 * 1024);
}

function draftOf(text: string, bytes: Uint8Array): VersionDraft {
  return {
    key: required(parseObjectKey(text)),
    slot: 'null',
    lastModifiedMs: 0,
    etag: etagOfMd5(Buffer.alloc(16)),
    sizeBytes: bytes.length,
    checksum: undefined,
    body: { kind: 'inline', bytes },
    headers: {},
    userMetadata: [],
    storageClass: required(parseStorageClass('STANDARD')),
    owner: { tenant: parseTenantId('bench'), displayName: 'bench' },
    attributes: DEFAULT_ATTRIBUTES,
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('A name of the bench is not valid.');
  return value;
}
