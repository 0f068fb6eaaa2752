import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import {
  type BucketName,
  parseAccessKeyId,
  parseBlobId,
  parseBucketId,
  parseBucketName,
  parseRegionName,
  parseStorageClass,
  parseTenantId,
} from '../../src/domain/names.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createS3Server, type S3ServerOptions } from '../../src/http/s3-server.ts';
import { createLog } from '../../src/observe/log.ts';
import { createMetrics, type ReadableMetrics } from '../../src/observe/metrics.ts';
import { ServerMetrics } from '../../src/observe/server-metrics.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { type OperationName, S3_MODEL } from '../../src/operations/s3-model.ts';
import { NOT_IMPLEMENTED, type OPERATIONS } from '../../src/operations/table.ts';
import { MemoryBlobstore } from '../../src/stores/memory/blobstore.ts';
import { MemoryBucketstore } from '../../src/stores/memory/bucketstore.ts';
import { MemoryKeystore } from '../../src/stores/memory/keystore.ts';
import { MemoryMetastore } from '../../src/stores/memory/metastore.ts';
import type { Stores } from '../../src/stores/stores.ts';
import { RawConnection, type RawResponse, requestBytes } from './raw-http.ts';
import { encodePath, type KeyPair, type SignableRequest, type SigningContext, sha256, signByHeader } from './sign.ts';

export const ALICE = { accessKeyId: 'ALICEKEY', secretAccessKey: 'alice+secret/1' } as const;
export const BOB = { accessKeyId: 'BOBKEY', secretAccessKey: 'bob+secret/1' } as const;
export const MASTER = { accessKeyId: 'MASTERKEY', secretAccessKey: 'master+secret/1' } as const;
/** The bucket that every front has, of Alice's. */
export const BUCKET = 'alices-bucket';
/** What the clock of a front shows until a test moves it. */
export const NOW_MS = Date.UTC(2026, 5, 15, 12, 0, 0);

export type FrontOperations = Partial<Record<OperationName, AnyOperation>>;

export interface FrontOptions extends Partial<Omit<S3ServerOptions, 'operations' | 'log' | 'metrics' | 'clock'>> {
  /** All others are not implemented. */
  readonly operations?: FrontOperations;
  /** Connections are accepted beside the server and handed to it, as to a worker process. */
  readonly isHandedConnections?: boolean;
}

export interface SendOptions extends Partial<Pick<SigningContext, 'region'>> {
  readonly method?: string;
  readonly path?: string;
  readonly query?: SignableRequest['query'];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Signs with these; `undefined` sends it anonymous. Alice's unless said. */
  readonly keys?: KeyPair | undefined;
}

/** The HTTP layer alone: operations of a test's own, stores in memory, a clock that stands still. */
export class Front implements AsyncDisposable {
  readonly port: number;
  readonly metrics: ReadableMetrics;
  readonly stores: Stores;
  readonly logLines: Record<string, unknown>[];
  readonly clock: { now: number };
  readonly drain: (options: { graceMs: number }) => Promise<void>;

  private constructor(parts: Pick<Front, 'port' | 'metrics' | 'stores' | 'logLines' | 'clock' | 'drain'>) {
    this.port = parts.port;
    this.metrics = parts.metrics;
    this.stores = parts.stores;
    this.logLines = parts.logLines;
    this.clock = parts.clock;
    this.drain = parts.drain;
  }

