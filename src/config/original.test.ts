import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTempDir, type TempDir } from '../../test/support/temp-dir.ts';
import { type ConfigurationSources, loadConfiguration } from './load.ts';

let directory: TempDir;
beforeAll(async () => {
  directory = await makeTempDir();
});
afterAll(() => directory[Symbol.asyncDispose]());

async function load(yaml: string, sources: Omit<ConfigurationSources, 'file'> = {}) {
  const file = join(directory.path, 'pithos.yaml');
  await writeFile(file, yaml);
  const { config, warnings } = await loadConfiguration({ environment: {}, ...sources, file });
  return { config, warnings: warnings.map((warning) => warning.replace(file, 'f')) };
}

/** What the packages and the image of Pithos 0.7.5 have, with other words in the comments. */
const PACKAGED = `
service:
  host: "0.0.0.0"
  port: 8080
logging:
  level: info
  console: true
  overrides:
    io.pithos: debug
options:
  service-uri: s3.example.com
  default-region: myregion
keystore:
  keys:
    AKIAIOSFODNN7EXAMPLE:
      master: true
      tenant: test@example.com
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
bucketstore:
  default-region: myregion
  cluster: "localhost"
  keyspace: storage
regions:
  myregion:
    metastore:
      cluster: "localhost"
      keyspace: storage
    storage-classes:
      standard:
        cluster: "localhost"
        keyspace: storage
        max-chunk: "128k"
        max-block-chunk: 1024
`;

const SIGV2 =
  'f:2:1: is a file of Pithos 0.7, so requests signed by signature version 2 are accepted: options.signature-v2 says otherwise';

