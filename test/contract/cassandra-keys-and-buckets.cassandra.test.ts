import { afterAll, beforeAll } from 'vitest';
import { CassandraBucketstore } from '../../src/stores/cassandra/bucketstore.ts';
import type { Cells } from '../../src/stores/cassandra/cells.ts';
import { CqlCells } from '../../src/stores/cassandra/cql-cells.ts';
import { CassandraKeystore } from '../../src/stores/cassandra/keystore.ts';
import type { CassandraSession } from '../../src/stores/cassandra/session.ts';
import { ACCESS_KEY, BUCKET, BUCKET_BY_TENANT } from '../../src/stores/cassandra/tables.ts';
import { openTestKeyspace, type TestKeyspace } from '../support/cassandra.ts';
import { bucketstoreContract } from './bucketstore.ts';
import { keystoreContract } from './keystore.ts';
import type { Opened, Subject } from './subject.ts';

const TABLES = [ACCESS_KEY, BUCKET, BUCKET_BY_TENANT];
const description = 'a keyspace of this test';

let keyspace: TestKeyspace;
let sessions: readonly CassandraSession[];
beforeAll(async () => {
  keyspace = await openTestKeyspace();
  sessions = [await keyspace.connect(), await keyspace.connect()];
});
afterAll(async () => {
  for (const session of sessions) await session[Symbol.asyncDispose]();
  await keyspace[Symbol.asyncDispose]();
});

keystoreContract(cassandraSubject((cells, nowMs) => new CassandraKeystore({ cells, description, nowMs })));
bucketstoreContract(
  cassandraSubject(
    (cells, nowMs) => new CassandraBucketstore({ cells, description, nowMs, onBackgroundError: throwError }),
  ),
);

/** Every handle is on another session, as other gateways are. The tables hold one fixture at a time. */
function cassandraSubject<S extends AsyncDisposable>(make: (cells: Cells, nowMs: () => number) => S): Subject<S> {
  return {
    engine: 'cassandra',
    isShared: true,
    isDurable: true,
    async open(nowMs): Promise<Opened<S>> {
      const [session] = sessions;
      for (const { name } of TABLES) await session?.client.execute(`TRUNCATE ${name}`, [], { prepare: false });
      const handles: S[] = [];
      const openAnother = async (): Promise<S> => {
        const [first, second] = sessions;
        const used = handles.length % 2 === 0 ? first : second;
        if (used === undefined) throw new TypeError('There is no session.');
        const store = make(new CqlCells(used), nowMs);
        handles.push(store);
        return store;
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
}

function throwError(error: unknown): never {
  throw error;
}
