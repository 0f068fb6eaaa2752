import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTempDir, type TempDir } from '../../test/support/temp-dir.ts';
import type { CassandraConfig } from './cassandra-config.ts';
import type { Config, StoreConfig } from './config.ts';
import { ConfigurationError } from './configuration-error.ts';
import { type ConfigurationSources, loadConfiguration } from './load.ts';
import { packConfig, unpackConfig } from './pack.ts';

let directory: TempDir;
beforeAll(async () => {
  directory = await makeTempDir();
});
afterAll(() => directory[Symbol.asyncDispose]());

async function load(yaml: string, sources: Omit<ConfigurationSources, 'file'> = {}): Promise<Config> {
  const file = join(directory.path, 'pithos.yaml');
  await writeFile(file, yaml);
  return (await loadConfiguration({ environment: {}, ...sources, file })).config;
}

async function problemsOf(yaml: string, sources: Omit<ConfigurationSources, 'file'> = {}): Promise<readonly string[]> {
  try {
    await load(yaml, sources);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map((problem) => problem.replace(join(directory.path, 'pithos.yaml'), 'f'));
  }
  throw new Error('The configuration was accepted.');
}

function cassandraOf(store: StoreConfig | Config['keystore']['store'] | undefined): CassandraConfig {
  if (store?.use !== 'cassandra') throw new Error(`The store is ${store?.use}.`);
  return store.cassandra;
}

/** The engines of keystore, bucketstore, and of each region's metastore and blobstores. */
function enginesOf({ keystore, bucketstore, regions }: Config): string[] {
  const stores = [keystore.store, bucketstore.store];
  for (const region of regions.values()) stores.push(region.metastore, ...region.storageClasses.values());
  return stores.map(({ use }) => use);
}

const DEFAULTS = {
  contactPoints: [{ host: '10.0.0.1', port: 9042 }],
  localDataCentre: undefined,
  keyspace: 'pithos',
  replication: undefined,
  readConsistency: 'QUORUM',
  writeConsistency: 'QUORUM',
  serialConsistency: 'SERIAL',
  eventual: false,
  singleDataCentre: false,
  credentials: undefined,
  tls: undefined,
  compaction: undefined,
  requestTimeoutMs: 10_000,
};

