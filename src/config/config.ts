import type { AccessKey } from '../domain/access-key.ts';
import type { RegionName, StorageClass } from '../domain/names.ts';

/** Everything a server can be told, checked and complete: `load.ts` makes it from file, environment and flags. */
export interface Config {
  readonly service: ServiceConfig;
  readonly logging: LoggingConfig;
  readonly options: OptionsConfig;
  readonly keystore: KeystoreConfig;
  readonly bucketstore: BucketstoreConfig;
  /** At least one; `bucketstore.defaultRegion` is among them. */
  readonly regions: ReadonlyMap<RegionName, RegionConfig>;
}

export interface ServiceConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly adminHost: string;
  /** 0: any free port; `undefined`: no admin listener. */
  readonly adminPort: number | undefined;
  /** How many processes answer requests; 1 where a store lives in memory. */
  readonly workers: number;
  /** How long running requests may go on after the server was told to stop, in milliseconds. */
  readonly shutdownGraceMs: number;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** `auto`: pretty on a terminal, JSON otherwise. */
export type LogFormat = 'auto' | 'pretty' | 'json';

export interface LoggingConfig {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

/** `strict`: a reply means stable storage. `relaxed`: a crash of the machine may take back the last replies. */
export type Durability = 'strict' | 'relaxed';

export interface OptionsConfig {
  /** Host names under which `bucket.name` is virtual-host style. */
  readonly serviceUris: readonly string[];
  readonly durability: Durability;
  /** Writes are refused while less is free on a disk, in bytes; `undefined`: 1 GiB, or 2 % of a small disk. */
  readonly diskFreeBytesMin: number | undefined;
  /** Uploads that are open for longer are aborted, in milliseconds; `undefined`: none is. */
  readonly staleUploadsAfterMs: number | undefined;
  /** How long what an unfinished write left behind is kept, in milliseconds; `undefined`: an hour. */
  readonly intentGraceMs: number | undefined;
  /** How long bytes are kept that nothing refers to any more, in milliseconds; `undefined`: a minute. */
  readonly reclaimGraceMs: number | undefined;
}

/** Where one store keeps its data: `path` is an absolute data directory, which several stores may share. */
export type StoreConfig = { readonly use: 'embedded'; readonly path: string } | { readonly use: 'memory' };

export interface KeystoreConfig {
  /** `map`: the keys of the configuration file and no others. */
  readonly store: StoreConfig | { readonly use: 'map'; readonly keys: readonly AccessKey[] };
  /** A key from the environment that is valid beside those of the store, and is stored nowhere. */
  readonly environmentKey: AccessKey | undefined;
}

export interface BucketstoreConfig {
  readonly store: StoreConfig;
  readonly defaultRegion: RegionName;
}

export interface RegionConfig {
  readonly metastore: StoreConfig;
  /** At least `STANDARD`. */
  readonly storageClasses: ReadonlyMap<StorageClass, StoreConfig>;
}

/** Whether some store lives in the memory of one process, so that no second one can serve it. */
export function usesMemory(config: Config): boolean {
  const stores = [config.keystore.store, config.bucketstore.store];
  for (const region of config.regions.values()) stores.push(region.metastore, ...region.storageClasses.values());
  return stores.some((store) => store.use === 'memory');
}

/** The data directories of all embedded stores, each once, in the order of the configuration. */
export function dataDirectories(config: Config): string[] {
  const stores = [config.keystore.store, config.bucketstore.store];
  for (const region of config.regions.values()) stores.push(region.metastore, ...region.storageClasses.values());
  return [...new Set(stores.flatMap((store) => (store.use === 'embedded' ? [store.path] : [])))];
}
