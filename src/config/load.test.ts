import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from './configuration-error.ts';
import { type ConfigurationSources, loadConfiguration } from './load.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pithos-config-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function load(yaml: string, sources: Omit<ConfigurationSources, 'file'> = {}) {
  const file = join(directory, 'pithos.yaml');
  await writeFile(file, yaml);
  return (await loadConfiguration({ environment: {}, ...sources, file })).config;
}

/** The problems of a configuration, with the file's name shortened to `f`. */
async function problemsOf(yaml: string, sources: Omit<ConfigurationSources, 'file'> = {}): Promise<readonly string[]> {
  try {
    await load(yaml, sources);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map((problem) => problem.replace(join(directory, 'pithos.yaml'), 'f'));
  }
  throw new Error('The configuration was accepted.');
}

describe('without any setting', () => {
  test('everything lies embedded in ./data, in one region with one storage class', async () => {
    const { config, file } = await loadConfiguration({ environment: {} });
    const store = { use: 'embedded', path: resolve('data') };
    expect(file).toBeUndefined();
    expect(config).toEqual({
      service: {
        host: '127.0.0.1',
        port: 9000,
        adminHost: '127.0.0.1',
        adminPort: 9001,
        workers: availableParallelism(),
        shutdownGraceMs: 30_000,
        tls: undefined,
      },
      logging: { level: 'info', format: 'auto', console: true, files: [] },
      options: {
        serviceUris: [],
        publicUrls: [],
        trustedProxies: [],
        signatureV2: false,
        durability: 'strict',
        diskFreeBytesMin: undefined,
        staleUploadsAfterMs: undefined,
        intentGraceMs: undefined,
        reclaimGraceMs: undefined,
        defaultCors: [],
        objectOwnership: 'ObjectWriter',
        buckets: [],
      },
      keystore: { store, environmentKey: undefined },
      bucketstore: { store, defaultRegion: 'us-east-1' },
      regions: new Map([['us-east-1', { metastore: store, storageClasses: new Map([['STANDARD', store]]) }]]),
    });
  });

  test('an empty file changes nothing', async () => {
    expect(await load('')).toEqual((await loadConfiguration({ environment: {} })).config);
    expect(await load('service:\nregions:\n')).toEqual((await loadConfiguration({ environment: {} })).config);
  });
});

test('a whole file in the shape of the original is read', async () => {
  const config = await load(`
service: { host: 0.0.0.0, port: 8080, workers: 3, admin-port: off, shutdown-grace: 1.5m }
logging: { level: warn, format: json }
options: { service-uri: "S3.example.com:8080, s3.internal", durability: relaxed, data-directory: /var/pithos, disk-free-min: 2g, stale-uploads-after: 7d, intent-grace: 2h, reclaim-grace: 90s, public-url: [https://s3.example.com, https://example.com/storage], trusted-proxies: "10.0.0.0/8, ::1", signature-v2: true }
keystore:
  use: io.pithos.keystore/map-keystore
  keys:
    1e5: { master: true, tenant: pyr@spootnik.org, secret: 0000012345678901234567890, memberof: [a, b] }
bucketstore: { default-region: ch-dk-2, path: /fast }
regions:
  ch-dk-2:
    metastore: { use: embedded }
    storage-classes:
      standard: { path: /slow }
      standard-ia:
  eu:
`);
  expect(config.service).toMatchObject({ port: 8080, workers: 3, adminPort: undefined, shutdownGraceMs: 90_000 });
  expect(config.options).toEqual({
    durability: 'relaxed',
    serviceUris: ['s3.example.com:8080', 's3.internal'],
    publicUrls: ['https://s3.example.com', 'https://example.com/storage'],
    trustedProxies: ['10.0.0.0/8', '::1'],
    signatureV2: true,
    diskFreeBytesMin: 2 * 1024 ** 3,
    staleUploadsAfterMs: 7 * 86_400_000,
    intentGraceMs: 7_200_000,
    reclaimGraceMs: 90_000,
    defaultCors: [],
    objectOwnership: 'ObjectWriter',
    buckets: [],
  });
  const { store } = config.keystore;
  if (store.use !== 'map') throw new Error(store.use);
  const [key] = store.keys;
  expect(key).toMatchObject({ accessKeyId: '1e5', tenant: 'pyr@spootnik.org', master: true, memberOf: ['a', 'b'] });
  expect(key?.secret.reveal()).toBe('0000012345678901234567890');
  expect(config.bucketstore).toEqual({ store: { use: 'embedded', path: '/fast' }, defaultRegion: 'ch-dk-2' });
  expect([...config.regions.keys()]).toEqual(['ch-dk-2', 'eu']);
  const classes = config.regions.get(config.bucketstore.defaultRegion)?.storageClasses ?? new Map();
  expect([...classes]).toEqual([
    ['STANDARD', { use: 'embedded', path: '/slow' }],
    ['STANDARD_IA', { use: 'embedded', path: '/var/pithos' }],
  ]);
});

