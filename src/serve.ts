import { ensureAccessKeys } from './access-keys.ts';
import { startAdminListener } from './admin-listener.ts';
import { Cleanup } from './cleanup.ts';
import { type Config, dataDirectories } from './config/config.ts';
import { lockDataDirectory, prepareDataDirectory } from './data-directory.ts';
import type { AccessKey } from './domain/access-key.ts';
import { jobGraces } from './job-graces.ts';
import { startJobs } from './jobs/start-jobs.ts';
import { asListenError } from './listen-error.ts';
import type { MetricsSnapshot } from './observe/counts.ts';
import type { Log } from './observe/log.ts';
import type { ReadableMetrics } from './observe/metrics.ts';
import { ServerMetrics } from './observe/server-metrics.ts';
import { type Health, LIVE, Readiness } from './readiness.ts';
import {
  type NamedStore,
  type OpenStores,
  openStores,
  recoverDirectories,
  type StoreHooks,
  systemClock,
} from './server.ts';
import { storeHooks } from './store-hooks.ts';
import { WorkerPool } from './worker-pool.ts';

/** Names the counts of this process among those of its workers, whose numbers start at 1. */
const PRIMARY = 0;

export interface ServeHooks {
  readonly log: Log;
  /** What this process counts. */
  readonly metrics: ReadableMetrics;
  /** Fires when the server is to end its requests and stop. */
  readonly stop: AbortSignal;
  /** Fires when it is to stop at once. */
  readonly kill: AbortSignal;
  /** Called once, when requests are accepted. */
  onReady(server: ServingServer): void;
}

/** A server that accepts requests, for whoever started it. */
export interface ServingServer {
  readonly endpoint: string;
  readonly adminEndpoint: string | undefined;
  readonly region: string;
  readonly workers: number;
  readonly stores: readonly NamedStore[];
  /** The keys that can be changed, by id; empty where they stand in the configuration. */
  readonly keys: readonly AccessKey[];
  readonly environmentKey: AccessKey | undefined;
  /** The variable that has the secret of that one. */
  readonly secretVariable: string | undefined;
}

export type ServeEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'killed' }
  | { readonly kind: 'storage-failed'; readonly message: string };

/**
 * Runs a server until it is told to stop: opens the stores, makes the first access key, starts the workers and the
 * admin listener, drains at the end. Resolves when everything is closed; after a failure of stable storage, or a kill,
 * at once, and the process must end then.
 * Throws what keeps it from starting: `DataDirectoryError`, `ListenError`, `WorkerStartError`, `StoreError`.
 */
export async function serve(config: Config, hooks: ServeHooks): Promise<ServeEnd> {
  const cleanup = new Cleanup();
  try {
    const { log, metrics } = hooks;
    const pool = launchWorkers(config, { cleanup, log });
    const stores = await openOwnStores(config, { cleanup, hooks: storeHooks({ log, metrics }) });
    const { managedKeys } = stores;
    const { environmentKey } = config.keystore;
    const options = { signal: hooks.stop };
    const ensured = managedKeys !== undefined && environmentKey === undefined;
    const keys = ensured
      ? await ensureAccessKeys(managedKeys, options)
      : ((await managedKeys?.listKeys(options)) ?? []);
    cleanup.use(startStoreJobs(stores, config, log));
    const { store } = config.keystore;
    const owner = environmentKey ?? (store.use === 'map' ? store.keys[0] : keys[0]);
    if (config.options.buckets.length > 0) {
      const { makeBuckets } = await import('./configured-buckets.ts');
      await makeBuckets(stores, config.options, { owner, log, signal: hooks.stop });
    }
    const front = pool === undefined ? await frontInProcess(config, { stores, log, metrics }) : frontOf(pool, metrics);
    const { port } = await startFront(front, hooks.stop);
    cleanup.add(() => front.drain({ graceMs: config.service.shutdownGraceMs }));
    const adminEndpoint = await startAdmin(config, { stores, front, closing: hooks.stop, cleanup });
    hooks.onReady({
      endpoint: endpointOf(config.service.host, port, config.service.tls && 'https'),
      adminEndpoint,
      region: stores.defaultRegion,
      workers: config.service.workers,
      stores: stores.list,
      keys,
      environmentKey,
      secretVariable: config.keystore.secretVariable,
    });
    return await untilEnd({ front, stores, hooks, cleanup });
  } catch (error) {
    await cleanup.run();
    if (hooks.stop.aborted) return { kind: 'stopped' };
    throw error;
  }
}

/** What answers the S3 requests: this process, or several others. */
interface Front {
  readonly metrics: ServerMetrics;
  /** Resolves when a process other than this one found that stable storage failed. */
  readonly storageFailed: Promise<string>;
  start(): Promise<{ readonly port: number }>;
  isListening(): boolean;
  snapshots(): Promise<ReadonlyMap<number, MetricsSnapshot>>;
  drain(options: { graceMs: number }): Promise<void>;
  kill(): Promise<void>;
}

