import { randomBytes } from 'node:crypto';
import type { Host } from 'cassandra-driver';
import { expect, test } from 'vitest';
import { countUp, startCluster } from '../../scripts/cassandra/cluster.ts';
import { parseBlobId } from '../../src/domain/names.ts';
import { CassandraBlobstore } from '../../src/stores/cassandra/blobstore.ts';
import { CqlCells } from '../../src/stores/cassandra/cql-cells.ts';
import { CqlChunkReads } from '../../src/stores/cassandra/cql-chunk-reads.ts';
import type { CassandraSession } from '../../src/stores/cassandra/session.ts';
import { must, OPTIONS } from '../contract/drafts.ts';
import { openTestKeyspace } from '../support/cassandra.ts';
import { freeAddress } from '../support/cassandra-setup.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitUntil } from './wait-until.ts';

/** Reads and writes of one node alone, whatever others have; for tests. */
const NODE_LOCAL = 11;
const STORE = 'us-east-1/STANDARD';
const BLOB_BYTES = 600_000;
const DOWN_MS_MAX = 120_000;
const READS = 12;
/** Which replica answers first is the cluster's choice: so often is it asked at most, until it is the bad one. */
const READS_MAX = 500;
/** What stands before the payload in a row. */
const HEADER_BYTES = 16;
const SELECT = 'SELECT value FROM s3_block WHERE store = ? AND blob_id = ? AND block = 0 AND chunk = 0';
const INSERT = 'INSERT INTO s3_block (store, blob_id, block, chunk, value) VALUES (?, ?, 0, 0, ?) USING TIMESTAMP 1';

test('a chunk that went bad on one replica is read from another, counted, and mended by a repair', async () => {
  await using directory = await makeTempDir();
  const firstAddress = await freeAddress(3);
  // Without hints a node does not learn by itself what it missed: so it can be given something else.
  const settings = { hinted_handoff_enabled: false, dynamic_snitch: false };
  await using cluster = await startCluster({ directory: directory.path, firstAddress, nodes: 3, settings });
  await using keyspace = await openTestKeyspace(
    { replication: { class: 'SimpleStrategy', factor: 3 } },
    cluster.contactPoints,
  );
  const id = parseBlobId(randomBytes(16).toString('hex'));
  const bytes = randomBytes(BLOB_BYTES);
  const last = must(cluster.nodes.at(-1));
  await last.kill();
  // Until the others know that it is away they keep what they send it, and a node that is quickly back would get it.
  const seenUp = async (): Promise<number> => countUp((await must(cluster.nodes[0]).nodetool('status')).stdout);
  await waitUntil('the others see that it is away', async () => (await seenUp()) === 2, { timeoutMs: DOWN_MS_MAX });
  await using writing = await keyspace.connect();
  await blobstoreOn(writing).write(id, piecesOf(bytes), OPTIONS);
  await last.start();
  await cluster.untilAllUp();
  await using session = await keyspace.connect();
  const [good, bad] = [cluster.nodes[0], last].map((node) => hostOf(session, must(node).place.address));
  const value = must(await valueOn(session, must(good), id));
  const options = { prepare: true, host: must(bad), consistency: NODE_LOCAL };
  await session.client.execute(INSERT, [STORE, id, spoil(value)], options);
  const corrupt: (string | undefined)[] = [];
  const blobs = blobstoreOn(session, (replica) => corrupt.push(replica));
  for (let round = 0; round < READS || (corrupt.length === 0 && round < READS_MAX); round++) {
    const pieces: Uint8Array[] = [];
    const range = { offsetBytes: 0, lengthBytes: BLOB_BYTES };
    for await (const piece of blobs.read({ id, sizeBytes: BLOB_BYTES }, range, OPTIONS)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  }
  expect(corrupt.length).toBeGreaterThan(0);
  expect(await valueOn(session, must(bad), id)).not.toEqual(value);
  const repair = await last.nodetool('repair', '--full', keyspace.options.keyspace);
  expect(repair.status, repair.stderr).toBe(0);
  expect(await valueOn(session, must(bad), id)).toEqual(value);
});

function blobstoreOn(
  session: CassandraSession,
  onCorrupt: (replica: string | undefined) => void = () => undefined,
): CassandraBlobstore {
  return new CassandraBlobstore({
    cells: new CqlCells(session),
    chunkReads: new CqlChunkReads(session),
    store: STORE,
    description: '',
    nowMs: () => Date.now(),
    onCorruptChunk: ({ replica }) => onCorrupt(replica),
  });
}

/** Flips bytes so that the copy is the smaller of the two: where copies of one time are compared, the greater stays. */
function spoil(value: Buffer): Buffer {
  const spoilt = Buffer.from(value);
  const place = spoilt.findIndex((byte, index) => index > HEADER_BYTES && byte > 0);
  spoilt[place] = (spoilt[place] ?? 0) - 1;
  return spoilt;
}

function hostOf(session: CassandraSession, address: string): Host {
  return must(session.client.hosts.values().find((host) => host.address.startsWith(`${address}:`)));
}

async function valueOn(session: CassandraSession, host: Host, id: string): Promise<Buffer | undefined> {
  const options = { prepare: true, host, consistency: NODE_LOCAL };
  return (await session.client.execute(SELECT, [STORE, id], options)).first()?.get('value');
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
