import { randomBytes } from 'node:crypto';
import type { CassandraConfig } from './config/cassandra-config.ts';
import type { Config, KeystoreConfig, StoreConfig } from './config/config.ts';
import { parseBlobId, parseBucketId, type RegionName, type StorageClass } from './domain/names.ts';
import { emptyStores } from './empty-stores.ts';
import { KeystoreBesideKey } from './environment-key.ts';
import { keyspaceChoice, originalChoices } from './keyspace-choice.ts';
import {
  openModuleBlobstore,
  openModuleBucketstore,
  openModuleKeystore,
  openModuleMetastore,
} from './module-stores.ts';
import type { OriginalSource } from './moving/original-source.ts';
import type { Metrics } from './observe/metrics.ts';
import { NO_METRICS } from './observe/silence.ts';
import type { Clock, IdSource } from './operations/operation.ts';
import { RecentKeys } from './recent-keys.ts';
import type { Blobstore } from './stores/blobstore.ts';
import type { Bucketstore } from './stores/bucketstore.ts';
import type { Finding } from './stores/cassandra/doctor.ts';
import type { InstallReport } from './stores/cassandra/install-schema.ts';
import type { KeyspaceChoice, Keyspaces, OpenKeyspace } from './stores/cassandra/keyspaces.ts';
import type { StoreKind } from './stores/cassandra/migrations.ts';
import type { EmbeddedDatabase } from './stores/embedded/database.ts';
import type { Keystore, ManagedKeystore } from './stores/keystore.ts';
import type { Metastore } from './stores/metastore.ts';
import type { CallOptions, Store, StoreError } from './stores/store.ts';
import type { RegionStores, Stores } from './stores/stores.ts';

/** What of a configuration says which stores there are. */
export interface StoresConfig extends Pick<Config, 'keystore' | 'bucketstore' | 'regions'> {
  readonly options: Pick<Config['options'], 'durability' | 'diskFreeBytesMin'>;
}

/** The stores of one process, opened; disposing of them closes them all. */
export interface OpenStores extends Stores, AsyncDisposable {
  /** Each store under the name it has in the configuration, such as `metastore of us-east-1`. */
  readonly list: readonly NamedStore[];
  /** The keystore where its keys can be changed; `undefined` where they stand in the configuration. */
  readonly managedKeys: ManagedKeystore | undefined;
  /** Resolves when a write to stable storage failed: the process must end without another write. */
  readonly failed: Promise<StoreError>;
  /** Removes every bucket and all that is in it. Not for use while requests run. */
  reset(options: CallOptions): Promise<void>;
}

export interface NamedStore {
  readonly name: string;
  readonly store: Store;
}

/** The time and the ids of this process. */
export const systemClock: Clock = { nowMs: () => Date.now() };
export const randomIds: IdSource = {
  bucketId: () => parseBucketId(randomBytes(16).toString('hex')),
  blobId: () => parseBlobId(randomBytes(16).toString('hex')),
};

/** Where stores report what no caller is told. */
export interface StoreHooks {
  readonly metrics: Pick<Metrics, 'cassandraRequestEnded' | 'chunkCorrupted'>;
  /** Work after a reply failed; it will be done again. */
  onBackgroundError(error: unknown, store: string): void;
}

/**
 * Opens every store that the configuration names; the only place that knows engines. Stores in one data directory
 * share its database, and stores on one cluster their sessions. An engine's code is loaded when the first store asks
 * for it.
 */
export async function openStores(config: StoresConfig, hooks: StoreHooks = NO_HOOKS): Promise<OpenStores> {
  const opener = new StoreOpener(config.options, hooks);
  try {
    const { keys, managed } = await opener.openKeystore(config.keystore);
    const buckets = await opener.openBucketstore(config.bucketstore.store);
    const regions = new Map<RegionName, RegionStores>();
    for (const [name, region] of config.regions) {
      const meta = await opener.openMetastore(region.metastore, name);
      const blobs = new Map<StorageClass, Blobstore>();
      for (const [storageClass, blobstore] of region.storageClasses) {
        blobs.set(storageClass, await opener.openBlobstore(blobstore, name, storageClass));
      }
      regions.set(name, { name, meta, blobs });
    }
    const stores = { keys, buckets, defaultRegion: config.bucketstore.defaultRegion, regions };
    return {
      ...stores,
      list: opener.opened,
      managedKeys: managed,
      failed: opener.failed,
      reset: (options) => opener.reset(stores, options),
      [Symbol.asyncDispose]: () => opener.close(),
    };
  } catch (error) {
    await opener.close();
    throw error;
  }
}