/** Data directories belong to one server; a cluster to any number. */
async function openOwnStores(
  config: Config,
  { cleanup, hooks }: { cleanup: Cleanup; hooks: StoreHooks },
): Promise<OpenStores> {
  for (const directory of dataDirectories(config)) {
    await prepareDataDirectory(directory);
    cleanup.use(await lockDataDirectory(directory));
  }
  await recoverDirectories(dataDirectories(config));
  return cleanup.use(await openStores(config, hooks));
}

/** One process of a server is enough for them. */
function startStoreJobs(stores: OpenStores, { options }: Config, log: Log): AsyncDisposable {
  return startJobs(stores, {
    ...systemClock,
    ...jobGraces(options),
    onError: (error, job) => log.error({ err: error, job }, 'a job failed and will be repeated'),
  });
}

interface WorkersFront {
  readonly pool: WorkerPool;
  readonly metrics: ServerMetrics;
}

/**
 * Starts the worker processes, where there are to be any: they load their code while this one makes the stores ready.
 * `undefined` where this process answers itself.
 */
function launchWorkers(config: Config, { cleanup, log }: { cleanup: Cleanup; log: Log }): WorkersFront | undefined {
  if (config.service.workers === 1) return undefined;
  const metrics = new ServerMetrics();
  const pool = new WorkerPool(config, { log, metrics });
  cleanup.add(() => pool.kill());
  pool.launch();
  return { pool, metrics };
}

function frontOf({ pool, metrics }: WorkersFront, own: ReadableMetrics): Front {
  return {
    metrics,
    storageFailed: pool.storageFailed,
    start: () => pool.start(),
    isListening: () => pool.readyCount > 0,
    snapshots: async () => new Map([...(await pool.snapshots()), [PRIMARY, own.snapshot()]]),
    drain: (options) => pool.drain(options),
    kill: () => pool.kill(),
  };
}

async function frontInProcess(
  config: Config,
  { stores, log, metrics: own }: { stores: OpenStores; log: Log; metrics: ReadableMetrics },
): Promise<Front> {
  const { createS3Process } = await import('./s3-process.ts');
  const metrics = new ServerMetrics();
  const server = await createS3Process({ config, stores, log, metrics: own });
  metrics.setWorkers(1);
  return {
    metrics,
    storageFailed: new Promise(() => undefined),
    start: () => server.listen(config.service.port),
    isListening: () => true,
    snapshots: async () => new Map([[process.pid, server.snapshot()]]),
    drain: (options) => server.drain(options),
    kill: async () => undefined,
  };
}

/** Rejects when `stop` fires first. */
async function startFront(front: Front, stop: AbortSignal): Promise<{ readonly port: number }> {
  const stopped = fired(stop).then(() => Promise.reject(stop.reason));
  try {
    return await Promise.race([front.start(), stopped]);
  } catch (error) {
    await front.kill();
    throw error;
  }
}

interface AdminParts {
  readonly stores: OpenStores;
  readonly front: Front;
  readonly closing: AbortSignal;
  readonly cleanup: Cleanup;
}

/** Its address, where the configuration wants one. */
async function startAdmin({ service }: Config, { stores, front, closing, cleanup }: AdminParts) {
  const { adminHost: host, adminPort: port } = service;
  if (port === undefined) return undefined;
  const readiness = new Readiness(stores.list, { closing });
  const { metrics } = front;
  const ready = async (): Promise<Health> =>
    front.isListening() ? await readiness.check() : { status: 503, body: 'no worker process accepts requests\n' };
  try {
    const listener = await startAdminListener(
      { host, port },
      {
        live: async () => LIVE,
        ready,
        metrics: async () => await metrics.render(await front.snapshots()),
      },
    );
    cleanup.use(listener);
    return endpointOf(host, listener.port);
  } catch (error) {
    throw asListenError(error, { host, port, setting: '--admin-port' });
  }
}

interface Running {
  readonly front: Front;
  readonly stores: OpenStores;
  readonly hooks: ServeHooks;
  readonly cleanup: Cleanup;
}

async function untilEnd({ front, stores, hooks, cleanup }: Running): Promise<ServeEnd> {
  const failed = Promise.race([front.storageFailed, stores.failed.then(({ message }) => message)]);
  const storageFailed = failed.then((message): ServeEnd => ({ kind: 'storage-failed', message }));
  const killed = fired(hooks.kill).then((): ServeEnd => ({ kind: 'killed' }));
  const stopped = fired(hooks.stop).then(async (): Promise<ServeEnd> => {
    hooks.log.info({}, 'stopping: running requests may end');
    await cleanup.run();
    return { kind: 'stopped' };
  });
  const end = await Promise.race([storageFailed, killed, stopped]);
  // Nothing more is written then, not even by closing what is open.
  if (end.kind !== 'stopped') await front.kill();
  return end;
}

async function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

function endpointOf(host: string, port: number, scheme: 'http' | 'https' = 'http'): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
