import type { AccessKey } from '../domain/access-key.ts';
import type { RegionName, StorageClass } from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import type { CassandraConfig } from './cassandra-config.ts';
import type { Config, KeystoreConfig, StoreConfig } from './config.ts';

/**
 * A configuration as one process hands it to another, by structured clone: the same, but with its secrets in the clear,
 * for nothing that hides its value can be cloned.
 */
export interface PackedConfig extends Omit<Config, 'keystore' | 'bucketstore' | 'regions'> {
  readonly keystore: {
    readonly store: PackedStore | { readonly use: 'map'; readonly keys: readonly PackedKey[] };
    readonly environmentKey: PackedKey | undefined;
  };
  readonly bucketstore: Omit<Config['bucketstore'], 'store'> & { readonly store: PackedStore };
  readonly regions: ReadonlyMap<
    RegionName,
    { readonly metastore: PackedStore; readonly storageClasses: ReadonlyMap<StorageClass, PackedStore> }
  >;
}

type PackedKey = Omit<AccessKey, 'secret'> & { readonly secret: string };
type PackedStore =
  | Exclude<StoreConfig, { use: 'cassandra' }>
  | { readonly use: 'cassandra'; readonly cassandra: PackedCassandra };
type PackedCassandra = Omit<CassandraConfig, 'credentials'> & {
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
};

export function packConfig(config: Config): PackedConfig {
  const { keystore, bucketstore, regions } = config;
  return {
    ...config,
    keystore: {
      store: packKeystore(keystore.store),
      environmentKey: keystore.environmentKey && packKey(keystore.environmentKey),
    },
    bucketstore: { ...bucketstore, store: packStore(bucketstore.store) },
    regions: mapValues(regions, ({ metastore, storageClasses }) => ({
      metastore: packStore(metastore),
      storageClasses: mapValues(storageClasses, packStore),
    })),
  };
}

export function unpackConfig(packed: PackedConfig): Config {
  const { keystore, bucketstore, regions } = packed;
  return {
    ...packed,
    keystore: {
      store: unpackKeystore(keystore.store),
      environmentKey: keystore.environmentKey && unpackKey(keystore.environmentKey),
    },
    bucketstore: { ...bucketstore, store: unpackStore(bucketstore.store) },
    regions: mapValues(regions, ({ metastore, storageClasses }) => ({
      metastore: unpackStore(metastore),
      storageClasses: mapValues(storageClasses, unpackStore),
    })),
  };
}

function packKeystore(store: KeystoreConfig['store']): PackedConfig['keystore']['store'] {
  return store.use === 'map' ? { use: 'map', keys: store.keys.map(packKey) } : packStore(store);
}

function unpackKeystore(store: PackedConfig['keystore']['store']): KeystoreConfig['store'] {
  return store.use === 'map' ? { use: 'map', keys: store.keys.map(unpackKey) } : unpackStore(store);
}

function packKey(key: AccessKey): PackedKey {
  return { ...key, secret: key.secret.reveal() };
}

function unpackKey(key: PackedKey): AccessKey {
  return { ...key, secret: new Secret(key.secret) };
}

function packStore(store: StoreConfig): PackedStore {
  if (store.use !== 'cassandra') return store;
  const { credentials, ...cassandra } = store.cassandra;
  const packed = credentials && { username: credentials.username, password: credentials.password.reveal() };
  return { use: 'cassandra', cassandra: { ...cassandra, credentials: packed } };
}

function unpackStore(store: PackedStore): StoreConfig {
  if (store.use !== 'cassandra') return store;
  const { credentials, ...cassandra } = store.cassandra;
  const unpacked = credentials && { username: credentials.username, password: new Secret(credentials.password) };
  return { use: 'cassandra', cassandra: { ...cassandra, credentials: unpacked } };
}

function mapValues<Key, From, To>(map: ReadonlyMap<Key, From>, change: (value: From) => To): ReadonlyMap<Key, To> {
  return new Map(Array.from(map, ([key, value]) => [key, change(value)]));
}
