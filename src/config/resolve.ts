import { availableParallelism } from 'node:os';
import { resolve as absolutePath } from 'node:path';
import type { AccessKey } from '../domain/access-key.ts';
import {
  type AccessKeyId,
  parseAccessKeyId,
  parseRegionName,
  parseStorageClass,
  parseTenantId,
  type RegionName,
  type StorageClass,
} from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import { type Config, type KeystoreConfig, type RegionConfig, type StoreConfig, usesMemory } from './config.ts';
import { type Configuration, type ConfiguredStore, parseStorageClassName } from './schema.ts';

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

interface Credentials {
  readonly accessKeyId: AccessKeyId;
  readonly secret: Secret;
}

interface Mistake {
  readonly path: readonly string[];
  readonly message: string;
  readonly atKey?: boolean;
}

/** Makes a complete configuration of what was set, and checks what no single setting shows. */
export function resolveConfiguration(
  set: Configuration,
  environmentKey: Credentials | undefined,
): { readonly config: Config; readonly problems: readonly Mistake[] } {
  const resolution = new Resolution(set);
  const regions = resolution.regions();
  const config: Config = {
    service: {
      host: set.service?.host ?? DEFAULT_HOST,
      port: set.service?.port ?? DEFAULT_PORT,
      adminHost: set.service?.['admin-host'] ?? DEFAULT_HOST,
      adminPort:
        set.service?.['admin-port'] === 'off' ? undefined : (set.service?.['admin-port'] ?? DEFAULT_ADMIN_PORT),
      workers: set.service?.workers ?? availableParallelism(),
      shutdownGraceMs: set.service?.['shutdown-grace'] ?? DEFAULT_SHUTDOWN_GRACE_MS,
    },
    logging: { level: set.logging?.level ?? 'info', format: set.logging?.format ?? 'auto' },
    options: {
      serviceUris: set.options?.['service-uri'] ?? [],
      durability: set.options?.durability ?? 'strict',
      diskFreeBytesMin: set.options?.['disk-free-min'],
      staleUploadsAfterMs: set.options?.['stale-uploads-after'],
      intentGraceMs: set.options?.['intent-grace'],
      reclaimGraceMs: set.options?.['reclaim-grace'],
    },
    keystore: { store: resolution.keystore(), environmentKey: environmentKey && keyOfEnvironment(environmentKey) },
    bucketstore: {
      store: resolution.store(set.bucketstore, ['bucketstore']),
      defaultRegion: resolution.defaultRegion(regions),
    },
    regions,
  };
  resolution.checkMemory(config);
  return {
    config: usesMemory(config) ? { ...config, service: { ...config.service, workers: 1 } } : config,
    problems: resolution.problems,
  };
}

function keyOfEnvironment({ accessKeyId, secret }: Credentials): AccessKey {
  const displayName = DEFAULT_DISPLAY_NAME;
  return { accessKeyId, secret, tenant: DEFAULT_TENANT, displayName, master: false, memberOf: [] };
}

/** One configuration on its way to completeness, and the mistakes found on it. */
class Resolution {
  readonly problems: Mistake[] = [];
  readonly #set: Configuration;

  constructor(set: Configuration) {
    this.#set = set;
  }

  store(set: ConfiguredStore | undefined, path: readonly string[]): StoreConfig {
    if (set?.use !== 'memory') {
      return {
        use: 'embedded',
        path: absolutePath(set?.path ?? this.#set.options?.['data-directory'] ?? DEFAULT_DATA_DIRECTORY),
      };
    }
    if (set.path !== undefined) this.#report([...path, 'path'], 'is for use: embedded only');
    return { use: 'memory' };
  }

  keystore(): KeystoreConfig['store'] {
    const set = this.#set.keystore;
    const use = set?.use ?? (set?.keys === undefined ? 'embedded' : 'map');
    if (use !== 'map') {
      if (set?.keys !== undefined) this.#report(['keystore', 'keys'], 'are for use: map only');
      return this.store({ use, path: set?.path }, ['keystore']);
    }
    if (set?.path !== undefined) this.#report(['keystore', 'path'], 'is for use: embedded only');
    if (set?.keys === undefined) this.#report(['keystore'], 'with use: map needs keys');
    const keys = Object.entries(set?.keys ?? {}).flatMap(([id, key]): AccessKey[] => {
      const accessKeyId = parseAccessKeyId(id);
      if (accessKeyId === undefined) return [];
      const displayName = key['display-name'] ?? key.tenant;
      const { tenant, master = false, memberof: memberOf = [] } = key;
      return [{ accessKeyId, secret: new Secret(key.secret), tenant, displayName, master, memberOf }];
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
      for (const store of [region.metastore, ...region.storageClasses.values()]) {
        if (store.use === config.bucketstore.store.use) continue;
        this.#report(['regions', name], 'must be in memory where the bucketstore is, and embedded where that is');
        break;
      }
    }
  }

  #storageClasses(set: Readonly<Record<string, ConfiguredStore>> | undefined, path: readonly string[]) {
    const classes = new Map<StorageClass, StoreConfig>();
    for (const [name, store] of Object.entries(set ?? { standard: {} })) {
      const storageClass = parseStorageClassName(name);
      if (storageClass === undefined) continue;
      if (classes.has(storageClass)) this.#report([...path, name], `names ${storageClass} again`, { atKey: true });
      classes.set(storageClass, this.store(store, [...path, name]));
    }
    if (!classes.has(STANDARD)) this.#report(path, 'must have the class standard');
    return classes;
  }

  #report(path: readonly string[], message: string, place: { atKey?: boolean } = {}): void {
    this.problems.push({ path, message, ...place });
  }
}

function known<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('A default is not valid.');
  return value;
}
