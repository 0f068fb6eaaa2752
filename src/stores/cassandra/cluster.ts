import { auth, Client, type ClientOptions, errors, type Host, policies, types } from 'cassandra-driver';
import type { Secret } from '../../domain/secret.ts';
import { StoreError } from '../store.ts';
import { type TlsOptions, tlsProblem, tlsSettings } from './cluster-tls.ts';
import type { Levels, Replication } from './consistency.ts';

/** Where a cluster is, and how this process talks to it. */
export interface ClusterOptions {
  /** Host names or addresses, each perhaps with a port. */
  readonly contactPoints: readonly string[];
  /** Needed where the cluster has several. */
  readonly localDataCentre?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
  readonly tls?: TlsOptions | undefined;
  /** How long one request may take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** This process' clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** A keyspace as a store uses it. */
export interface KeyspaceOptions extends ClusterOptions {
  readonly keyspace: string;
  readonly replication: Replication;
  readonly levels: Levels;
  readonly isEventual: boolean;
  readonly isSingleDataCentre: boolean;
  /** As CQL writes a map, for `s3_block`; without it the cluster's own default. */
  readonly compaction?: string | undefined;
}

/** What a cluster says of itself. */
export interface ClusterFacts {
  readonly name: string;
  readonly version: string;
  readonly localDataCentre: string;
  readonly nodes: readonly NodeFacts[];
  /** What the cluster's clock is ahead of this process', in milliseconds. */
  readonly clockOffsetMs: number;
}

export interface NodeFacts {
  readonly address: string;
  readonly dataCentre: string;
  readonly rack: string;
  readonly version: string;
}

/** How long connecting may take, in milliseconds. */
const CONNECT_MS_MAX = 10_000;
/**
 * Requests of a connection that may be without an answer beyond their time; with one more it is closed. Nodes answer
 * sooner, if only with an error, so that it is the connection that is dead, or the node.
 */
const SILENCES_MAX = 3;
const PORT = 9042;

/** Asks a cluster who it is. Throws `StoreError` with one sentence that says what to do. */
export async function inspectCluster(options: ClusterOptions): Promise<ClusterFacts> {
  return await withAnyNode(options, (client) => factsOf(client, options));
}

/** The data centre to ask, of clusters too that are older than those that Pithos writes to. Throws `StoreError`. */
export async function findDataCentre(options: ClusterOptions): Promise<string> {
  return await withAnyNode(options, async (client) => {
    const local = (await client.execute('SELECT cluster_name FROM system.local')).first();
    return dataCentreOf(client, String(local.get('cluster_name')), options);
  });
}

async function withAnyNode<Found>(options: ClusterOptions, ask: (client: Client) => Promise<Found>): Promise<Found> {
  const client = new Client(await driverOptions(options, new policies.loadBalancing.RoundRobinPolicy()));
  try {
    await connected(client, options);
    return await ask(client);
  } catch (error) {
    throw connectError(error, options);
  } finally {
    await client.shutdown();
  }
}

/** A driver client that is connected, for the tables of a keyspace where one is given. */
export async function connectClient(
  options: ClusterOptions & { readonly keyspace?: string | undefined },
  localDataCentre: string,
): Promise<Client> {
  const balancing = new policies.loadBalancing.TokenAwarePolicy(
    new policies.loadBalancing.DCAwareRoundRobinPolicy(localDataCentre),
  );
  const { keyspace } = options;
  const settings = await driverOptions(options, balancing);
  const client = new Client({ ...settings, localDataCenter: localDataCentre, ...(keyspace ? { keyspace } : {}) });
  try {
    await connected(client, options);
    return client;
  } catch (error) {
    await client.shutdown();
    throw connectError(error, options);
  }
}

/** What keeps the driver from deciding anything: what to repeat, and when, is the engine's to know. */
class NoRetries extends policies.retry.RetryPolicy {
  override onUnavailable(): policies.retry.DecisionInfo {
    return this.rethrowResult();
  }

  override onReadTimeout(): policies.retry.DecisionInfo {
    return this.rethrowResult();
  }

  override onWriteTimeout(): policies.retry.DecisionInfo {
    return this.rethrowResult();
  }

