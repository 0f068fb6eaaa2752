import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestKeyspace, type TestKeyspace } from '../../../test/support/cassandra.ts';
import type { KeyspaceOptions } from './cluster.ts';
import { checkSchema, installSchema } from './install-schema.ts';
import { STORE_KINDS } from './migrations.ts';
import type { CassandraSession } from './session.ts';
import { TABLES } from './tables.ts';

const ALL = ['0001-keystore', '0001-bucketstore', '0001-metastore', '0001-blobstore'];

let keyspace: TestKeyspace;
let session: CassandraSession;
beforeAll(async () => {
  keyspace = await openTestKeyspace();
  session = await keyspace.connect();
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await keyspace[Symbol.asyncDispose]();
});

interface NewKeyspace extends AsyncDisposable {
  readonly options: KeyspaceOptions;
  execute(statement: string): Promise<void>;
  tables(): Promise<readonly string[]>;
}

/** The name of a keyspace that is not there yet; dropped when disposed of. */
function newKeyspace(change: Partial<KeyspaceOptions> = {}): NewKeyspace {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const execute = async (statement: string): Promise<void> => {
    await session.client.execute(statement.replaceAll('$', name), [], { prepare: false });
  };
  return {
    options: { ...keyspace.options, keyspace: name, ...change },
    execute,
    tables: async () => {
      const query = 'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?';
      const { rows } = await session.client.execute(query, [name], { prepare: true });
      return rows.map((row) => String(row.get('table_name')));
    },
    [Symbol.asyncDispose]: () => execute('DROP KEYSPACE IF EXISTS $'),
  };
}

function check(options: KeyspaceOptions): Promise<void> {
  return checkSchema(session.client, options, STORE_KINDS);
}

test('installSchema makes keyspace and tables, and the second time nothing', async () => {
  await using fresh = newKeyspace();
  const { options } = fresh;
  expect(await installSchema(options, STORE_KINDS)).toEqual({
    keyspace: options.keyspace,
    isNewKeyspace: true,
    migrations: ALL,
  });
  const tables = Object.values(TABLES).flatMap((all) => all.map(({ name }) => name));
  expect((await fresh.tables()).toSorted()).toEqual([...tables, 's3_schema'].toSorted());
  await check(options);
  expect(await installSchema(options, STORE_KINDS)).toMatchObject({ isNewKeyspace: false, migrations: [] });
});

test('installSchema makes the tables of what a keyspace is to hold, and later of more', async () => {
  await using fresh = newKeyspace();
  const { options } = fresh;
  expect((await installSchema(options, ['keystore'])).migrations).toEqual(['0001-keystore']);
  expect((await fresh.tables()).toSorted()).toEqual(['s3_access_key', 's3_schema']);
  await expect(check(options)).rejects.toThrow(
    `Keyspace ${options.keyspace} has no bucketstore. Run \`pithos install-schema\`.`,
  );
  expect((await installSchema(options, STORE_KINDS)).migrations).toEqual(ALL.slice(1));
  await check(options);
});

test('installSchema makes a table again that somebody dropped', async () => {
  await using fresh = newKeyspace();
  const { options } = fresh;
  await installSchema(options, STORE_KINDS);
  await fresh.execute('DROP TABLE $.s3_manifest');
  await expect(check(options)).rejects.toThrow('has no metastore. Run `pithos install-schema`.');
  expect((await installSchema(options, STORE_KINDS)).migrations).toEqual(['0001-metastore']);
  await check(options);
});

test('several may install at once', async () => {
  await using fresh = newKeyspace();
  const { options } = fresh;
  const reports = await Promise.all([1, 2, 3].map(() => installSchema(options, STORE_KINDS)));
  expect(new Set(reports.flatMap(({ migrations }) => migrations))).toEqual(new Set(ALL));
  await check(options);
  expect((await installSchema(options, STORE_KINDS)).migrations).toEqual([]);
});

test('blocks get the compaction that was asked for, and are as their migration has them', async () => {
  const compaction = `{'class': 'LeveledCompactionStrategy'}`;
  await using fresh = newKeyspace({ compaction });
  await installSchema(fresh.options, ['blobstore']);
  const query =
    'SELECT compaction, compression, read_repair, crc_check_chance FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?';
  const of = async (table: string) =>
    (await session.client.execute(query, [fresh.options.keyspace, table], { prepare: true })).first();
  const blocks = await of('s3_block');
  expect(JSON.stringify(blocks.get('compaction'))).toContain('LeveledCompactionStrategy');
  expect(JSON.stringify(blocks.get('compression'))).toContain('LZ4Compressor');
  expect(blocks.get('read_repair')).toBe('NONE');
  expect(blocks.get('crc_check_chance')).toBe(1);
  expect(JSON.stringify((await of('s3_blob')).get('compaction'))).not.toContain('LeveledCompactionStrategy');
});

describe('a sentence says what to do', () => {
  test('where there is no keyspace', async () => {
    await expect(check(newKeyspace().options)).rejects.toThrow(
      /^There is no keyspace test_\w+\. Run `pithos install-schema`\.$/,
    );
  });

  test('where the tables are newer', async () => {
    await using fresh = newKeyspace();
    await installSchema(fresh.options, STORE_KINDS);
    await fresh.execute(`INSERT INTO $.s3_schema (kind, version) VALUES ('metastore', 99)`);
    await expect(check(fresh.options)).rejects.toThrow('has a newer metastore. Use the release that made it.');
  });

  test('where the keyspace has another replication, which is left alone', async () => {
    await using fresh = newKeyspace();
    const replication = `{'class': 'NetworkTopologyStrategy', '${session.facts.localDataCentre}': 1}`;
    await fresh.execute(`CREATE KEYSPACE $ WITH replication = ${replication}`);
    await expect(installSchema(fresh.options, STORE_KINDS)).rejects.toThrow(
      /^Keyspace test_\w+ has the replication \{'class': 'NetworkTopologyStrategy', '\w+': 1\}, and the configuration asks for another\. Change the configuration, or run ALTER KEYSPACE "test_\w+" WITH replication = \{'class': 'SimpleStrategy', 'replication_factor': 1\} and then a repair of every node\.$/,
    );
    expect(await fresh.tables()).toEqual([]);
  });

  test('where the replication names a data centre that the cluster has not', async () => {
    const { localDataCentre } = session.facts;
    const factors = new Map([
      [localDataCentre, 1],
      ['mars', 1],
    ]);
    await using fresh = newKeyspace({ replication: { class: 'NetworkTopologyStrategy', factors } });
    await expect(installSchema(fresh.options, STORE_KINDS)).rejects.toThrow(
      `has no data centre mars, which the replication names: it has ${localDataCentre}.`,
    );
  });

  test('where the levels do not keep the promises in the copies that there would be', async () => {
    const levels = { read: 'ONE', write: 'ONE', serial: 'SERIAL' } as const;
    await using fresh = newKeyspace({ levels, replication: { class: 'SimpleStrategy', factor: 3 } });
    await expect(installSchema(fresh.options, STORE_KINDS)).rejects.toThrow(
      'Reads at ONE and writes at ONE need not meet in 3 copies: take QUORUM for both',
    );
    expect(await fresh.tables()).toEqual([]);
  });

  test('where Cassandra refuses a statement', async () => {
    await using fresh = newKeyspace({ compaction: `{'class': 'Nothing'}` });
    await expect(installSchema(fresh.options, ['blobstore'])).rejects.toMatchObject({
      name: 'StoreError',
      kind: 'unavailable',
      message: expect.stringMatching(/^Cassandra refused a request: .*Nothing/),
    });
  });
});