describe('the policy of a key', () => {
  const keysWith = (policy: string) =>
    `keystore: { use: map, keys: { A: { tenant: t, secret: s, policy: ${policy} } } }`;
  const policy = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 's3:Get*', Resource: '*' } };

  test.each([
    ['a map', JSON.stringify(policy)],
    ['a text', `'${JSON.stringify(policy)}'`],
  ])('may be %s', async (_, text) => {
    const { store } = (await load(keysWith(text))).keystore;
    if (store.use !== 'map') throw new Error('The keystore is none of a map.');
    expect(store.keys[0]?.policy).toBe(JSON.stringify(policy));
  });

  test('must be one that can be evaluated', async () => {
    const text = JSON.stringify({ ...policy, Version: '2012-10-18' });
    expect((await problemsOf(keysWith(text))).join()).toContain('must contain a valid version string');
  });
});

describe('precedence', () => {
  const yaml = 'service: { port: 1 }';
  const environment = { PITHOS_SERVICE_PORT: '2' };
  const flags = [{ flag: '--port', path: 'service.port', text: '3' }];
  test.each([
    ['a flag wins over everything', { environment, flags }, 3],
    ['the environment wins over the file', { environment }, 2],
    ['the file wins over the default', {}, 1],
  ])('%s', async (_, sources, port) => {
    expect((await load(yaml, sources)).service.port).toBe(port);
  });

  test('PITHOS_CONFIGURATION names the file, unless a flag does', async () => {
    const other = join(directory, 'other.yaml');
    await writeFile(other, 'service: { port: 4 }');
    const named = { PITHOS_CONFIGURATION: other };
    expect((await loadConfiguration({ environment: named })).config.service.port).toBe(4);
    expect((await load(yaml, { environment: named })).service.port).toBe(1);
  });

  test('the key of the environment stands beside the keystore', async () => {
    const environment = { PITHOS_ACCESS_KEY_ID: 'ROOT', PITHOS_SECRET_ACCESS_KEY: 'secret' };
    const { environmentKey } = (await load(yaml, { environment })).keystore;
    expect(environmentKey).toMatchObject({ accessKeyId: 'ROOT', tenant: 'pithos' });
  });

  test('what Kubernetes sets for a Service named pithos is no setting', async () => {
    const links = {
      PITHOS_SERVICE_HOST: '10.0.0.1',
      PITHOS_SERVICE_PORT: '80',
      PITHOS_PORT_80_TCP: 'tcp://10.0.0.1:80',
    };
    const config = await load(yaml, { environment: { ...links, PITHOS_PORT: 'tcp://10.0.0.1:80' } });
    expect(config.service).toMatchObject({ host: '127.0.0.1', port: 1 });
    const cluster = { PITHOS_CASSANDRA_SERVICE_HOST: '10.0.0.2', PITHOS_CASSANDRA_PORT: 'tcp://10.0.0.2:9042' };
    expect((await load(yaml, { environment: cluster })).keystore.store.use).toBe('embedded');
  });
});

