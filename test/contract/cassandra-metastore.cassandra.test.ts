import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { CqlCells } from '../../src/stores/cassandra/cql-cells.ts';
import { CassandraMetastore } from '../../src/stores/cassandra/metastore.ts';
import type { CassandraSession } from '../../src/stores/cassandra/session.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { openTestKeyspace, type TestKeyspace } from '../support/cassandra.ts';
import { must } from './drafts.ts';
import { metastoreContract } from './metastore.ts';
import { metastoreModel } from './model.ts';
import { reclaimContract } from './reclaim.ts';
import type { Opened, Subject } from './subject.ts';
import { uploadsContract } from './uploads.ts';

const MODEL_RUNS = 5;

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

/** Each fixture is a region of its own, so that none sees the rows of another. */
const subject: Subject<Metastore> = {
  engine: 'cassandra',
  isShared: true,
  isDurable: true,
  async open(nowMs): Promise<Opened<Metastore>> {
    const store = `region-${randomBytes(6).toString('hex')}`;
    const handles: CassandraMetastore[] = [];
    const openAnother = async (): Promise<Metastore> => {
      const handle = new CassandraMetastore({
        cells: new CqlCells(must(session)),
        store,
        description: 'a cluster',
        nowMs,
      });
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
