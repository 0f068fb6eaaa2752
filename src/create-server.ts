import { createS3Server, type S3Server, type S3ServerOptions } from './http/s3-server.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import { randomIds, systemClock } from './server.ts';
import type { ReadPins } from './stores/read-pins.ts';
import type { Stores } from './stores/stores.ts';

export interface ServerParts {
  readonly stores: Stores;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly settings?: NonNullable<S3ServerOptions['settings']>;
  readonly readPins: ReadPins;
  readonly health?: NonNullable<S3ServerOptions['health']>;
  readonly tls?: S3ServerOptions['tls'];
}

/** The S3 endpoint over the stores, with this process' clock and ids. */
export function createServer(parts: ServerParts): S3Server {
  return createS3Server({ ...parts, clock: systemClock, ids: randomIds });
}
