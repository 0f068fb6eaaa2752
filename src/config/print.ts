import { stringify } from 'yaml';
import type { AccessKey } from '../domain/access-key.ts';
import { addressOf, type CassandraConfig, type Replication } from './cassandra-config.ts';
import type { Config, KeystoreConfig, OptionsConfig, StoreConfig } from './config.ts';
import { withoutSecrets } from './module-secrets.ts';

const HIDDEN = '***';

/** A configuration as a file that says the same, with every default, and `***` for each secret. */
export function printConfiguration(config: Config): string {
  const { service, logging, bucketstore, regions } = config;
  const tree = {
    service: {
      host: service.host,
      port: service.port,
      'admin-host': service.adminHost,
      'admin-port': service.adminPort ?? 'off',
      workers: service.workers,
      'shutdown-grace': `${service.shutdownGraceMs}ms`,
      tls: service.tls,
    },
    // What nothing is written for is `off` in a file.
    logging: { ...logging, level: logging.level === 'silent' ? 'off' : logging.level },
    options: optionsTree(config.options),
    keystore: keystoreTree(config.keystore),
    bucketstore: { 'default-region': bucketstore.defaultRegion, ...storeTree(bucketstore.store) },
    regions: mapOf(regions, ({ metastore, storageClasses }) => ({
      metastore: storeTree(metastore),
      'storage-classes': mapOf(storageClasses, storeTree, (name) => name.toLowerCase().replaceAll('_', '-')),
    })),
  };
  return stringify(tree, { lineWidth: 120, aliasDuplicateObjects: false });
}

function optionsTree(options: OptionsConfig) {
  return {
    'service-uri': options.serviceUris,
    'public-url': options.publicUrls,
    'trusted-proxies': options.trustedProxies,
    'signature-v2': options.signatureV2,
    'default-cors': options.defaultCors.map((rule) => ({
      origins: rule.allowedOrigins,
      methods: rule.allowedMethods,
      headers: rule.allowedHeaders,
      exposed: rule.exposeHeaders,
      'max-age': rule.maxAgeSeconds,
    })),
    'object-ownership': options.objectOwnership,
    buckets: options.buckets.map(({ name, acl }) => `${name}:${acl}`),
    durability: options.durability,
    'disk-free-min': options.diskFreeBytesMin,
    'stale-uploads-after': milliseconds(options.staleUploadsAfterMs),
    'intent-grace': milliseconds(options.intentGraceMs),
    'reclaim-grace': milliseconds(options.reclaimGraceMs),
  };
}

function keystoreTree({ store }: KeystoreConfig) {
  if (store.use !== 'map') return storeTree(store);
  return { use: 'map', keys: Object.fromEntries(store.keys.map((key) => [key.accessKeyId, keyTree(key)])) };
}

function keyTree({ tenant, displayName, email, master, memberOf, policy }: AccessKey) {
  return { tenant, secret: HIDDEN, 'display-name': displayName, email, master, memberof: memberOf, policy };
}

function storeTree(store: StoreConfig) {
  switch (store.use) {
    case 'memory':
      return { use: store.use };
    case 'embedded':
      return { use: store.use, path: store.path };
    case 'module':
      return withoutSecrets(store.module.section);
    case 'cassandra':
      return { use: store.use, ...cassandraTree(store.cassandra) };
  }
}

function cassandraTree(config: CassandraConfig) {
  const { credentials, compaction } = config;
  return {
    cluster: config.contactPoints.map(addressOf),
    'local-data-centre': config.localDataCentre,
    keyspace: config.keyspace,
    replication: config.replication && replicationTree(config.replication),
    'read-consistency': config.readConsistency,
    'write-consistency': config.writeConsistency,
    'serial-consistency': config.serialConsistency,
    eventual: config.eventual,
    'single-data-centre': config.singleDataCentre,
    username: credentials?.username,
    password: credentials && HIDDEN,
    tls: config.tls ?? false,
    compaction: compaction && { class: compaction.class, ...compaction.options },
    'request-timeout': milliseconds(config.requestTimeoutMs),
  };
}

function replicationTree(replication: Replication) {
  return replication.class === 'SimpleStrategy'
    ? replication
    : { class: replication.class, ...Object.fromEntries(replication.factors) };
}

function milliseconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `${ms}ms`;
}

function mapOf<Key extends string, Value, Shown>(
  map: ReadonlyMap<Key, Value>,
  show: (value: Value) => Shown,
  nameOf: (key: Key) => string = (key) => key,
): Record<string, Shown> {
  return Object.fromEntries(Array.from(map, ([key, value]) => [nameOf(key), show(value)]));
}