describe('a cluster in the section cassandra', () => {
  test('holds every store that says nothing else', async () => {
    const config = await load('cassandra: { cluster: 10.0.0.1 }');
    expect(enginesOf(config)).toEqual(['cassandra', 'cassandra', 'cassandra', 'cassandra']);
    expect(cassandraOf(config.bucketstore.store)).toEqual(DEFAULTS);
  });

  test.each<[string, Omit<ConfigurationSources, 'file'>]>([
    ['the environment', { environment: { PITHOS_CASSANDRA_CLUSTER: '10.0.0.1', PITHOS_CASSANDRA_KEYSPACE: 'S3' } }],
    [
      'flags',
      {
        flags: [
          { flag: '--cassandra', path: 'cassandra.cluster', text: '10.0.0.1' },
          { flag: '--keyspace', path: 'cassandra.keyspace', text: 's3' },
        ],
      },
    ],
  ])('may come from %s', async (_, sources) => {
    const config = await load('', sources);
    expect(cassandraOf(config.keystore.store)).toEqual({ ...DEFAULTS, keyspace: 's3' });
  });

  test('may be set whole by the environment', async () => {
    const environment = {
      PITHOS_CASSANDRA_CLUSTER: '10.0.0.1, [fe80::1]:9043, fe80::2',
      PITHOS_CASSANDRA_LOCAL_DC: 'dc1',
      PITHOS_CASSANDRA_REPLICATION: 'dc1:3, dc2:2',
      PITHOS_CASSANDRA_COMPACTION: 'UnifiedCompactionStrategy',
      PITHOS_CASSANDRA_USERNAME: 'pithos',
      PITHOS_CASSANDRA_PASSWORD: 'hush',
      PITHOS_CASSANDRA_TLS_CA: '/etc/ca.pem',
      PITHOS_CASSANDRA_TLS_VERIFY: 'false',
      PITHOS_CASSANDRA_READ_CONSISTENCY: 'local-quorum',
      PITHOS_CASSANDRA_SERIAL_CONSISTENCY: 'LOCAL_SERIAL',
      PITHOS_CASSANDRA_REQUEST_TIMEOUT: '5s',
    };
    const { credentials, ...cassandra } = cassandraOf((await load('', { environment })).keystore.store);
    expect(credentials?.password.reveal()).toBe('hush');
    expect(cassandra).toEqual({
      ...DEFAULTS,
      credentials: undefined,
      contactPoints: [
        { host: '10.0.0.1', port: 9042 },
        { host: 'fe80::1', port: 9043 },
        { host: 'fe80::2', port: 9042 },
      ],
      localDataCentre: 'dc1',
      replication: {
        class: 'NetworkTopologyStrategy',
        factors: new Map([
          ['dc1', 3],
          ['dc2', 2],
        ]),
      },
      compaction: { class: 'UnifiedCompactionStrategy', options: {} },
      tls: { ca: '/etc/ca.pem', cert: undefined, key: undefined, verify: false },
      readConsistency: 'LOCAL_QUORUM',
      serialConsistency: 'LOCAL_SERIAL',
      requestTimeoutMs: 5_000,
    });
  });

  test('gives each store what it does not say itself', async () => {
    const config = await load(`
cassandra: { cluster: [a, b:1234], keyspace: shared, local-data-centre: dc1, replication: 3, tls: true }
bucketstore: { keyspace: names, local-dc: dc2, replication: { class: SimpleStrategy, replication_factor: 2 }, tls: false }
regions:
  x:
    metastore: { read-consistency: one, write-consistency: all }
    storage-classes:
      standard: { cluster: c, hints: { replication: { class: org.apache.cassandra.locator.NetworkTopologyStrategy, dc1: 1 } } }
`);
    expect(cassandraOf(config.keystore.store)).toMatchObject({
      contactPoints: [
        { host: 'a', port: 9042 },
        { host: 'b', port: 1234 },
      ],
      keyspace: 'shared',
      localDataCentre: 'dc1',
      replication: { class: 'SimpleStrategy', factor: 3 },
      tls: { ca: undefined, verify: true },
    });
    expect(cassandraOf(config.bucketstore.store)).toMatchObject({
      keyspace: 'names',
      localDataCentre: 'dc2',
      replication: { class: 'SimpleStrategy', factor: 2 },
      tls: undefined,
    });
    const [region] = config.regions.values();
    expect(cassandraOf(region?.metastore)).toMatchObject({ readConsistency: 'ONE', writeConsistency: 'ALL' });
    expect(cassandraOf([...(region?.storageClasses.values() ?? [])][0])).toMatchObject({
      contactPoints: [{ host: 'c', port: 9042 }],
      keyspace: 'shared',
      replication: { class: 'NetworkTopologyStrategy', factors: new Map([['dc1', 1]]) },
    });
  });

  test('leaves alone the stores that name another engine, a path, or keys', async () => {
    const config = await load(`
cassandra: { cluster: a }
keystore: { keys: { A: { tenant: t, secret: s } } }
bucketstore: { use: embedded }
regions: { x: { metastore: { path: /fast }, storage-classes: { standard: {}, cold: { path: /slow } } } }
`);
    expect(enginesOf(config)).toEqual(['map', 'embedded', 'embedded', 'cassandra', 'embedded']);
  });
});

test('the stores of an old pithos.yaml are on Cassandra where it puts them', async () => {
  const config = await load(`
keystore:
  use: io.pithos.keystore/map-keystore
  keys: { AKIA: { master: true, tenant: test@example.com, secret: secret } }
bucketstore:
  default-region: myregion
  cluster: localhost
  keyspace: storage
regions:
  myregion:
    metastore: { use: io.pithos.meta/cassandra-meta-store, cluster: localhost, keyspace: storage, repfactor: 3 }
    storage-classes:
      standard: { cluster: [localhost], keyspace: storage, max-chunk: 128k, max-block-chunk: 1024 }
`);
  expect(enginesOf(config)).toEqual(['map', 'cassandra', 'cassandra', 'cassandra']);
  const [region] = config.regions.values();
  expect(cassandraOf(region?.metastore)).toMatchObject({
    contactPoints: [{ host: 'localhost', port: 9042 }],
    keyspace: 'storage',
    replication: { class: 'SimpleStrategy', factor: 3 },
  });
});

