import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client as SdkClient } from '@aws-sdk/client-s3';
import { type CassandraCluster, startCluster } from '../../scripts/cassandra/cluster.ts';
import { SHORT_LIVED } from '../../scripts/cassandra/node-files.ts';
import type { CassandraSession } from '../../src/stores/cassandra/session.ts';
import { openTestKeyspace, serveArguments, type TestKeyspace } from '../support/cassandra.ts';
import { freeAddress } from '../support/cassandra-setup.ts';
import { SERVE_KEYS, type ServeProcess, startServeProcess, withoutUserSettings } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import type { S3Endpoint } from './s3-client.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const SKEW_CLOCK = new URL('../support/skew-clock.mjs', import.meta.url).pathname;
/** The times after which what failures left behind is taken away, as short as they may be. */
const GRACES = { PITHOS_OPTIONS_INTENT_GRACE: '10s', PITHOS_OPTIONS_RECLAIM_GRACE: '10s' };

/** A gateway, and how far its clock is off. */
export interface Gateway {
  readonly server: ServeProcess;
  readonly skewMs: number;
}

export interface GatewaysOptions {
  readonly nodes: number;
  readonly dataCentres?: number;
  readonly replication: TestKeyspace['options']['replication'];
  /** One for each gateway. */
  readonly skewsMs: readonly number[];
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Settings of the gateways. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Real nodes of Cassandra, and gateways over them as operators start them. */
export class CassandraGateways implements AsyncDisposable {
  readonly cluster: CassandraCluster;
  readonly keyspace: TestKeyspace;
  readonly gateways: readonly Gateway[];
  readonly #started: AsyncDisposableStack;

  private constructor(
    parts: Pick<CassandraGateways, 'cluster' | 'keyspace' | 'gateways'>,
    started: AsyncDisposableStack,
  ) {
    this.cluster = parts.cluster;
    this.keyspace = parts.keyspace;
    this.gateways = parts.gateways;
    this.#started = started;
  }

  static async start(options: GatewaysOptions): Promise<CassandraGateways> {
    const { nodes, dataCentres = 1, replication, skewsMs, settings = {}, env = {} } = options;
    await using started = new AsyncDisposableStack();
    const directory = started.use(await makeTempDir());
    const firstAddress = await freeAddress(nodes);
    // A node that is killed keeps all that it acknowledged.
    const shape = { nodes, dataCentres, settings, jvmArguments: SHORT_LIVED, commitLogSync: 'group' } as const;
    const cluster = started.use(await startCluster({ directory: directory.path, firstAddress, ...shape }));
    const localDataCentre = 'dc1';
    const keyspace = await openTestKeyspace({ replication, localDataCentre }, cluster.contactPoints);
    const gateways: Gateway[] = [];
    for (const [index, skewMs] of skewsMs.entries()) {
      const server = await startServeProcess({
        directory: join(directory.path, `gateway-${index}`),
        workers: 1,
        args: serveArguments(keyspace),
        env: {
          ...GRACES,
          ...env,
          PITHOS_CASSANDRA_LOCAL_DATA_CENTRE: localDataCentre,
          TEST_CLOCK_SKEW_MS: String(skewMs),
          NODE_OPTIONS: `--import ${SKEW_CLOCK}`,
        },
      });
      started.defer(() => server.kill());
      gateways.push({ server, skewMs });
    }
    return new CassandraGateways({ cluster, keyspace, gateways }, started.move());
  }

  /** One that tells of its answers may fail. */
  endpoint(index: number, onAnswer?: S3Endpoint['onAnswer']): S3Endpoint {
    const { server, skewMs } = this.gateways[index % this.gateways.length] ?? fail('There is no gateway.');
    const { host, port, keys } = server;
    const told = onAnswer === undefined ? {} : { onAnswer, mayFail: true };
    return { host, port, keys, skewMs, ...told };
  }

  async makeBucket(name: string, { isVersioned = false }: { readonly isVersioned?: boolean } = {}): Promise<void> {
    const { server, skewMs } = this.gateways[0] ?? fail('There is no gateway.');
    const sdk = new SdkClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: SERVE_KEYS,
      systemClockOffset: skewMs,
    });
    await sdk.send(new CreateBucketCommand({ Bucket: name }));
    const versioning = { Bucket: name, VersioningConfiguration: { Status: 'Enabled' } } as const;
    if (isVersioned) await sdk.send(new PutBucketVersioningCommand(versioning));
    sdk.destroy();
  }

  /** Holds a gateway where it is, wherever that may be. */
  pause(index: number): void {
    for (const pid of this.#pids(index)) process.kill(pid, 'SIGSTOP');
  }

  resume(index: number): void {
    for (const pid of this.#pids(index)) process.kill(pid, 'SIGCONT');
  }

  /** Runs `pithos fsck --deep`, as an operator does. */
  fsck(): Promise<{ readonly exitCode: number | null; readonly output: string }> {
    const command = [MAIN, 'fsck', '--deep', ...serveArguments(this.keyspace)];
    const env = { ...withoutUserSettings(process.env), PITHOS_CASSANDRA_LOCAL_DATA_CENTRE: 'dc1' };
    return new Promise((resolve) => {
      const fsck = execFile(process.execPath, command, { env }, (_, out, error) => {
        resolve({ exitCode: fsck.exitCode, output: out + error });
      });
    });
  }

  connect(): Promise<CassandraSession> {
    return this.keyspace.connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const index of this.gateways.keys()) this.resume(index);
    await this.#started.disposeAsync();
  }

  #pids(index: number): readonly number[] {
    const { server } = this.gateways[index] ?? fail('There is no such gateway.');
    return [server.pid, ...server.workerPids()];
  }
}

function fail(message: string): never {
  throw new RangeError(message);
}
