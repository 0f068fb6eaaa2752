import { randomBytes } from 'node:crypto';
import { type Client, types } from 'cassandra-driver';
import { load } from '../src/bench/process-times.ts';
import { type BlobId, parseBlobId } from '../src/domain/names.ts';
import { CassandraBlobstore } from '../src/stores/cassandra/blobstore.ts';
import { BLOCK_CHUNKS, CHUNK_BYTES, CHUNK_HEADER_BYTES } from '../src/stores/cassandra/chunks.ts';
import { CqlCells } from '../src/stores/cassandra/cql-cells.ts';
import { CqlChunkReads } from '../src/stores/cassandra/cql-chunk-reads.ts';
import { installSchema } from '../src/stores/cassandra/install-schema.ts';
import { CassandraSession } from '../src/stores/cassandra/session.ts';

/**
 * Measures blobs on a cluster beside what its driver does by itself with the same rows, in turns.
 * Usage: node bench/cassandra-blobs.ts [host:port] [copies] [rounds]
 */
const [contactPoint = '127.0.0.1:9042', copies = '1', rounds = '8'] = process.argv.slice(2);
const ROUNDS = Number(rounds);
const MIB = 1024 ** 2;
const LARGE_BYTES = 64 * MIB;
/** Bodies of HTTP come in such pieces. */
const PIECE_BYTES = 64 * 1024;
const RAW_CONCURRENCY = 16;
const SMALL_BLOBS = 200;
const SMALL_CONCURRENCY = 16;
const STORE = 'bench/STANDARD';
const INSERT = 'INSERT INTO s3_block (store, blob_id, block, chunk, value) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP 1';
const SELECT = 'SELECT value FROM s3_block WHERE store = ? AND blob_id = ? AND block = ? AND chunk = ?';
const WRITE = { prepare: true, consistency: types.consistencies.quorum, isIdempotent: true };
const READ = { prepare: true, consistency: types.consistencies.localOne, isIdempotent: true };
const options = { signal: AbortSignal.timeout(3_600_000) };

interface Measured {
  readonly name: string;
  readonly sizeBytes: number;
  readonly run: () => Promise<void>;
  readonly mibPerSecond: number[];
  readonly cpuMsPerMib: number[];
}

const keyspace = {
  contactPoints: [contactPoint],
  keyspace: `bench_${randomBytes(4).toString('hex')}`,
  replication: { class: 'SimpleStrategy', factor: Number(copies) },
  levels: { read: 'QUORUM', write: 'QUORUM', serial: 'SERIAL' },
  isEventual: false,
  isSingleDataCentre: false,
  requestTimeoutMs: 30_000,
  nowMs: () => Date.now(),
} as const;
await installSchema(keyspace, ['blobstore']);
await using session = await CassandraSession.connect(keyspace);
const { client } = session;
try {
  await measureAll(new CqlCells(session));
} finally {
  await client.execute(`DROP KEYSPACE "${keyspace.keyspace}"`, [], { prepare: false });
}

async function measureAll(cells: CqlCells): Promise<void> {
  const chunkReads = new CqlChunkReads(session);
  const nowMs = (): number => Date.now();
  const onCorruptChunk = (): void => undefined;
  await using blobs = new CassandraBlobstore({
    cells,
    chunkReads,
    store: STORE,
    description: '',
    nowMs,
    onCorruptChunk,
  });
  const piece = randomBytes(PIECE_BYTES);
  const raw = newIds(ROUNDS + 1);
  const large = newIds(ROUNDS + 1);
  const rawSmall = newIds(SMALL_BLOBS * (ROUNDS + 1));
  const small = newIds(SMALL_BLOBS * (ROUNDS + 1));
  const at = { raw: 0, large: 0, rawRead: 0, largeRead: 0, rawSmall: 0, small: 0 };
  const smallBytes = SMALL_BLOBS * CHUNK_BYTES;
  const cases = [
    measured('write 64 MiB, driver', LARGE_BYTES, () => writeRaw(client, must(raw[at.raw++]), piece)),
    measured('write 64 MiB, Pithos', LARGE_BYTES, async () => {
      await blobs.write(must(large[at.large++]), repeat(piece, LARGE_BYTES / PIECE_BYTES), options);
    }),
    measured('read 64 MiB, driver', LARGE_BYTES, () => readRaw(client, must(raw[at.rawRead++]))),
    measured('read 64 MiB, Pithos', LARGE_BYTES, async () => {
      const blob = { id: must(large[at.largeRead++]), sizeBytes: LARGE_BYTES };
      let readBytes = 0;
      const range = { offsetBytes: 0, lengthBytes: LARGE_BYTES };
      for await (const bytes of blobs.read(blob, range, options)) readBytes += bytes.length;
      if (readBytes !== LARGE_BYTES) throw new Error(`${readBytes} bytes`);
    }),
    measured('write 256 KiB, driver', smallBytes, () =>
      atOnce(SMALL_BLOBS, SMALL_CONCURRENCY, async () => {
        await client.execute(INSERT, [STORE, must(rawSmall[at.rawSmall++]), 0, 0, rowOf(piece)], WRITE);
      }),
    ),
    measured('write 256 KiB, Pithos', smallBytes, () =>
      atOnce(SMALL_BLOBS, SMALL_CONCURRENCY, async () => {
        await blobs.write(must(small[at.small++]), repeat(piece, CHUNK_BYTES / PIECE_BYTES), options);
      }),
    ),
  ];
  for (let round = 0; round <= ROUNDS; round++) {
    // In turns, for each may pay for what the one before it left to be flushed.
    for (let first = 0; first < cases.length; first += 2) {
      const pair = cases.slice(first, first + 2);
      for (const it of round % 2 === 0 ? pair : pair.toReversed()) await measure(it, round > 0);
    }
  }
  report(cases);
  const startedAt = performance.now();
  const condition = await blobs.verify({ id: must(large[0]), sizeBytes: LARGE_BYTES }, { deep: false }, options);
  console.log(`verify 64 MiB: ${condition} in ${(performance.now() - startedAt).toFixed(0)} ms`);
}

