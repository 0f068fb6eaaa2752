import { Socket } from 'node:net';
import type { Config } from './config/config.ts';
import { unpackConfig } from './config/pack.ts';
import type { Log } from './observe/log.ts';
import { openLogOutputs } from './observe/log-outputs.ts';
import { createMetrics } from './observe/metrics.ts';
import { createS3Process, type S3Process } from './s3-process.ts';
import { type OpenStores, openStores } from './server.ts';
import { storeHooks } from './store-hooks.ts';
import { parseToWorker, type ToPrimary, type ToWorker, WORKER_EXIT } from './worker-messages.ts';

/**
 * A worker process: answers S3 requests on the connections that the primary hands it, until that tells it to drain or
 * is gone. Resolves with the code to exit with.
 */
export async function runWorker(): Promise<number> {
  // A signal to the whole group, as a terminal sends it, is the primary's to follow.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  const primary = new Primary();
  await primary.tell({ kind: 'up' });
  const { config: packed } = await primary.started;
  const config = unpackConfig(packed);
  let log: Log;
  let stores: OpenStores;
  let server: S3Process;
  try {
    const metrics = createMetrics();
    const format = config.logging.format === 'json' ? 'json' : 'pretty';
    log = openLogOutputs({ ...config.logging, format }, { countLost: metrics.logLinesLost });
    stores = await openStores(config, storeHooks({ log, metrics }));
    server = await createS3Process({ config, stores, log, metrics });
    primary.serveBy(server);
    await primary.tell({ kind: 'ready' });
  } catch (error) {
    await primary.tell({ kind: 'not-started', message: error instanceof Error ? error.message : String(error) });
    return WORKER_EXIT.notStarted;
  }
  return await work({ primary, config, stores, server, log });
}

interface Working {
  readonly primary: Primary;
  readonly config: Config;
  readonly stores: OpenStores;
  readonly server: S3Process;
  readonly log: Log;
}

async function work({ primary, config, stores, server, log }: Working): Promise<number> {
  const told = primary.stopped.then(({ graceMs }) => ({ kind: 'drain', graceMs }) as const);
  const failed = stores.failed.then((error) => ({ kind: 'failed', error }) as const);
  const end = await Promise.race([told, failed]);
  if (end.kind === 'failed') {
    // Nothing is closed: that would write.
    await primary.tell({ kind: 'storage-failed', message: end.error.message });
    await log.flush();
    return WORKER_EXIT.storageFailed;
  }
  await server.drain({ graceMs: end.graceMs ?? config.service.shutdownGraceMs });
  await stores[Symbol.asyncDispose]();
  await log.flush();
  return WORKER_EXIT.drained;
}

/** The primary process, as its worker sees it. */
class Primary {
  readonly started: Promise<Extract<ToWorker, { kind: 'start' }>>;
  /** Told to drain, or left alone: then without a grace of its own. */
  readonly stopped: Promise<{ readonly graceMs: number | undefined }>;
  #server: S3Process | undefined;

  constructor() {
    const started = Promise.withResolvers<Extract<ToWorker, { kind: 'start' }>>();
    const stopped = Promise.withResolvers<{ graceMs: number | undefined }>();
    this.started = started.promise;
    this.stopped = stopped.promise;
    process.on('message', (message, handle) => {
      const told = parseToWorker(message);
      if (told?.kind === 'start') started.resolve(told);
      else if (told?.kind === 'drain') stopped.resolve(told);
      else if (told?.kind === 'connection') this.#take(handle);
      else if (told?.kind === 'report-metrics') void this.#report(told.request);
    });
    process.once('disconnect', () => stopped.resolve({ graceMs: undefined }));
  }

  /** Who answers on connections, and what has been counted. */
  serveBy(server: S3Process): void {
    this.#server = server;
  }

  /** Resolves once it is sent; a primary that is gone needs to hear nothing. */
  async tell(message: ToPrimary): Promise<void> {
    if (!process.connected) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    process.send?.(message, undefined, undefined, () => resolve());
    await promise;
  }

  /** Says so before anything is read from it: what nobody took, the primary closes. */
  #take(handle: unknown): void {
    const server = this.#server;
    if (server === undefined) return;
    void this.tell({ kind: 'taken', openCount: server.openCount + 1 });
    // It may have been closed on its way.
    if (handle instanceof Socket) server.take(handle);
  }

  async #report(request: number): Promise<void> {
    await this.tell({ kind: 'metrics', request, snapshot: this.#server?.snapshot() ?? [] });
  }
}