describe('a mistake is told with its place and what would be right', () => {
  test.each<[yaml: string, problem: string]>([
    ['bucketstore: { use: cassandra }', 'f:1:14: bucketstore: needs a cluster, such as 10.0.0.1'],
    ['cassandra: { cluster: "a b" }', 'f:1:23: cassandra.cluster: must be addresses of nodes such as 10.0.0.1'],
    ['cassandra: { cluster: a:99999 }', 'not "a:99999"'],
    ['cassandra: { cluster: [] }', 'f:1:23: cassandra.cluster: must be addresses of nodes'],
    ['cassandra: { cluster: { a: b } }', 'f:1:23: cassandra.cluster: must be addresses of nodes'],
    ['cassandra: { cluster: a, keyspce: x }', 'f:1:26: cassandra.keyspce: is not known: did you mean keyspace?'],
    ['cassandra: { cluster: a, keyspace: x-y }', 'f:1:36: cassandra.keyspace: must be the name of a keyspace'],
    [
      'cassandra: { cluster: a, read-consistency: most }',
      'f:1:44: cassandra.read-consistency: must be one of any, one, two, three, quorum, all, local-quorum, each-quorum',
    ],
    ['cassandra: { cluster: a, read-consistency: any }', 'cassandra.read-consistency: cannot be any'],
    ['cassandra: { cluster: a, serial-consistency: quorum }', 'must be one of serial, local-serial, not "quorum"'],
    ['cassandra: { cluster: a, replication: { class: Simple } }', 'f:1:39: cassandra.replication: must be { class:'],
    ['cassandra: { cluster: a, replication: { class: NetworkTopologyStrategy } }', 'cassandra.replication: must be {'],
    ['cassandra: { cluster: a, replication: none }', 'cassandra.replication: must be { class:'],
    ['cassandra: { cluster: a, username: u }', 'f:1:26: cassandra.username: needs a password beside it'],
    ['cassandra: { cluster: a, tls: { cert: c } }', 'f:1:26: cassandra.tls: needs cert and key together, or neither'],
    ['cassandra: { cluster: a, compaction: TimeWindowCompactionStrategy }', 'must have a class, one of Unified'],
    ['cassandra: { cluster: a, request-timeout: 1ms }', 'must be a duration of at least 0.1s'],
    ['bucketstore: { use: memory, cluster: a }', 'f:1:29: bucketstore.cluster: is for use: cassandra only'],
    ['bucketstore: { use: cassandra, cluster: a, path: b }', 'bucketstore.path: is for use: embedded only'],
    ['keystore: { use: map, cluster: a, keys: {} }', 'f:1:23: keystore.cluster: is for use: cassandra only'],
    [
      'bucketstore: { use: dynamo }',
      'must be one of embedded, memory, cassandra, or the name of a module such as ./my-store.js or my-store, not "dynamo"',
    ],
    ['bucketstore: { use: memory }\ncassandra: { cluster: a }', 'f:1:1: regions.us-east-1: must be in memory where'],
  ])('%j', async (yaml, problem) => {
    expect((await problemsOf(yaml)).join('\n')).toContain(problem);
  });

  test('of the section is told once, however many stores have it', async () => {
    expect(await problemsOf('cassandra: { cluster: a, password: hush }')).toEqual([
      'f:1:26: cassandra.password: needs a username beside it',
    ]);
  });

  test('never repeats a password', async () => {
    expect((await problemsOf('cassandra: { cluster: a, password: [hush] }')).join()).not.toContain('hush');
  });
});

test('a configuration passes to another process with its passwords, and shows them to nobody else', async () => {
  const config = await load('cassandra: { cluster: a, username: u, password: hush, tls: true, replication: dc1:3 }');
  const passed = unpackConfig(structuredClone(packConfig(config)));
  expect(passed).toEqual(config);
  expect(cassandraOf(passed.keystore.store).credentials?.password.reveal()).toBe('hush');
  expect(JSON.stringify(config.bucketstore)).not.toContain('hush');
});