/** A keystore whose keys can be changed, alone; disposing of it closes it. */
export interface OpenKeys extends AsyncDisposable {
  readonly keys: ManagedKeystore;
}

/** Opens the keystore without the other stores. Throws a `TypeError` where its keys cannot be changed. */
export async function openManagedKeys(config: StoresConfig): Promise<OpenKeys> {
  const opener = new StoreOpener(config.options, NO_HOOKS);
  try {
    const { managed } = await opener.openKeystore(config.keystore);
    if (managed === undefined) throw new TypeError('The keys of this keystore cannot be changed.');
    return { keys: managed, [Symbol.asyncDispose]: () => opener.close() };
  } catch (error) {
    await opener.close();
    throw error;
  }
}

/**
 * Makes the keyspaces and tables of all stores on Cassandra, as far as they are missing; nothing where there is none.
 * May be run again. Throws `StoreError`.
 */
export async function* installSchemas(config: StoresConfig): AsyncGenerator<InstallReport> {
  const stores = cassandraStores(config);
  if (stores.length === 0) return;
  const { installSchemas: install } = await import('./stores/cassandra/keyspaces.ts');
  yield* install(stores);
}

/** What is to be said of every keyspace that the configuration names; nothing where no store is on Cassandra. */
export async function* examineKeyspaces(
  config: StoresConfig,
  options: CallOptions,
): AsyncGenerator<{ readonly keyspace: string; readonly findings: readonly Finding[] }> {
  const stores = cassandraStores(config);
  if (stores.length === 0) return;
  const { examineKeyspaces: examine } = await import('./stores/cassandra/keyspaces.ts');
  yield* examine(stores, options);
}

function cassandraStores({ keystore, bucketstore, regions }: StoresConfig) {
  const stores: { choice: KeyspaceChoice; kind: StoreKind }[] = [];
  const add = (store: KeystoreConfig['store'], kind: StoreKind) => {
    if (store.use === 'cassandra') stores.push({ choice: keyspaceChoice(store.cassandra), kind });
  };
  add(keystore.store, 'keystore');
  add(bucketstore.store, 'bucketstore');
  for (const { metastore, storageClasses } of regions.values()) {
    add(metastore, 'metastore');
    for (const store of storageClasses.values()) add(store, 'blobstore');
  }
  return stores;
}

/**
 * Connects to the keyspaces in which a Pithos 0.7 with this configuration kept its buckets and objects, for reading
 * alone. Throws `StoreError`; a `TypeError` where a store is on no cluster.
 */
export async function openOriginal(config: StoresConfig): Promise<OriginalSource & AsyncDisposable> {
  const { openOriginalKeyspaces } = await import('./stores/cassandra/original-keyspaces.ts');
  return await openOriginalKeyspaces(originalChoices(config));
}

/**
 * Checks data directories in which a write has failed, and makes them whole, before any process opens them. Costs
 * nothing where none did. Throws `StoreError`.
 */
export async function recoverDirectories(directories: readonly string[]): Promise<void> {
  if (directories.length === 0) return;
  const { recoverDatabase } = await import('./stores/embedded/recovery.ts');
  for (const directory of directories) await recoverDatabase({ directory });
}

/** What copies a data directory and brings it back; the engine's code is loaded when this is called. */
export async function loadBackups() {
  const { prepareTarget, requireCompletion } = await import('./stores/embedded/backup-target.ts');
  const { takeBackup } = await import('./stores/embedded/backup.ts');
  const { restoreBackup } = await import('./stores/embedded/restore.ts');
  return { prepareTarget, requireCompletion, takeBackup, restoreBackup };
}

const NO_HOOKS: StoreHooks = { metrics: NO_METRICS, onBackgroundError: () => undefined };

