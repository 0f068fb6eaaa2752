import type { Socket } from 'node:net';
import type { Config } from './config/config.ts';
import { createServer } from './create-server.ts';
import { frontSettingsOf } from './front-settings-of.ts';
import { startReadPins } from './jobs/read-pins.ts';
import { asListenError } from './listen-error.ts';
import type { MetricsSnapshot } from './observe/counts.ts';
import type { Log } from './observe/log.ts';
import type { ReadableMetrics } from './observe/metrics.ts';
import { LIVE, Readiness } from './readiness.ts';
import { type OpenStores, systemClock } from './server.ts';
import { readTlsPair, watchTlsPair } from './tls-pair.ts';

/** The S3 endpoint in one process, with its own health and counts. */
export interface S3Process {
  /** Listens where the configuration says, or at `port`. Throws `ListenError`. */
  listen(port: number): Promise<{ readonly port: number }>;
  /** Answers on a connection that another process accepted. */
  take(socket: Socket): void;
  /** Connections that were taken and are still open. */
  readonly openCount: number;
  /** Ends after running requests have, or were cut; the stores may be closed then. */
  drain(options: { graceMs: number }): Promise<void>;
  snapshot(): MetricsSnapshot;
}

export interface S3ProcessParts {
  readonly config: Config;
  readonly stores: OpenStores;
  readonly log: Log;
  readonly metrics: ReadableMetrics;
}

/** Throws `TlsPairError` where the configured certificate cannot be used. */
export async function createS3Process({ config, stores, log, metrics }: S3ProcessParts): Promise<S3Process> {
  const { host, tls } = config.service;
  const closing = new AbortController();
  const readiness = new Readiness(stores.list, { closing: closing.signal });
  const onError = (error: unknown, job: string) => log.error({ err: error, job }, 'a job failed and will be repeated');
  const readPins = startReadPins({ ...systemClock, onError });
  const server = createServer({
    stores,
    readPins,
    log,
    metrics,
    settings: frontSettingsOf(config.options),
    tls: tls && (await readTlsPair(tls)),
    // What is wrong stands on the admin listener: the whole world may ask here.
    health: async (path) => {
      const { status } = path === '/health/live' ? LIVE : await readiness.check();
      return { status, body: status === 200 ? 'ok\n' : 'not ready\n' };
    },
  });
  const watch = tls && watchTlsPair(tls, { log, onPair: (pair) => server.setTls(pair) });
  return {
    async listen(port) {
      try {
        return await server.listen({ host, port });
      } catch (error) {
        throw asListenError(error, { host, port, setting: '--port' });
      }
    },
    take: (socket) => server.take(socket),
    get openCount() {
      return server.openCount;
    },
    async drain(options) {
      closing.abort();
      watch?.[Symbol.dispose]();
      await server.drain(options);
      await readPins[Symbol.asyncDispose]();
    },
    snapshot: () => metrics.snapshot(),
  };
}
