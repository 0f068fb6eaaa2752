import './node-20.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureAccessKeys, FIRST_OWNER, makeAccessKey } from './access-keys.ts';
import { Cleanup } from './cleanup.ts';
import type { CassandraOptions } from './config/cassandra-options.ts';
import { dataDirectories, type StoreConfig } from './config/config.ts';
import { createServer } from './create-server.ts';
import { lockDataDirectory, prepareDataDirectory } from './data-directory.ts';
import type { AccessKey } from './domain/access-key.ts';
import type { Bucket } from './domain/bucket.ts';
import { parseAccessKeyId, parseBucketName, parseRegionName, parseStorageClass } from './domain/names.ts';
import { Secret } from './domain/secret.ts';
import { jobGraces } from './job-graces.ts';
import { startReadPins } from './jobs/read-pins.ts';
import { startJobs } from './jobs/start-jobs.ts';
import type { Log, LogLevel } from './observe/log.ts';
import { NO_LOG, NO_METRICS } from './observe/silence.ts';
import {
  installSchemas,
  type OpenStores,
  openStores,
  randomIds,
  recoverDirectories,
  type StoresConfig,
  systemClock,
} from './server.ts';
import { readSettings, type ServerSettings, type StartSettings } from './start-settings.ts';
import { storeHooks } from './store-hooks.ts';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_REGION = 'us-east-1';
const STANDARD = 'STANDARD';
/** How long requests that still run may go on when the server is closed, in milliseconds. */
const CLOSE_GRACE_MS = 1_000;

export interface StartServerOptions {
  /**
   * `memory`, which is the default: nothing survives the process. `temporary`: on disk, removed by `close`. A directory
   * is kept, with its keys, and may be one that `pithos serve` made. A cluster may have other servers beside this one.
   */
  readonly store?:
    | 'memory'
    | 'temporary'
    | { readonly directory: string }
    | { readonly cassandra: ClusterStore }
    | undefined;
  /** 0, any free port, unless given. */
  readonly port?: number | undefined;
  /** 127.0.0.1 unless given. */
  readonly host?: string | undefined;
  /** `us-east-1` unless given. */
  readonly region?: string | undefined;
  /** Given together; otherwise a fresh key, or the one that the directory has. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  /**
   * Everything else that the configuration file has, in its names, such as `{ options: { buckets: ['photos'] } }`. May
   * name the stores, instead of `store`, and gives way to what stands beside it here.
   */
  readonly settings?: ServerSettings | undefined;
  /** What is written to standard output; nothing unless given. */
  readonly log?: LogLevel | undefined;
}

export interface ClusterStore extends CassandraOptions {
  /** Makes the keyspace and the tables first, as `pithos install-schema` does; otherwise they must be there. */
  readonly installSchema?: boolean | undefined;
}

