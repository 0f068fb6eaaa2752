import { CassandraBlobstore } from '../../src/stores/cassandra/blobstore.ts';
import { CqlCells } from '../../src/stores/cassandra/cql-cells.ts';
import { CqlChunkReads } from '../../src/stores/cassandra/cql-chunk-reads.ts';
import { CassandraMetastore } from '../../src/stores/cassandra/metastore.ts';
import type { TestKeyspace } from '../support/cassandra.ts';
import type { BlobsInUse } from './inspect-directory.ts';

const REGION = 'us-east-1';

/** Blobs that have bytes in a keyspace, and blobs that versions and parts refer to, as one region has them. */
export async function blobsInKeyspace(keyspace: TestKeyspace): Promise<BlobsInUse> {
  await using session = await keyspace.connect();
  const cells = new CqlCells(session);
  const nowMs = (): number => Date.now();
  await using meta = new CassandraMetastore({ cells, store: REGION, description: '', nowMs });
  const blobs = new CassandraBlobstore({
    cells,
    chunkReads: new CqlChunkReads(session),
    store: `${REGION}/STANDARD`,
    description: '',
    nowMs,
    onCorruptChunk: () => undefined,
  });
  const signal = AbortSignal.timeout(60_000);
  const stored = new Set<string>();
  const referenced = new Set<string>();
  for await (const { id } of meta.scanReferences({ signal })) referenced.add(id);
  for await (const { id } of blobs.list({ signal })) stored.add(id);
  return { stored, referenced };
}