describe('the file of the packages of Pithos 0.7.5', () => {
  test('is read whole, and each warning has its line', async () => {
    const { config, warnings } = await load(PACKAGED);
    expect(config.service).toMatchObject({ host: '0.0.0.0', port: 8080 });
    expect(config.logging).toMatchObject({ level: 'debug', console: true });
    expect(config.options).toMatchObject({ serviceUris: ['s3.example.com'], signatureV2: true });
    expect(config.bucketstore).toMatchObject({ defaultRegion: 'myregion', store: { use: 'cassandra' } });
    expect([...config.regions.keys()]).toEqual(['myregion']);
    const { store } = config.keystore;
    if (store.use !== 'map') throw new Error(store.use);
    expect(store.keys).toMatchObject([
      { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', master: true, tenant: 'test@example.com' },
    ]);
    expect(warnings).toEqual([
      SIGV2,
      'f:16:7: keystore.keys.AKIAIOSFODNN7EXAMPLE: AKIAIOSFODNN7EXAMPLE is a key that everybody knows, from an example: make one of your own before 0.0.0.0 is reached by others',
      'f:32:9: regions.myregion.storage-classes.standard.max-chunk: gives blocks of 256 MiB, which Pithos does not write: its blocks are 4 MiB, in chunks of 256 KiB',
      'f:33:9: regions.myregion.storage-classes.standard.max-block-chunk: is misspelt, and Pithos 0.7 did not read it: it is max-block-chunks, whose default is 2048',
    ]);
  });

  test('can be overruled, and extended', async () => {
    const { config, warnings } = await load(PACKAGED.replace('options:', 'options:\n  signature-v2: false'), {
      environment: { PITHOS_SERVICE_WORKERS: '3' },
      flags: [{ flag: '--port', path: 'service.port', text: '1' }],
    });
    expect(config.service).toMatchObject({ port: 1, workers: 3 });
    expect(config.options.signatureV2).toBe(false);
    expect(warnings.join()).not.toContain('signature version 2');
  });
});

test('everything that a file of 0.7 may have is honoured or told, in the order of the file', async () => {
  const { config, warnings } = await load(`
service: { max-threads: 100, ssl-port: 8443, frobnicate: 1 }
logging:
  use: io.pithos.logging/start
  pattern: "%p %m%n"
  json: true
  external: true
  console: false
  files: [/tmp/a.log, { path: /tmp/b.log, json: true }, { file: /tmp/c.log, encoder: json }]
  overrides: { io.pithos: warn, io.exo.pithos: debug }
options:
  default-region: eu
  reporting: true
  masterkey-access: true
  default-cors: [{ origins: ["http://*.example.com"], methods: [get, put], headers: ["*"], exposed: [etag], max-age: 3000 }]
keystore:
  use: io.pithos.keystore/map-keystore
  keys: { A: { tenant: t, secret: s, memberof: [ops] } }
bucketstore:
  use: io.pithos.bucket/cassandra-bucket-store
  cluster: [10.0.0.1, 10.0.0.2]
  keyspace: storage
  hints: { replication: { class: SimpleStrategy, replication_factor: 3 } }
  username: u
  password: p
  read-consistency: local-quorum
  write-consistency: quorum
  cassandra-options: { compression: lz4 }
regions:
  eu:
    metastore: { use: io.pithos.meta/cassandra-meta-store, cluster: 10.0.0.1, keyspace: storage, repfactor: 2 }
    storage-classes:
      standard: { use: io.pithos.blob/cassandra-blob-store, cluster: 10.0.0.1, keyspace: storage, max-chunk: 128k, max-block-chunks: 16 }
reporters: [{ use: io.pithos.reporter/logging-reporter, level: info }]
sentry: { dsn: https://a@b/1 }
cassandra: { data_file_directories: [/var/lib], cluster_name: pithos }
`);
  expect(config.service.port).toBe(8080);
  expect(config.logging).toEqual({
    level: 'warn',
    format: 'json',
    console: false,
    files: ['a', 'b', 'c'].map((name) => ({ path: `/tmp/${name}.log`, format: 'json' })),
  });
  expect(config.bucketstore).toMatchObject({
    defaultRegion: 'eu',
    store: { cassandra: { readConsistency: 'LOCAL_QUORUM', replication: { factor: 3 } } },
  });
  expect(config.options.defaultCors).toEqual([
    {
      allowedOrigins: ['http://*.example.com'],
      allowedMethods: ['GET', 'PUT'],
      allowedHeaders: ['*'],
      exposeHeaders: ['etag'],
      maxAgeSeconds: 3000,
    },
  ]);
  expect(warnings.map((warning) => warning.split(': ', 2).join(' '))).toEqual([
    'f:2:1 is a file of Pithos 0.7, so requests signed by signature version 2 are accepted',
    'f:2:12 service.max-threads',
    'f:2:30 service.ssl-port',
    'f:2:46 service.frobnicate',
    'f:4:3 logging.use',
    'f:5:3 logging.pattern',
    'f:7:3 logging.external',
    'f:10:33 logging.overrides.io.exo.pithos',
    'f:13:3 options.reporting',
    'f:14:3 options.masterkey-access',
    'f:28:3 bucketstore.cassandra-options',
    'f:33:99 regions.eu.storage-classes.standard.max-chunk',
    'f:34:1 reporters',
    'f:35:1 sentry',
    'f:36:14 cassandra.data_file_directories',
    'f:36:49 cassandra.cluster_name',
  ]);
});

test.each<[what: string, yaml: string, isOriginal: boolean]>([
  ['an engine by the name of the original', 'keystore: { use: io.pithos.keystore/map-keystore, keys: {} }', true],
  ['its logger', 'logging: { overrides: { io.pithos: info } }', true],
  ['reporters', 'reporters: []', true],
  ['sizes of chunks', 'regions: { eu: { storage-classes: { standard: { max-chunk: 64k } } } }', true],
  ['a cluster in the bucketstore alone', 'bucketstore: { cluster: 10.0.0.1 }', true],
  ['a cluster in the bucketstore, and settings of ours', 'bucketstore: { cluster: a }\nservice: { workers: 2 }', false],
  ['a cluster for all stores', 'cassandra: { cluster: 10.0.0.1 }', false],
  ['a port alone', 'service: { port: 8080 }', false],
  ['nothing', '', false],
])('a file with %s is one of 0.7: %s %s', async (_, yaml, isOriginal) => {
  const { config } = await load(yaml);
  expect(config.options.signatureV2).toBe(isOriginal);
  expect(config.service.port).toBe(isOriginal || yaml.includes('port') ? 8080 : 9000);
});

test('the file of the system is read where none is named, if it is there', async () => {
  const systemFile = join(directory.path, 'system.yaml');
  await writeFile(systemFile, 'service: { port: 7 }');
  expect((await loadConfiguration({ environment: {}, systemFile })).config.service.port).toBe(7);
  expect((await loadConfiguration({ environment: {}, systemFile: `${systemFile}.not` })).file).toBeUndefined();
  const named = loadConfiguration({ environment: {}, systemFile, file: `${systemFile}.not` });
  await expect(named).rejects.toThrow('cannot be read');
});