  /** Of reads only: another node may answer; of a cluster that is gone two are enough to know it. */
  override onRequestError(
    ...[{ nbRetry }, consistency]: Parameters<policies.retry.RetryPolicy['onRequestError']>
  ): policies.retry.DecisionInfo {
    return nbRetry === 0 ? this.retryResult(consistency, false) : this.rethrowResult();
  }
}

async function driverOptions(
  { contactPoints, username, password, tls, requestTimeoutMs }: ClusterOptions,
  loadBalancing: policies.loadBalancing.LoadBalancingPolicy,
): Promise<ClientOptions> {
  return {
    contactPoints: contactPoints.map((point) => (/:\d+$/.test(point) ? point : `${point}:${PORT}`)),
    ...(username === undefined
      ? {}
      : { authProvider: new auth.PlainTextAuthProvider(username, password?.reveal() ?? '') }),
    ...(tls === undefined ? {} : { sslOptions: await tlsSettings(tls, contactPoints) }),
    policies: {
      loadBalancing,
      retry: new NoRetries(),
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(200, 10_000),
      // Every plain write names its timestamp: one by default would be a clock.
      timestampGeneration: noTimestamps(),
    },
    protocolOptions: { maxVersion: types.protocolVersion.v4 },
    socketOptions: {
      connectTimeout: CONNECT_MS_MAX / 2,
      readTimeout: requestTimeoutMs,
      defunctReadTimeoutThreshold: SILENCES_MAX,
    },
    pooling: { heartBeatInterval: 5_000 },
    encoding: { copyBuffer: false },
    queryOptions: { prepare: true, fetchSize: 5_000 },
  };
}

/** The driver takes `null` for none, which its types do not say. */
function noTimestamps(): policies.timestampGeneration.TimestampGenerator {
  return parseNoGenerator(null);
}

function parseNoGenerator(none: unknown): policies.timestampGeneration.TimestampGenerator {
  return none as policies.timestampGeneration.TimestampGenerator;
}

async function connected(client: Client, { contactPoints }: ClusterOptions): Promise<void> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    limit.reject(
      new StoreError('unavailable', `Cassandra at ${contactPoints.join(', ')} did not answer in ${CONNECT_MS_MAX} ms.`),
    );
  }, CONNECT_MS_MAX);
  const connecting = client.connect();
  try {
    await Promise.race([connecting, limit.promise]);
  } catch (error) {
    // A client that is told to end while it connects does not: it is told again when it has.
    connecting.then(() => client.shutdown()).catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What the cluster's clock is ahead of this process', in milliseconds, to about half a round trip. */
export async function clockOffset(client: Client, nowMs: () => number, host?: Host): Promise<number> {
  const beforeMs = nowMs();
  const query = 'SELECT toUnixTimestamp(now()) AS now_ms FROM system.local';
  const result = await client.execute(query, [], host === undefined ? {} : { host });
  return Number(result.first().get('now_ms')) - (beforeMs + nowMs()) / 2;
}

async function factsOf(client: Client, options: ClusterOptions): Promise<ClusterFacts> {
  const local = (await client.execute('SELECT cluster_name, release_version FROM system.local')).first();
  const clockOffsetMs = await clockOffset(client, options.nowMs);
  const nodes = client.hosts.values().map(
    (host): NodeFacts => ({
      address: host.address,
      dataCentre: host.datacenter,
      rack: host.rack,
      version: host.cassandraVersion,
    }),
  );
  const name = String(local.get('cluster_name'));
  const version = String(local.get('release_version'));
  return { name, version, localDataCentre: dataCentreOf(client, name, options), nodes, clockOffsetMs };
}

/** The one that is configured, else the only one that the cluster has. */
function dataCentreOf(client: Client, name: string, { localDataCentre }: ClusterOptions): string {
  const dataCentres = [...new Set(client.hosts.values().map(({ datacenter }) => datacenter))].sort();
  const [only] = dataCentres;
  const names = dataCentres.join(', ');
  if (localDataCentre === undefined && (only === undefined || dataCentres.length > 1)) {
    throw new StoreError(
      'unavailable',
      `The cluster ${name} has several data centres: set local-data-centre to one of ${names}.`,
    );
  }
  if (localDataCentre !== undefined && !dataCentres.includes(localDataCentre)) {
    throw new StoreError(
      'unavailable',
      `The cluster ${name} has no data centre ${localDataCentre}: set local-data-centre to one of ${names}.`,
    );
  }
  return localDataCentre ?? only ?? '';
}

function connectError(error: unknown, { contactPoints, username }: ClusterOptions): StoreError {
  if (error instanceof StoreError) return error;
  const where = contactPoints.join(', ');
  const causes = error instanceof errors.NoHostAvailableError ? Object.values(error.innerErrors ?? {}) : [error];
  const [first] = causes;
  const reason = first instanceof Error ? (first.message.split('\n', 1)[0] ?? '') : String(first);
  const isRefusal = causes.some((cause) => cause instanceof errors.AuthenticationError);
  if (isRefusal || /authenticat/i.test(reason)) {
    const who =
      username === undefined
        ? 'It needs a user: set username and password'
        : `Check username ${username} and its password`;
    return new StoreError('unavailable', `Cassandra at ${where} refused the credentials. ${who}.`, { cause: error });
  }
  if (/keyspace/i.test(reason)) {
    return new StoreError('unavailable', `${reason} at ${where}. Run \`pithos install-schema\`.`, { cause: error });
  }
  const tls = tlsProblem(first);
  const advice = tls?.advice ?? 'Check that it runs, the contact points, and TLS.';
  return new StoreError('unavailable', `Cassandra at ${where} cannot be reached: ${tls?.reason ?? reason}. ${advice}`, {
    cause: error,
  });
}
