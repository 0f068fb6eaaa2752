import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Config, KeystoreConfig, StoreConfig } from './config/config.ts';
import { parseBlobId, parseBucketId, type RegionName, type StorageClass } from './domain/names.ts';
import { emptyStores } from './empty-stores.ts';
import { KeystoreBesideKey } from './environment-key.ts';
import { createS3Server, type S3Server, type S3ServerOptions } from './http/s3-server.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import type { Clock, IdSource } from './operations/operation.ts';
import type { Blobstore } from './stores/blobstore.ts';
import type { Bucketstore } from './stores/bucketstore.ts';
import type { EmbeddedDatabase } from './stores/embedded/database.ts';
import type { Keystore, ManagedKeystore } from './stores/keystore.ts';
import type { Metastore } from './stores/metastore.ts';
import type { ReadPins } from './stores/read-pins.ts';
import type { CallOptions, Store, StoreError } from './stores/store.ts';
import type { RegionStores, Stores } from './stores/stores.ts';

/** Where the blobs of a data directory lie, each region and storage class in a directory of its own. */
const BLOBS_DIRECTORY = 'blobs';

/** What of a configuration says which stores there are. */
export type StoresConfig = Pick<Config, 'keystore' | 'bucketstore' | 'regions' | 'options'>;

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

/**
 * Opens every store that the configuration names; the only place that knows engines. Stores in one data directory
 * share its database. An engine's code is loaded when the first store asks for it.
 */
export async function openStores(config: StoresConfig): Promise<OpenStores> {
  const opener = new StoreOpener(config.options);
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
  const opener = new StoreOpener(config.options);
  const { managed } = await opener.openKeystore(config.keystore);
  if (managed === undefined) throw new TypeError('The keys of this keystore cannot be changed.');
  return { keys: managed, [Symbol.asyncDispose]: () => opener.close() };
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

export interface ServerParts {
  readonly stores: Stores;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly virtualHosts: readonly string[];
  readonly readPins: ReadPins;
  readonly health?: NonNullable<S3ServerOptions['health']>;
}

/** The S3 endpoint over the stores, with this process' clock and ids. */
export function createServer(parts: ServerParts): S3Server {
  return createS3Server({ ...parts, clock: systemClock, ids: randomIds });
}

class StoreOpener {
  readonly opened: NamedStore[] = [];
  readonly failed: Promise<StoreError>;
  readonly #options: Config['options'];
  readonly #onFatal: (error: StoreError) => void;
  readonly #resets: (() => void)[] = [];
  readonly #databases = new Map<string, Promise<EmbeddedDatabase>>();

  constructor(options: Config['options']) {
    const { promise, resolve } = Promise.withResolvers<StoreError>();
    this.#options = options;
    this.failed = promise;
    this.#onFatal = resolve;
  }

  /** The keystore, with the environment's key beside it, and what can change its keys. */
  async openKeystore({ store, environmentKey }: KeystoreConfig) {
    let managed: ManagedKeystore | undefined;
    let keys: Keystore;
    if (store.use === 'map') {
      const { MemoryKeystore } = await import('./stores/memory/keystore.ts');
      keys = new MemoryKeystore(store.keys);
    } else {
      managed = await this.#openManagedKeystore(store);
      keys = managed;
    }
    this.#opened('keystore', keys);
    return { keys: environmentKey === undefined ? keys : new KeystoreBesideKey(keys, environmentKey), managed };
  }

  async openBucketstore(config: StoreConfig): Promise<Bucketstore> {
    if (config.use === 'memory') {
      const { MemoryBucketstore } = await import('./stores/memory/bucketstore.ts');
      return this.#openedInMemory('bucketstore', new MemoryBucketstore());
    }
    const { EmbeddedBucketstore } = await import('./stores/embedded/bucketstore.ts');
    return this.#opened('bucketstore', new EmbeddedBucketstore(await this.#openDatabase(config.path)));
  }

  async openMetastore(config: StoreConfig, region: RegionName): Promise<Metastore> {
    const name = `metastore of ${region}`;
    if (config.use === 'memory') {
      const { MemoryMetastore } = await import('./stores/memory/metastore.ts');
      return this.#openedInMemory(name, new MemoryMetastore(systemClock));
    }
    const { EmbeddedMetastore } = await import('./stores/embedded/metastore.ts');
    return this.#opened(
      name,
      new EmbeddedMetastore(await this.#openDatabase(config.path), { name: region, ...systemClock }),
    );
  }

  async openBlobstore(config: StoreConfig, region: RegionName, storageClass: StorageClass): Promise<Blobstore> {
    const name = `blobstore of ${region} for ${storageClass}`;
    if (config.use === 'memory') {
      const { MemoryBlobstore } = await import('./stores/memory/blobstore.ts');
      return this.#openedInMemory(name, new MemoryBlobstore());
    }
    const { openEmbeddedBlobstore } = await import('./stores/embedded/blobstore.ts');
    const directory = join(config.path, BLOBS_DIRECTORY, region, storageClass);
    return this.#opened(name, await openEmbeddedBlobstore({ directory, ...this.#engineOptions() }));
  }

  /** Memory forgets everything at once; what is on disk goes version by version. */
  async reset(stores: Stores, options: CallOptions): Promise<void> {
    if (this.#databases.size > 0) await emptyStores(stores, options);
    for (const reset of this.#resets) reset();
  }

  /** Closes the stores, the last one first, and then the databases below them. */
  async close(): Promise<void> {
    for (const { store } of this.opened.toReversed()) await store[Symbol.asyncDispose]();
    for (const database of this.#databases.values()) await (await database)[Symbol.asyncDispose]();
  }

  async #openManagedKeystore(config: StoreConfig): Promise<ManagedKeystore> {
    if (config.use === 'memory') {
      const { MemoryKeystore } = await import('./stores/memory/keystore.ts');
      return new MemoryKeystore([]);
    }
    const { EmbeddedKeystore } = await import('./stores/embedded/keystore.ts');
    return new EmbeddedKeystore(await this.#openDatabase(config.path));
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
