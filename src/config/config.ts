import type { AccessKey } from '../domain/access-key.ts';
import type { ObjectOwnership } from '../domain/bucket.ts';
import type { CorsRule } from '../domain/cors.ts';
import type { BucketName, RegionName, StorageClass } from '../domain/names.ts';
import type { CassandraConfig } from './cassandra-config.ts';
import type { Tree } from './tree.ts';

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
  /** `undefined`: S3 is answered without TLS. */
  readonly tls: TlsConfig | undefined;
}

/** Absolute paths of PEM files, which are read again when they change. */
export interface TlsConfig {
  /** The certificate, and those between it and the authority. */
  readonly cert: string;
  readonly key: string;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** `auto`: pretty on a terminal, JSON otherwise. */
export type LogFormat = 'auto' | 'pretty' | 'json';

export interface LoggingConfig {
  readonly level: LogLevel;
  /** Of what goes to standard output. */
  readonly format: LogFormat;
  /** Whether anything goes there. */
  readonly console: boolean;
  readonly files: readonly LogFile[];
}

/** A file that the log is written to as well; lines are added at its end. */
export interface LogFile {
  /** Absolute. */
  readonly path: string;
  readonly format: Exclude<LogFormat, 'auto'>;
}

/** `strict`: a reply means stable storage. `relaxed`: a crash of the machine may take back the last replies. */
export type Durability = 'strict' | 'relaxed';

export interface OptionsConfig {
  /** Host names under which `bucket.name` is virtual-host style. */
  readonly serviceUris: readonly string[];
  /** URLs that clients use, where a proxy changes the host. */
  readonly publicUrls: readonly string[];
  /** Addresses and ranges of proxies whose word counts. */
  readonly trustedProxies: readonly string[];
  /** Whether signature version 2 is accepted. */
  readonly signatureV2: boolean;
  readonly durability: Durability;
  /** Writes are refused while less is free on a disk, in bytes; `undefined`: 1 GiB, or 2 % of a small disk. */
  readonly diskFreeBytesMin: number | undefined;
  /** Uploads that are open for longer are aborted, in milliseconds; `undefined`: none is. */
  readonly staleUploadsAfterMs: number | undefined;
  /** How long what an unfinished write left behind is kept, in milliseconds; `undefined`: an hour. */
  readonly intentGraceMs: number | undefined;
  /** How long bytes are kept that nothing refers to any more, in milliseconds; `undefined`: a minute. */
  readonly reclaimGraceMs: number | undefined;
  /** Rules that hold for every bucket, after its own. */
  readonly defaultCors: readonly CorsRule[];
  /** What a new bucket has whose CreateBucket names none. */
  readonly objectOwnership: ObjectOwnership;
  /** Buckets that a start makes where they are missing. */
  readonly buckets: readonly ConfiguredBucket[];
}

/** The canned ACLs that a configured bucket may have. */
export const BUCKET_ACLS = ['private', 'public-read', 'public-read-write', 'authenticated-read'] as const;

export interface ConfiguredBucket {
  readonly name: BucketName;
  readonly acl: (typeof BUCKET_ACLS)[number];
}

/** Where one store keeps its data: `path` is an absolute data directory, which several stores may share. */
export type StoreConfig =
  | { readonly use: 'embedded'; readonly path: string }
  | { readonly use: 'memory' }
  | { readonly use: 'module'; readonly module: ModuleConfig }
  | { readonly use: 'cassandra'; readonly cassandra: CassandraConfig };

/** A store that somebody else wrote: the default export of a module makes it of its section. */
export interface ModuleConfig {
  /** As it was named, for messages. */
  readonly name: string;
  /** Where it was named, for messages: a flag, a variable, or file, line, column and setting. */
  readonly place: string;
  /** Where a path or a package is looked for: the directory of the file that names it; absolute. */
  readonly directory: string;
  /** The section as it stands, every scalar a text. */
  readonly section: { readonly [key: string]: Tree };
}

export interface KeystoreConfig {
  /** `map`: the keys of the configuration file and no others. */
  readonly store: StoreConfig | { readonly use: 'map'; readonly keys: readonly AccessKey[] };
  /** A key from the environment that is valid beside those of the store, and is stored nowhere. */
  readonly environmentKey: AccessKey | undefined;
  /** The variable that has the secret of that key. */
  readonly secretVariable?: string | undefined;
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
  return storeConfigs(config).some((store) => store.use === 'memory');
}

/** Whether some store is on a cluster. */
export function usesCassandra(config: Config): boolean {
  return storeConfigs(config).some((store) => store.use === 'cassandra');
}

/** The data directories of all embedded stores, each once, in the order of the configuration. */
export function dataDirectories(config: Config): string[] {
  return [...new Set(storeConfigs(config).flatMap((store) => (store.use === 'embedded' ? [store.path] : [])))];
}

/** Whether some store was told to give up the promises. */
export function isEventual(config: Config): boolean {
  return storeConfigs(config).some((store) => store.use === 'cassandra' && store.cassandra.eventual);
}

function storeConfigs(config: Config): (StoreConfig | KeystoreConfig['store'])[] {
  const stores = [config.keystore.store, config.bucketstore.store];
  for (const region of config.regions.values()) stores.push(region.metastore, ...region.storageClasses.values());
  return stores;
}