function report(cases: readonly Measured[]): void {
  for (const [index, { name, mibPerSecond, cpuMsPerMib }] of cases.entries()) {
    const rate = median(mibPerSecond);
    const driver = cases[index - 1];
    const ratio =
      index % 2 === 1 && driver !== undefined ? `${((100 * rate) / median(driver.mibPerSecond)).toFixed(0)} %` : '';
    console.log(
      `${name.padEnd(22)} ${rate.toFixed(1).padStart(7)} MiB/s ${ratio.padStart(6)} ${median(cpuMsPerMib).toFixed(2).padStart(6)} ms CPU a MiB`,
    );
  }
  console.log(`medians of ${ROUNDS} rounds, ${copies} copies, load ${load()}`);
}

/** The first round warms the cluster and is not counted. */
async function measure(it: Measured, isCounted: boolean): Promise<void> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await it.run();
  const seconds = (performance.now() - startedAt) / 1000;
  const used = process.cpuUsage(cpu);
  if (!isCounted) return;
  it.mibPerSecond.push(it.sizeBytes / MIB / seconds);
  it.cpuMsPerMib.push((used.user + used.system) / 1000 / (it.sizeBytes / MIB));
}

async function writeRaw(client: Client, id: string, piece: Uint8Array): Promise<void> {
  let next = 0;
  await atOnce(LARGE_BYTES / CHUNK_BYTES, RAW_CONCURRENCY, async () => {
    const index = next++;
    const params = [STORE, id, Math.floor(index / BLOCK_CHUNKS), index % BLOCK_CHUNKS, rowOf(piece)];
    await client.execute(INSERT, params, WRITE);
  });
}

async function readRaw(client: Client, id: string): Promise<void> {
  let next = 0;
  await atOnce(LARGE_BYTES / CHUNK_BYTES, RAW_CONCURRENCY, async () => {
    const index = next++;
    const params = [STORE, id, Math.floor(index / BLOCK_CHUNKS), index % BLOCK_CHUNKS];
    const found = await client.execute(SELECT, params, READ);
    if (found.first()?.get('value').length !== CHUNK_HEADER_BYTES + CHUNK_BYTES) throw new Error('A row is missing.');
  });
}

async function atOnce(count: number, concurrency: number, run: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** What a client of the driver must do too: gather the bytes of a row. */
function rowOf(piece: Uint8Array): Buffer {
  const row = Buffer.allocUnsafeSlow(CHUNK_HEADER_BYTES + CHUNK_BYTES);
  for (let end = CHUNK_HEADER_BYTES; end < row.length; end += piece.length) row.set(piece, end);
  return row;
}

async function* repeat(piece: Uint8Array, count: number): AsyncIterable<Uint8Array> {
  for (let index = 0; index < count; index++) yield piece;
}

function newIds(count: number): readonly BlobId[] {
  return Array.from({ length: count }, () => parseBlobId(randomBytes(16).toString('hex')));
}

function measured(name: string, sizeBytes: number, run: () => Promise<void>): Measured {
  return { name, sizeBytes, run, mibPerSecond: [], cpuMsPerMib: [] };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('A value is missing.');
  return value;
}