/** A running server; disposing of it closes it. */
export interface RunningServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:49321`. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** What `new S3Client(…)` of the AWS SDK takes. */
  clientConfig(): ClientConfig;
  /** Makes a bucket, without versioning. Rejects with a `TypeError` for a name that S3 forbids or that is taken. */
  createBucket(name: string): Promise<void>;
  /** Removes every bucket and all that is in it. Call it while no request runs. */
  reset(): Promise<void>;
  /** Stops the server and, where it is temporary, removes its data. Calling it again waits for the same end. */
  close(): Promise<void>;
}

export interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly forcePathStyle: true;
}

/**
 * Starts an S3 server inside this process, for tests and for programs that bring their own storage. It accepts requests
 * when the promise resolves. Rejects with a `TypeError` for bad options, and where the port or the directory is in use.
 */
export async function startServer(options: StartServerOptions = {}): Promise<RunningServer> {
  const { log: level = 'silent' } = options;
  const given = parseKey(options);
  const settings = options.settings && (await readSettings(options.settings));
  const { host = settings?.host ?? DEFAULT_HOST, port = settings?.port ?? 0 } = options;
  const cleanup = new Cleanup();
  try {
    const log = await openLog(level);
    const config = await prepareStores(options, { settings, key: given, cleanup });
    if (typeof options.store === 'object' && 'cassandra' in options.store && options.store.cassandra.installSchema) {
      for await (const { keyspace } of installSchemas(config)) log.info({ keyspace }, 'the schema is installed');
    }
    const stores = cleanup.use(await openStores(config, storeHooks({ log, metrics: NO_METRICS })));
    const key = given ?? configuredKey(config) ?? (await firstKey(stores));
    if (settings !== undefined) await makeConfiguredBuckets(stores, { settings, key, log });
    const onError = (error: unknown, job: string) =>
      log.error({ err: error, job }, 'a job failed and will be repeated');
    cleanup.use(startJobs(stores, { ...systemClock, ...(settings && jobGraces(settings.config.options)), onError }));
    const readPins = cleanup.use(startReadPins({ ...systemClock, onError }));
    const { front = {}, tls } = settings ?? {};
    const server = createServer({ stores, log, metrics: NO_METRICS, readPins, settings: front, tls });
    const { port: listeningPort } = await server.listen({ host, port });
    cleanup.add(() => server.drain({ graceMs: CLOSE_GRACE_MS }));
    const region: string = stores.defaultRegion;
    const endpoint = `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${listeningPort}`;
    const accessKeyId: string = key.accessKeyId;
    const secretAccessKey = key.secret.reveal();
    const close = () => cleanup.run();
    return {
      endpoint,
      region,
      accessKeyId,
      secretAccessKey,
      clientConfig: () => ({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true }),
      createBucket: (name) => createBucket(stores, name, key),
      reset: () => stores.reset({ signal: new AbortController().signal }),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

/** The logger is loaded only where something is logged: a server in a test should be up at once. */
async function openLog(level: LogLevel): Promise<Log> {
  if (level === 'silent') return NO_LOG;
  const { createLog } = await import('./observe/log.ts');
  return createLog({ level, format: 'pretty' });
}

interface PreparedStores {
  readonly settings: StartSettings | undefined;
  readonly key: AccessKey | undefined;
  readonly cleanup: Cleanup;
}

/** Which stores there are; data directories are made and locked. */
async function prepareStores(
  options: StartServerOptions,
  { settings, key, cleanup }: PreparedStores,
): Promise<StoresConfig> {
  if (settings?.namesStores) {
    if (options.store !== undefined || options.region !== undefined) {
      throw new TypeError('The settings name the stores: store and region cannot be given beside them.');
    }
    for (const directory of dataDirectories(settings.config)) await takeDirectory(directory, cleanup);
    const { keystore } = settings.config;
    return key === undefined ? settings.config : { ...settings.config, keystore: { ...keystore, environmentKey: key } };
  }
  const store = await prepareStore(options.store ?? 'memory', cleanup);
  const config = storesConfig({ store, region: options.region ?? DEFAULT_REGION, key });
  return settings === undefined ? config : { ...config, options: settings.config.options };
}

/** Of the keys that the settings have. */
function configuredKey({ keystore: { store } }: StoresConfig): AccessKey | undefined {
  return store.use === 'map' ? store.keys[0] : undefined;
}

async function makeConfiguredBuckets(
  stores: OpenStores,
  { settings, key, log }: { settings: StartSettings; key: AccessKey; log: Log },
): Promise<void> {
  const { makeBuckets } = await import('./configured-buckets.ts');
  await makeBuckets(stores, settings.config.options, { owner: key, log, signal: new AbortController().signal });
}

/** Where the stores are; a data directory is made and locked. */
async function prepareStore(store: NonNullable<StartServerOptions['store']>, cleanup: Cleanup): Promise<StoreConfig> {
  if (store === 'memory') return { use: 'memory' };
  if (typeof store === 'object' && 'cassandra' in store) {
    const { configureCassandra } = await import('./config/cassandra-options.ts');
    const { installSchema: _, ...cluster } = store.cassandra;
    return { use: 'cassandra', cassandra: configureCassandra(cluster) };
  }
  let directory: string;
  if (store === 'temporary') {
    const parent = await mkdtemp(join(tmpdir(), 'pithos-'));
    cleanup.add(() => rm(parent, { recursive: true, force: true }));
    directory = join(parent, 'data');
  } else {
    directory = resolve(store.directory);
  }
  await takeDirectory(directory, cleanup);
  return { use: 'embedded', path: directory };
}

async function takeDirectory(directory: string, cleanup: Cleanup): Promise<void> {
  await prepareDataDirectory(directory);
  cleanup.use(await lockDataDirectory(directory));
  await recoverDirectories([directory]);
}

function storesConfig(place: { store: StoreConfig; region: string; key: AccessKey | undefined }) {
  const region = parseRegionName(place.region);
  const standard = parseStorageClass(STANDARD);
  if (region === undefined) throw new TypeError(`${JSON.stringify(place.region)} is not a valid region name.`);
  if (standard === undefined) throw new TypeError(`${STANDARD} is not a valid storage class.`);
  const { store } = place;
  return {
    keystore: { store, environmentKey: place.key },
    bucketstore: { store, defaultRegion: region },
    regions: new Map([[region, { metastore: store, storageClasses: new Map([[standard, store]]) }]]),
    options: { durability: 'strict', diskFreeBytesMin: undefined },
  } as const;
}

async function createBucket(stores: OpenStores, text: string, key: AccessKey): Promise<void> {
  const name = parseBucketName(text);
  if (name === undefined) throw new TypeError(`${JSON.stringify(text)} is not a valid bucket name.`);
  const bucket: Bucket = {
    id: randomIds.bucketId(),
    name,
    owner: { tenant: key.tenant, displayName: key.displayName },
    region: stores.defaultRegion,
    createdAtMs: systemClock.nowMs(),
    configuration: { versioning: 'unversioned' },
    revision: 1,
  };
  const outcome = await stores.buckets.createBucket(bucket, { signal: new AbortController().signal });
  if (outcome.kind === 'exists') throw new TypeError(`There is a bucket ${name} already.`);
}

async function firstKey(stores: OpenStores): Promise<AccessKey> {
  const { signal } = new AbortController();
  const [key] = stores.managedKeys === undefined ? [] : await ensureAccessKeys(stores.managedKeys, { signal });
  if (key === undefined) throw new TypeError('The keystore has no access key.');
  return key;
}

function parseKey({ accessKeyId: id, secretAccessKey: secret }: StartServerOptions): AccessKey | undefined {
  if (id === undefined && secret === undefined) return undefined;
  const accessKeyId = id === undefined ? undefined : parseAccessKeyId(id);
  if (accessKeyId === undefined || secret === undefined || secret === '') {
    throw new TypeError('accessKeyId and secretAccessKey must be given together, and be valid.');
  }
  return { ...makeAccessKey(FIRST_OWNER), accessKeyId, secret: new Secret(secret) };
}
