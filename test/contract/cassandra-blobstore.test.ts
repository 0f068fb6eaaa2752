import { CassandraBlobstore } from '../../src/stores/cassandra/blobstore.ts';
import { CellChunkReads } from '../../src/stores/cassandra/chunk-reads.ts';
import { CalmCells } from '../model/calm-cells.ts';
import { blobstoreContract } from './blobstore.ts';

blobstoreContract({
  engine: 'cassandra, over cells in memory',
  isShared: true,
  // All of it is in memory here, whatever the engine holds.
  isDurable: false,
  async open(nowMs) {
    const cells = new CalmCells({ nowMs });
    const openAnother = async (): Promise<CassandraBlobstore> =>
      new CassandraBlobstore({
        cells,
        chunkReads: new CellChunkReads(cells),
        store: 'us-east-1/STANDARD',
        description: 'in memory',
        nowMs,
        onCorruptChunk: () => undefined,
      });
    return {
      store: await openAnother(),
      openAnother,
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
});