describe('a mistake is told with its place and what would be right', () => {
  test.each<[yaml: string, problem: string]>([
    ['service:\n  prt: 80', 'f:2:3: service.prt: is not known: did you mean port?'],
    ['servce: {}', 'f:1:1: servce: is not known: did you mean service?'],
    [
      'logging: { colour-of-night: 1 }',
      'f:1:12: logging.colour-of-night: is not known here: there is level, format, console, files',
    ],
    ['service:\n  port: http', 'f:2:9: service.port: must be a whole number from 0 to 65535, not "http"'],
    ['service: { port: 65536 }', 'f:1:18: service.port: must be a whole number from 0 to 65535, not "65536"'],
    ['service: { workers: 0 }', 'f:1:21: service.workers: must be a whole number from 1 to 256, not "0"'],
    ['service: 5', 'f:1:10: service: must be a map of settings'],
    ['service: { host: [a] }', 'f:1:18: service.host: must be a host name or an IP address'],
    ['options: { durability: sloppy }', 'f:1:24: options.durability: must be one of strict, relaxed, not "sloppy"'],
    [
      'service: { shutdown-grace: 5 }',
      'f:1:28: service.shutdown-grace: must be a duration such as 500ms, 30s or 2h, not "5"',
    ],
    [
      'keystore: { keys: { A: { tenant: t } } }',
      'f:1:24: keystore.keys.A.secret: is missing: it must be a secret access key',
    ],
    [
      'keystore: { keys: { a b: { tenant: t, secret: s } } }',
      'f:1:21: keystore.keys.a b: is not a valid access key id',
    ],
    [
      'options: { reclaim-grace: 1s }',
      'f:1:27: options.reclaim-grace: must be a duration of at least 10s, such as 5m, not "1s"',
    ],
    [
      'options: { disk-free-min: much }',
      'f:1:27: options.disk-free-min: must be a size such as 512m or 2g, not "much"',
    ],
    [
      'options: { public-url: "https://a, b" }',
      'f:1:24: options.public-url: must be URLs such as https://s3.example.com, in a list or separated by commas, not "https://a, b"',
    ],
    [
      'options: { trusted-proxies: [10.0.0.0/33] }',
      'f:1:29: options.trusted-proxies: must be addresses and ranges such as 10.0.0.0/8, in a list or separated by commas, not ["10.0.0.0/33"]',
    ],
    [`options: { public-url: [${'http://a,'.repeat(17)}] }`, 'f:1:24: options.public-url: has more than 16 entries'],
    [
      'options: { default-cors: [{ origins: ["*"], methods: [GET], exposed: ["etag\\r\\nset-cookie: a=b"] }] }',
      'f:1:70: options.default-cors.0.exposed: must be names of headers, in a list or separated by commas, not ["etag\\r\\nset-cookie: a=b"]',
    ],
    ['options: { default-cors: [{ orgins: "*" }] }', 'f:1:29: options.default-cors.0.orgins: is not known here'],
    [
      'options: { default-cors: [{ origins: ["*"], methods: [GET], headers: ["*-*"] }] }',
      'f:1:70: options.default-cors.0.headers: must be names of headers, in a list or separated by commas, not ["*-*"]',
    ],
    ['options: { signature-v2: maybe }', 'f:1:26: options.signature-v2: must be true or false, not "maybe"'],
    ['service:\n  port:', 'f:2:8: service.port: must be a whole number from 0 to 65535'],
    ['keystore: { use: map }', 'f:1:11: keystore: with use: map needs keys'],
    ['keystore: { use: embedded, keys: {} }', 'f:1:34: keystore.keys: are for use: map only'],
    ['bucketstore: { use: memory, path: x }', 'f:1:35: bucketstore.path: is for use: embedded only'],
    [
      'bucketstore: { default-region: x }\nregions: { y: {} }',
      'f:1:32: bucketstore.default-region: must be one of the regions: y',
    ],
    ['regions: { x: {}, y: {} }', 'f:1:1: bucketstore: needs a default-region where there are several regions'],
    [
      'regions: { x: { storage-classes: { cold: {} } } }',
      'f:1:34: regions.x.storage-classes: must have the class standard',
    ],
    [
      'regions: { x: { storage-classes: { standard: {}, STANDARD: {} } } }',
      'f:1:50: regions.x.storage-classes.STANDARD: names STANDARD again',
    ],
    [
      'regions: { x: { metastore: { use: memory } } }',
      'f:1:15: regions.x: must be in memory where the bucketstore is, and cannot be where it is not',
    ],
    ['a: 1\na: 2', 'f:2:1: Map keys must be unique'],
    ['a: &x [*x]', 'f:1:8: nested deeper than 16 levels'],
  ])('%j', async (yaml, problem) => {
    expect(await problemsOf(yaml)).toContain(problem);
  });

  test('all mistakes come at once, those of flags and environment by their own names', async () => {
    const problems = await problemsOf('service: { prt: 1, workers: many }\nlogging: { level: loud }', {
      environment: { PITHOS_OPTIONS_DURABILITY: 'none', PITHOS_SERVICE_PROT: '1', PITHOS_SECRET_ACCESS_KEY: 'x' },
      flags: [{ flag: '--port', path: 'service.port', text: 'http' }],
    });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'PITHOS_SERVICE_PROT:',
      'PITHOS_ACCESS_KEY_ID:',
      '--port:',
      'f:1:29:',
      'f:1:12:',
      'f:2:19:',
      'PITHOS_OPTIONS_DURABILITY:',
    ]);
    expect(problems[0]).toBe('PITHOS_SERVICE_PROT: is not known: did you mean PITHOS_SERVICE_PORT?');
  });

  test('a secret is never repeated', async () => {
    const problems = await problemsOf('keystore: { keys: { A: { tenant: t, secret: { hush: hush } } } }');
    expect(problems.join()).not.toContain('hush');
  });

  test('more than one worker cannot share a memory store', async () => {
    const memory =
      'bucketstore: { use: memory }\nregions: { x: { metastore: { use: memory }, storage-classes: { standard: { use: memory } } } }';
    expect((await load(memory)).service.workers).toBe(1);
    expect(await problemsOf(`${memory}\nservice: { workers: 2 }`)).toEqual([
      'f:3:21: service.workers: must be 1 where a store is in memory',
    ]);
  });

  test('a file that is not there is one problem', async () => {
    const missing = loadConfiguration({ environment: {}, file: '/nowhere/pithos.yaml' });
    await expect(missing).rejects.toThrow(/^\/nowhere\/pithos.yaml: cannot be read: ENOENT/);
  });
});
