import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { CassandraBlobstore } from '../../src/stores/cassandra/blobstore.ts';
import { BLOCK_CHUNKS, CHUNK_HEADER_BYTES } from '../../src/stores/cassandra/chunks.ts';
import { CqlCells } from '../../src/stores/cassandra/cql-cells.ts';
import { CqlChunkReads } from '../../src/stores/cassandra/cql-chunk-reads.ts';
import type { CassandraSession } from '../../src/stores/cassandra/session.ts';
import { BLOCK } from '../../src/stores/cassandra/tables.ts';
import { openTestKeyspace, type TestKeyspace } from '../support/cassandra.ts';
import { blobstoreContract } from './blobstore.ts';
import { must, OPTIONS } from './drafts.ts';

/** Rows that one blob of the suites has at most. */
const ROWS_MAX = 10_000;

let keyspace: TestKeyspace | undefined;
let session: CassandraSession | undefined;

beforeAll(async () => {
  keyspace = await openTestKeyspace();
  session = await keyspace.connect();
});

afterAll(async () => {
  await session?.[Symbol.asyncDispose]();
  await keyspace?.[Symbol.asyncDispose]();
});

blobstoreContract({
  engine: 'cassandra',
  isShared: true,
  isDurable: true,
  isDamageable: true,
  async open(nowMs) {
    const store = `us-east-1/${randomBytes(6).toString('hex')}`;
    const cells = new CqlCells(must(session));
    const openAnother = async (): Promise<CassandraBlobstore> =>
      new CassandraBlobstore({
        cells,
        chunkReads: new CqlChunkReads(must(session)),
        store,
        description: 'a cluster',
        nowMs,
        onCorruptChunk: () => undefined,
      });
    return {
      store: await openAnother(),
      openAnother,
      reopen: openAnother,
      damage: (id, at) => damage(cells, { store, id, at }),
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
});

/** Flips a bit of a stored row, as a disk that goes bad would. */
async function damage(cells: CqlCells, { store, id, at }: { store: string; id: string; at: number }): Promise<void> {
  const rows: { block: number; key: readonly [number]; value: Buffer }[] = [];
  for (let block = 0; ; block++) {
    const found = await cells.readRows(BLOCK, [store, id, block], { limit: ROWS_MAX }, OPTIONS);
    for (const { key, value } of found) rows.push({ block, key: [Number(key[0])], value: Buffer.from(value) });
    if (found.length < BLOCK_CHUNKS) break;
  }
  const bytes = rows.reduce((sum, { value }) => sum + value.length - CHUNK_HEADER_BYTES, 0);
  let position = Math.min(bytes - 1, Math.floor(at * bytes));
  for (const { block, key, value } of rows) {
    if (position < value.length - CHUNK_HEADER_BYTES) {
      const index = CHUNK_HEADER_BYTES + position;
      value[index] = (value[index] ?? 0) ^ 1;
      // Of two writes at one time the greater one stays, which this need not be.
      await cells.write(BLOCK, [store, id, block], [{ key, value }], { timestamp: 2 }, OPTIONS);
      return;
    }
    position -= value.length - CHUNK_HEADER_BYTES;
  }
}
