import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureAccessKeys, FIRST_OWNER, makeAccessKey } from './access-keys.ts';
import { Cleanup } from './cleanup.ts';
import type { StoreConfig } from './config/config.ts';
import { lockDataDirectory, prepareDataDirectory } from './data-directory.ts';
import type { AccessKey } from './domain/access-key.ts';
import type { Bucket } from './domain/bucket.ts';
import { parseAccessKeyId, parseBucketName, parseRegionName, parseStorageClass } from './domain/names.ts';
import { Secret } from './domain/secret.ts';
import { startReadPins } from './jobs/read-pins.ts';
import { startJobs } from './jobs/start-jobs.ts';
import type { Log, LogLevel } from './observe/log.ts';
import { NO_LOG, NO_METRICS } from './observe/silence.ts';
import { createServer, type OpenStores, openStores, randomIds, recoverDirectories, systemClock } from './server.ts';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_REGION = 'us-east-1';
const STANDARD = 'STANDARD';
/** How long requests that still run may go on when the server is closed, in milliseconds. */
const CLOSE_GRACE_MS = 1_000;

export interface StartServerOptions {
  /**
   * `memory`, which is the default: nothing survives the process. `temporary`: on disk, removed by `close`. A directory
   * is kept, with its keys, and may be one that `pithos serve` made.
   */
  readonly store?: 'memory' | 'temporary' | { readonly directory: string } | undefined;
  /** 0, any free port, unless given. */
  readonly port?: number | undefined;
  /** 127.0.0.1 unless given. */
  readonly host?: string | undefined;
  /** `us-east-1` unless given. */
  readonly region?: string | undefined;
  /** Given together; otherwise a fresh key, or the one that the directory has. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  /** What is written to standard output; nothing unless given. */
  readonly log?: LogLevel | undefined;
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
  const { host = DEFAULT_HOST, port = 0, region = DEFAULT_REGION, log: level = 'silent' } = options;
  const given = parseKey(options);
  const cleanup = new Cleanup();
  try {
    const directory = await openDirectory(options.store ?? 'memory', cleanup);
    const stores = cleanup.use(await openStores(storesConfig({ directory, region, key: given })));
    const key = given ?? (await firstKey(stores));
    const log = await openLog(level);
    const onError = (error: unknown, job: string) =>
      log.error({ err: error, job }, 'a job failed and will be repeated');
    cleanup.use(startJobs(stores, { ...systemClock, onError }));
    const readPins = cleanup.use(startReadPins({ ...systemClock, onError }));
    const server = createServer({ stores, log, metrics: NO_METRICS, readPins, virtualHosts: [] });
    const { port: listeningPort } = await server.listen({ host, port });
    cleanup.add(() => server.drain({ graceMs: CLOSE_GRACE_MS }));
    const endpoint = `http://${host.includes(':') ? `[${host}]` : host}:${listeningPort}`;
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

/** The data directory, made and locked; `undefined` for memory. */
async function openDirectory(store: NonNullable<StartServerOptions['store']>, cleanup: Cleanup) {
  if (store === 'memory') return undefined;
  let directory: string;
  if (store === 'temporary') {
    const parent = await mkdtemp(join(tmpdir(), 'pithos-'));
    cleanup.add(() => rm(parent, { recursive: true, force: true }));
    directory = join(parent, 'data');
  } else {
    directory = resolve(store.directory);
  }
  await prepareDataDirectory(directory);
  cleanup.use(await lockDataDirectory(directory));
  await recoverDirectories([directory]);
  return directory;
}

function storesConfig(place: { directory: string | undefined; region: string; key: AccessKey | undefined }) {
  const region = parseRegionName(place.region);
  const standard = parseStorageClass(STANDARD);
  if (region === undefined) throw new TypeError(`${JSON.stringify(place.region)} is not a valid region name.`);
  if (standard === undefined) throw new TypeError(`${STANDARD} is not a valid storage class.`);
  const store: StoreConfig =
    place.directory === undefined ? { use: 'memory' } : { use: 'embedded', path: place.directory };
  return {
    keystore: { store, environmentKey: place.key },
    bucketstore: { store, defaultRegion: region },
    regions: new Map([[region, { metastore: store, storageClasses: new Map([[standard, store]]) }]]),
    options: {
      serviceUris: [],
      durability: 'strict',
      diskFreeBytesMin: undefined,
      staleUploadsAfterMs: undefined,
      intentGraceMs: undefined,
      reclaimGraceMs: undefined,
    },
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
