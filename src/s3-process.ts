import type { Config } from './config/config.ts';
import { startReadPins } from './jobs/read-pins.ts';
import { asListenError } from './listen-error.ts';
import type { Log } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import type { MetricsSnapshot } from './observe/server-metrics.ts';
import { LIVE, Readiness } from './readiness.ts';
import { createServer, type OpenStores, systemClock } from './server.ts';

/** The S3 endpoint in one process, with its own health and counts. */
export interface S3Process {
  /** Listens where the configuration says, or at `port`. Throws `ListenError`. */
  listen(port: number): Promise<{ readonly port: number }>;
  /** Ends after running requests have, or were cut; the stores may be closed then. */
  drain(options: { graceMs: number }): Promise<void>;
  snapshot(): Promise<MetricsSnapshot>;
}

export function createS3Process(parts: { config: Config; stores: OpenStores; log: Log }): S3Process {
  const { config, stores, log } = parts;
  const { host } = config.service;
  const closing = new AbortController();
  const readiness = new Readiness(stores.list, { closing: closing.signal });
  const metrics = createMetrics();
  const onError = (error: unknown, job: string) => log.error({ err: error, job }, 'a job failed and will be repeated');
  const readPins = startReadPins({ ...systemClock, onError });
  const server = createServer({
    stores,
    readPins,
    log,
    metrics,
    virtualHosts: config.options.serviceUris,
    // What is wrong stands on the admin listener: the whole world may ask here.
    health: async (path) => {
      const { status } = path === '/health/live' ? LIVE : await readiness.check();
      return { status, body: status === 200 ? 'ok\n' : 'not ready\n' };
    },
  });
  return {
    async listen(port) {
      try {
        return await server.listen({ host, port });
      } catch (error) {
        throw asListenError(error, { host, port, setting: '--port' });
      }
    },
    async drain(options) {
      closing.abort();
      await server.drain(options);
      await readPins[Symbol.asyncDispose]();
    },
    snapshot: () => metrics.registry.getMetricsAsJSON(),
  };
}