class StoreOpener {
  readonly opened: NamedStore[] = [];
  readonly failed: Promise<StoreError>;
  readonly #options: StoresConfig['options'];
  readonly #hooks: StoreHooks;
  readonly #onFatal: (error: StoreError) => void;
  readonly #resets: (() => void)[] = [];
  readonly #databases = new Map<string, Promise<EmbeddedDatabase>>();
  #keyspaces: Keyspaces | undefined;

  constructor(options: StoresConfig['options'], hooks: StoreHooks) {
    const { promise, resolve } = Promise.withResolvers<StoreError>();
    this.#options = options;
    this.#hooks = hooks;
    this.failed = promise;
    this.#onFatal = resolve;
  }

  /** The keystore, with the environment's key beside it, and what can change its keys. */
  async openKeystore({ store, environmentKey }: KeystoreConfig) {
    let managed: ManagedKeystore | undefined;
    let keys: Keystore;
    if (store.use === 'map') {
      const { MemoryKeystore } = await import('./stores/memory/keystore.ts');
      keys = new MemoryKeystore(store.keys, `map: access keys of the configuration, ${store.keys.length} in all`);
    } else if (store.use === 'module') {
      const opened = await openModuleKeystore(store.module);
      managed = opened.managed;
      keys = new RecentKeys(opened.keys, { monotonicMs: () => performance.now() });
    } else {
      managed = await this.#openManagedKeystore(store);
      const monotonicMs = () => performance.now();
      keys = store.use === 'cassandra' ? new RecentKeys(managed, { monotonicMs }) : managed;
    }
    this.#opened('keystore', keys);
    return { keys: environmentKey === undefined ? keys : new KeystoreBesideKey(keys, environmentKey), managed };
  }

  async openBucketstore(config: StoreConfig): Promise<Bucketstore> {
    const name = 'bucketstore';
    switch (config.use) {
      case 'module':
        return this.#opened(name, await openModuleBucketstore(config.module));
      case 'memory': {
        const { MemoryBucketstore } = await import('./stores/memory/bucketstore.ts');
        return this.#openedInMemory(name, new MemoryBucketstore());
      }
      case 'embedded': {
        const { EmbeddedBucketstore } = await import('./stores/embedded/bucketstore.ts');
        return this.#opened(name, new EmbeddedBucketstore(await this.#openDatabase(config.path)));
      }
      case 'cassandra': {
        const { CassandraBucketstore } = await import('./stores/cassandra/bucketstore.ts');
        const keyspace = await this.#openKeyspace(config.cassandra, 'bucketstore');
        return this.#opened(name, new CassandraBucketstore(this.#onKeyspace(keyspace, name)));
      }
    }
  }

  async openMetastore(config: StoreConfig, region: RegionName): Promise<Metastore> {
    const name = `metastore of ${region}`;
    switch (config.use) {
      case 'module':
        return this.#opened(name, await openModuleMetastore(config.module));
      case 'memory': {
        const { MemoryMetastore } = await import('./stores/memory/metastore.ts');
        return this.#openedInMemory(name, new MemoryMetastore(systemClock));
      }
      case 'embedded': {
        const { EmbeddedMetastore } = await import('./stores/embedded/metastore.ts');
        const database = await this.#openDatabase(config.path);
        return this.#opened(name, new EmbeddedMetastore(database, { name: region, ...systemClock }));
      }
      case 'cassandra': {
        const { CassandraMetastore } = await import('./stores/cassandra/metastore.ts');
        const keyspace = await this.#openKeyspace(config.cassandra, 'metastore');
        return this.#opened(name, new CassandraMetastore({ ...this.#onKeyspace(keyspace, name), store: region }));
      }
    }
  }

