import { availableParallelism } from 'node:os';
import { resolve as absolutePath } from 'node:path';
import type { AccessKey } from '../domain/access-key.ts';
import {
  parseAccessKeyId,
  parseRegionName,
  parseStorageClass,
  parseTenantId,
  type RegionName,
  type StorageClass,
} from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import type { ConfiguredCassandra } from './cassandra-schema.ts';
import {
  type Config,
  type KeystoreConfig,
  type LoggingConfig,
  type ModuleConfig,
  type OptionsConfig,
  type RegionConfig,
  type ServiceConfig,
  type StoreConfig,
  type TlsConfig,
  usesMemory,
} from './config.ts';
import type { EnvironmentKey } from './environment.ts';
import { remarksOn } from './remarks.ts';
import { isCassandraSet, resolveCassandra } from './resolve-cassandra.ts';
import type { Configuration, ConfiguredStore } from './schema.ts';
import { CASSANDRA_KEYS } from './setting-paths.ts';
import { parseStorageClassName } from './storage-class-name.ts';

const DEFAULT_DATA_DIRECTORY = './data';
const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 9000;
const DEFAULT_ADMIN_PORT = 9001;
const DEFAULT_SHUTDOWN_GRACE_MS = 30_000;

/** Whose the key in the environment is; the first key that Pithos makes has the same tenant. */
const DEFAULT_TENANT = parseTenantId('pithos');
const DEFAULT_DISPLAY_NAME = 'pithos';

const DEFAULT_REGION = known(parseRegionName('us-east-1'));
const STANDARD = known(parseStorageClass('STANDARD'));

const KEY = { atKey: true };

/** One mistake, or what is worth a word, at the value that `path` leads to, or at its key. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly atKey?: boolean;
}

/** What is known beside the settings. */
export interface Surroundings {
  /** Whether the file is one of Pithos 0.7. */
  readonly isOriginal: boolean;
  readonly environmentKey: EnvironmentKey | undefined;
  readonly modules: {
    /** The sections of stores that are modules, by dotted path. */
    readonly sections: ReadonlyMap<string, ModuleConfig['section']>;
    directoryOf(path: string): string;
    /** Where a setting stands, for messages. */
    placeOf(path: readonly string[]): string;
  };
}

export interface Resolved {
  readonly config: Config;
  readonly problems: readonly Problem[];
  readonly notes: readonly Problem[];
}

/** Makes a complete configuration of what was set, and checks what no single setting shows. */
export function resolveConfiguration(set: Configuration, surroundings: Surroundings): Resolved {
  const { environmentKey, isOriginal } = surroundings;
  const resolution = new Resolution(set, surroundings);
  const regions = resolution.regions();
  const config: Config = {
    service: resolution.service(),
    logging: loggingOf(set.logging),
    options: optionsOf(set.options, { isOriginal }),
    keystore: {
      store: resolution.keystore(),
      environmentKey: environmentKey && keyOfEnvironment(environmentKey),
      secretVariable: environmentKey?.secretVariable,
    },
    bucketstore: {
      store: resolution.store(set.bucketstore, ['bucketstore']),
      defaultRegion: resolution.defaultRegion(regions),
    },
    regions,
  };
  resolution.checkMemory(config);
  const remarks = remarksOn(config, { isOriginal, isSigV2Set: set.options?.['signature-v2'] !== undefined });
  return {
    config: usesMemory(config) ? { ...config, service: { ...config.service, workers: 1 } } : config,
    problems: [...resolution.problems, ...remarks.problems],
    notes: remarks.notes,
  };
}

function loggingOf(set: Configuration['logging']): LoggingConfig {
  const { level = 'info', format = 'auto', console = true, files = [] } = set ?? {};
  const logFiles = files.map((file) => ({
    path: absolutePath(file.path),
    format: ('format' in file ? file.format : undefined) ?? 'json',
  }));
  return { level, format, console, files: logFiles };
}