  static async start({ operations = {}, isHandedConnections = false, ...options }: FrontOptions = {}): Promise<Front> {
    const clock = { now: NOW_MS };
    const stores = options.stores ?? (await makeStores(clock));
    const metrics = createMetrics();
    const logLines: Record<string, unknown>[] = [];
    const log = createLog({
      level: 'info',
      format: 'json',
      destination: { write: (line) => logLines.push(JSON.parse(line)) },
    });
    const server = createS3Server({
      stores,
      readPins: { begin: () => ({ [Symbol.dispose]: () => undefined }), [Symbol.asyncDispose]: async () => undefined },
      clock: { nowMs: () => clock.now },
      ids: { bucketId: () => parseBucketId(hex()), blobId: () => parseBlobId(hex()) },
      ...options,
      settings: { virtualHosts: ['s3.test'], ...options.settings },
      log,
      metrics,
      operations: { ...nothingImplemented(), ...operations },
    });
    const at = { host: '127.0.0.1', port: 0 };
    const drain = (grace: { graceMs: number }) => server.drain(grace);
    if (!isHandedConnections) {
      return new Front({ ...(await server.listen(at)), metrics, stores, logLines, clock, drain });
    }
    // As the other process has them: without what this one set when it accepted them.
    const acceptor = createServer((socket) => server.take(socket)).listen(at);
    await once(acceptor, 'listening');
    const port = portOf(acceptor);
    const drainBoth = async (grace: { graceMs: number }) => {
      acceptor.close();
      await drain(grace);
    };
    return new Front({ port, metrics, stores, logLines, clock, drain: drainBoth });
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What it has counted, as `/metrics` gives it. */
  async metricsText(): Promise<string> {
    return (await new ServerMetrics().render(new Map([[1, this.metrics.snapshot()]]))).text;
  }

  context(keys: KeyPair = ALICE): SigningContext {
    return { keys, atMs: this.clock.now };
  }

  async connect(): Promise<RawConnection> {
    return RawConnection.open(this.port);
  }

  /** One signed request on a connection of its own. */
  async send(options: SendOptions = {}): Promise<RawResponse> {
    using connection = await this.connect();
    connection.send(this.requestBytes(options));
    return await connection.response(options.method);
  }

  /** The bytes of a request, signed over its body. */
  requestBytes(options: SendOptions = {}): Buffer {
    const {
      method = 'GET',
      path = `/${BUCKET}/key`,
      query = [],
      headers = {},
      body = '',
      region = 'us-east-1',
    } = options;
    const bytes = Buffer.from(body);
    const plain = { host: this.host, 'content-length': String(bytes.length), ...headers };
    const keys = 'keys' in options ? options.keys : ALICE;
    const target =
      query.length === 0
        ? path
        : `${path}?${query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')}`;
    const request = { method, path, canonicalPath: canonicalPathOf(path), query, headers: plain };
    const sent =
      keys === undefined ? plain : signByHeader(request, sha256(bytes), { ...this.context(keys), region }).headers;
    return requestBytes(`${method} ${target}`, sent, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain({ graceMs: 0 });
  }
}

/** Each character encoded as SigV4 has it, however the path spells it; a path that cannot be decoded as it is. */
function canonicalPathOf(path: string): string {
  try {
    return encodePath(decodeURIComponent(path));
  } catch {
    return path;
  }
}

/** An operation that answers 200 with what `answer` gives, whatever it is asked. */
export function tinyOperation(name: OperationName, parts: Partial<AnyOperation> = {}): AnyOperation {
  const scopes = {
    service: 'service',
    bucket: name === 'CreateBucket' ? 'new-bucket' : 'bucket',
    object: 'object',
  } as const;
  const actions = {
    service: 's3:ListAllMyBuckets',
    bucket: name === 'CreateBucket' ? 's3:CreateBucket' : 's3:ListBucket',
    object: 's3:PutObject',
  } as const;
  return {
    name,
    scope: scopes[S3_MODEL[name].target],
    action: actions[S3_MODEL[name].target],
    parameters: Object.keys(S3_MODEL[name].parameters),
    parse: () => undefined,
    run: async () => undefined,
    render: () => ({ status: 200, headers: [], body: { kind: 'none' } }),
    ...parts,
  };
}

export function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('The test needs a value here.');
  return value;
}

function nothingImplemented(): typeof OPERATIONS {
  return Object.fromEntries(Object.keys(S3_MODEL).map((name) => [name, NOT_IMPLEMENTED])) as typeof OPERATIONS;
}

async function makeStores(clock: { readonly now: number }): Promise<Stores> {
  const region = must(parseRegionName('eu-test-1'));
  const keys = new MemoryKeystore(
    [ALICE, BOB, MASTER].map(({ accessKeyId, secretAccessKey }) => ({
      accessKeyId: must(parseAccessKeyId(accessKeyId)),
      secret: new Secret(secretAccessKey),
      tenant: parseTenantId(accessKeyId.replace('KEY', '').toLowerCase()),
      displayName: accessKeyId,
      master: accessKeyId === MASTER.accessKeyId,
      memberOf: [],
    })),
  );
  const buckets = new MemoryBucketstore();
  const stores = {
    keys,
    buckets,
    defaultRegion: region,
    regions: new Map([
      [
        region,
        {
          name: region,
          meta: new MemoryMetastore({ nowMs: () => clock.now }),
          blobs: new Map([[must(parseStorageClass('STANDARD')), new MemoryBlobstore()]]),
        },
      ],
    ]),
  };
  await buckets.createBucket(bucketOf(must(parseBucketName(BUCKET)), 'alice'), {
    signal: new AbortController().signal,
  });
  return stores;
}

/** A bucket of `tenant`'s. */
export function bucketOf(name: BucketName, tenant: string) {
  return {
    id: parseBucketId(hex()),
    name,
    owner: { tenant: parseTenantId(tenant), displayName: tenant },
    region: must(parseRegionName('eu-test-1')),
    createdAtMs: NOW_MS,
    configuration: { versioning: 'unversioned' },
    revision: 1,
  } as const;
}

function hex(): string {
  return randomBytes(16).toString('hex');
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
