import { CassandraMetastore } from '../../src/stores/cassandra/metastore.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { CalmCells } from '../model/calm-cells.ts';
import { metastoreContract } from './metastore.ts';
import { metastoreModel } from './model.ts';
import { reclaimContract } from './reclaim.ts';
import type { Opened, Subject } from './subject.ts';
import { uploadsContract } from './uploads.ts';

const MODEL_RUNS = 50;

/** The protocols of the engine over cells in memory: what they do when nothing goes wrong. */
const subject: Subject<Metastore> = {
  engine: 'cassandra, over cells in memory',
  isShared: true,
  isDurable: true,
  async open(nowMs): Promise<Opened<Metastore>> {
    const cells = new CalmCells({ nowMs });
    const handles: CassandraMetastore[] = [];
    const openAnother = async (): Promise<Metastore> => {
      const handle = new CassandraMetastore({ cells, store: 'us-east-1', description: 'in memory', nowMs });
      handles.push(handle);
      return handle;
    };
    const closeAll = async (): Promise<void> => {
      for (const handle of handles.splice(0)) await handle[Symbol.asyncDispose]();
    };
    return {
      store: await openAnother(),
      openAnother,
      reopen: async () => {
        await closeAll();
        return await openAnother();
      },
      [Symbol.asyncDispose]: closeAll,
    };
  },
};

metastoreContract(subject);
uploadsContract(subject);
reclaimContract(subject);
metastoreModel(subject, { runs: MODEL_RUNS });