function optionsOf(set: Configuration['options'], { isOriginal }: { isOriginal: boolean }): OptionsConfig {
  return {
    serviceUris: set?.['service-uri'] ?? [],
    durability: set?.durability ?? 'strict',
    diskFreeBytesMin: set?.['disk-free-min'],
    staleUploadsAfterMs: set?.['stale-uploads-after'],
    intentGraceMs: set?.['intent-grace'],
    reclaimGraceMs: set?.['reclaim-grace'],
    publicUrls: set?.['public-url'] ?? [],
    trustedProxies: set?.['trusted-proxies'] ?? [],
    signatureV2: set?.['signature-v2'] ?? isOriginal,
    defaultCors: set?.['default-cors'] ?? [],
    objectOwnership: set?.['object-ownership'] ?? 'ObjectWriter',
    buckets: set?.buckets ?? [],
  };
}

function keyOfEnvironment({ accessKeyId, secret }: EnvironmentKey): AccessKey {
  const displayName = DEFAULT_DISPLAY_NAME;
  return { accessKeyId, secret, tenant: DEFAULT_TENANT, displayName, master: false, memberOf: [] };
}

/** One configuration on its way to completeness, and the mistakes found on it. */
class Resolution {
  readonly problems: Problem[] = [];
  readonly #set: Configuration;
  readonly #modules: Surroundings['modules'];

  constructor(set: Configuration, { modules }: Surroundings) {
    this.#set = set;
    this.#modules = modules;
  }

  service(): ServiceConfig {
    const set = this.#set.service;
    const adminPort = set?.['admin-port'] ?? DEFAULT_ADMIN_PORT;
    return {
      host: set?.host ?? DEFAULT_HOST,
      port: set?.port ?? DEFAULT_PORT,
      adminHost: set?.['admin-host'] ?? DEFAULT_HOST,
      adminPort: adminPort === 'off' ? undefined : adminPort,
      workers: set?.workers ?? availableParallelism(),
      shutdownGraceMs: set?.['shutdown-grace'] ?? DEFAULT_SHUTDOWN_GRACE_MS,
      tls: this.#tls(),
    };
  }

  #tls(): TlsConfig | undefined {
    const { cert, key } = this.#set.service?.tls ?? {};
    if (cert === undefined && key === undefined) return undefined;
    const [given, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    if (cert !== undefined && key !== undefined) return { cert: absolutePath(cert), key: absolutePath(key) };
    this.#report(['service', 'tls', given], `needs a ${missing} beside it`, KEY);
    return undefined;
  }