  async openBlobstore(config: StoreConfig, region: RegionName, storageClass: StorageClass): Promise<Blobstore> {
    const name = `blobstore of ${region} for ${storageClass}`;
    switch (config.use) {
      case 'module':
        return this.#opened(name, await openModuleBlobstore(config.module));
      case 'memory': {
        const { MemoryBlobstore } = await import('./stores/memory/blobstore.ts');
        return this.#openedInMemory(name, new MemoryBlobstore());
      }
      case 'embedded': {
        const { openEmbeddedBlobstore } = await import('./stores/embedded/blobstore.ts');
        const { blobsDirectory } = await import('./stores/embedded/blob-places.ts');
        const directory = blobsDirectory(config.path, { region, storageClass });
        return this.#opened(name, await openEmbeddedBlobstore({ directory, ...this.#engineOptions() }));
      }
      case 'cassandra': {
        const { CassandraBlobstore } = await import('./stores/cassandra/blobstore.ts');
        const keyspace = await this.#openKeyspace(config.cassandra, 'blobstore');
        const store = `${region}/${storageClass}`;
        const { chunkReads } = keyspace;
        const onCorruptChunk = () => this.#hooks.metrics.chunkCorrupted(store);
        const blobs = new CassandraBlobstore({
          ...this.#onKeyspace(keyspace, name),
          chunkReads,
          store,
          onCorruptChunk,
        });
        return this.#opened(name, blobs);
      }
    }
  }

  /** Memory forgets everything at once; what is stored elsewhere goes version by version. */
  async reset(stores: Stores, options: CallOptions): Promise<void> {
    if (this.#resets.length < this.opened.length) await emptyStores(stores, options);
    for (const reset of this.#resets) reset();
  }

  /** Closes the stores, the last one first, and then the databases and sessions below them. */
  async close(): Promise<void> {
    for (const { store } of this.opened.toReversed()) await store[Symbol.asyncDispose]();
    for (const database of this.#databases.values()) await (await database)[Symbol.asyncDispose]();
    await this.#keyspaces?.[Symbol.asyncDispose]();
  }

  async #openManagedKeystore(config: Exclude<StoreConfig, { use: 'module' }>): Promise<ManagedKeystore> {
    switch (config.use) {
      case 'memory': {
        const { MemoryKeystore } = await import('./stores/memory/keystore.ts');
        return new MemoryKeystore([]);
      }
      case 'embedded': {
        const { EmbeddedKeystore } = await import('./stores/embedded/keystore.ts');
        return new EmbeddedKeystore(await this.#openDatabase(config.path));
      }
      case 'cassandra': {
        const { CassandraKeystore } = await import('./stores/cassandra/keystore.ts');
        const keyspace = await this.#openKeyspace(config.cassandra, 'keystore');
        return new CassandraKeystore(this.#onKeyspace(keyspace, 'keystore'));
      }
    }
  }

  async #openKeyspace(config: CassandraConfig, kind: StoreKind): Promise<OpenKeyspace> {
    const { Keyspaces } = await import('./stores/cassandra/keyspaces.ts');
    this.#keyspaces ??= new Keyspaces({ onRequest: (request) => this.#hooks.metrics.cassandraRequestEnded(request) });
    return await this.#keyspaces.open(keyspaceChoice(config), kind);
  }

  /** What every store on a keyspace is made with. */
  #onKeyspace({ cells, description, offsetMs }: OpenKeyspace, store: string) {
    const onBackgroundError = (error: unknown) => this.#hooks.onBackgroundError(error, store);
    return { cells, description, offsetMs, onBackgroundError, ...systemClock };
  }

  async #openDatabase(directory: string): Promise<EmbeddedDatabase> {
    const opening = this.#databases.get(directory) ?? this.#startDatabase(directory);
    this.#databases.set(directory, opening);
    return await opening;
  }

  async #startDatabase(directory: string): Promise<EmbeddedDatabase> {
    const { openDatabase } = await import('./stores/embedded/database.ts');
    return await openDatabase({ directory, ...this.#engineOptions() });
  }

  #engineOptions() {
    const { durability, diskFreeBytesMin } = this.#options;
    const watermark = diskFreeBytesMin === undefined ? {} : { diskFreeBytesMin };
    return { durability, ...watermark, onFatal: this.#onFatal };
  }

  #openedInMemory<S extends Store & { reset(): void }>(name: string, store: S): S {
    this.#resets.push(() => store.reset());
    return this.#opened(name, store);
  }

  #opened<S extends Store>(name: string, store: S): S {
    this.opened.push({ name, store });
    return store;
  }
}