  /** Where a store is that names no engine: where its settings belong, else on Cassandra if that is set up. */
  store(set: ConfiguredStore = {}, path: readonly string[]): StoreConfig {
    const section = this.#set.cassandra ?? {};
    const cassandra = cassandraKeysOf(set);
    const isCassandra = set.path === undefined && isCassandraSet({ ...section, ...cassandra });
    const use = set.use ?? (isCassandra ? 'cassandra' : 'embedded');
    if (use !== 'embedded' && set.path !== undefined) this.#report([...path, 'path'], 'is for use: embedded only');
    if (use !== 'cassandra') {
      for (const key of Object.keys(cassandra)) this.#report([...path, key], 'is for use: cassandra only', KEY);
    }
    switch (use) {
      case 'memory':
        return { use };
      case 'module':
        return { use, module: this.#module(path) };
      case 'embedded':
        return {
          use,
          path: absolutePath(set.path ?? this.#set.options?.['data-directory'] ?? DEFAULT_DATA_DIRECTORY),
        };
      case 'cassandra': {
        const { config, mistakes } = resolveCassandra(cassandra, section);
        for (const { key, message } of mistakes) {
          if (key === undefined) this.#report(path, message);
          else this.#report(key in cassandra ? [...path, key] : ['cassandra', key], message, KEY);
        }
        return { use, cassandra: config };
      }
    }
  }

  #module(path: readonly string[]): ModuleConfig {
    const at = path.join('.');
    const section = this.#modules.sections.get(at) ?? {};
    const { use } = section;
    return {
      name: typeof use === 'string' ? use : '',
      place: this.#modules.placeOf([...path, 'use']),
      directory: this.#modules.directoryOf(at),
      section,
    };
  }

  keystore(): KeystoreConfig['store'] {
    const { keys: given, use, ...set } = this.#set.keystore ?? {};
    if (use !== 'map' && (use !== undefined || given === undefined)) {
      if (given !== undefined) this.#report(['keystore', 'keys'], 'are for use: map only');
      return this.store({ ...set, use }, ['keystore']);
    }
    if (set.path !== undefined) this.#report(['keystore', 'path'], 'is for use: embedded only');
    for (const key of Object.keys(cassandraKeysOf(set))) {
      this.#report(['keystore', key], 'is for use: cassandra only', KEY);
    }
    if (given === undefined) this.#report(['keystore'], 'with use: map needs keys');
    const keys = Object.entries(given ?? {}).flatMap(([id, key]): AccessKey[] => {
      const accessKeyId = parseAccessKeyId(id);
      if (accessKeyId === undefined) return [];
      const displayName = key['display-name'] ?? key.tenant;
      const { tenant, email, policy, master = false, memberof: memberOf = [] } = key;
      return [{ accessKeyId, secret: new Secret(key.secret), tenant, displayName, master, memberOf, email, policy }];
    });
    return { use: 'map', keys };
  }

  regions(): ReadonlyMap<RegionName, RegionConfig> {
    const regions = new Map<RegionName, RegionConfig>();
    const given: NonNullable<Configuration['regions']> = this.#set.regions ?? {};
    const implied: typeof given = { [this.#set.bucketstore?.['default-region'] ?? DEFAULT_REGION]: {} };
    for (const [name, set] of Object.entries(Object.keys(given).length > 0 ? given : implied)) {
      const region = parseRegionName(name);
      if (region === undefined) continue;
      const path = ['regions', name];
      const metastore = this.store(set.metastore, [...path, 'metastore']);
      const storageClasses = this.#storageClasses(set['storage-classes'], [...path, 'storage-classes']);
      regions.set(region, { metastore, storageClasses });
    }
    return regions;
  }

  defaultRegion(regions: ReadonlyMap<RegionName, RegionConfig>): RegionName {
    const [first, ...others] = [...regions.keys()];
    const named = this.#set.bucketstore?.['default-region'];
    if (named !== undefined && !regions.has(named)) {
      this.#report(['bucketstore', 'default-region'], `must be one of the regions: ${[...regions.keys()].join(', ')}`);
    }
    if (named === undefined && others.length > 0) {
      this.#report(['bucketstore'], 'needs a default-region where there are several regions');
    }
    return named ?? first ?? DEFAULT_REGION;
  }

  /** What is in memory is gone after a restart, so what refers to it must be too; and no second process can see it. */
  checkMemory(config: Config): void {
    const { workers } = this.#set.service ?? {};
    if (usesMemory(config) && workers !== undefined && workers > 1) {
      this.#report(['service', 'workers'], 'must be 1 where a store is in memory');
    }
    for (const [name, region] of config.regions) {
      const stores = [region.metastore, ...region.storageClasses.values()];
      if (stores.every((store) => isInMemory(store) === isInMemory(config.bucketstore.store))) continue;
      this.#report(['regions', name], 'must be in memory where the bucketstore is, and cannot be where it is not');
    }
  }

  #storageClasses(set: Readonly<Record<string, ConfiguredStore>> | undefined, path: readonly string[]) {
    const classes = new Map<StorageClass, StoreConfig>();
    for (const [name, store] of Object.entries(set ?? { standard: {} })) {
      const storageClass = parseStorageClassName(name);
      if (storageClass === undefined) continue;
      if (classes.has(storageClass)) this.#report([...path, name], `names ${storageClass} again`, KEY);
      classes.set(storageClass, this.store(store, [...path, name]));
    }
    if (!classes.has(STANDARD)) this.#report(path, 'must have the class standard');
    return classes;
  }

  /** What is wrong in the section `cassandra` is wrong for every store, and told once. */
  #report(path: readonly string[], message: string, place: { atKey?: boolean } = {}): void {
    const isKnown = this.problems.some((each) => each.message === message && each.path.join() === path.join());
    if (!isKnown) this.problems.push({ path, message, ...place });
  }
}

/** The settings of a store that are those of Cassandra. */
function cassandraKeysOf({ use: _use, path: _path, ...settings }: ConfiguredStore): ConfiguredCassandra {
  return Object.fromEntries(
    Object.entries(settings).filter(([key, value]) => CASSANDRA_KEYS.includes(key) && value !== undefined),
  );
}

function isInMemory({ use }: StoreConfig): boolean {
  return use === 'memory';
}

function known<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('A default is not valid.');
  return value;
}
