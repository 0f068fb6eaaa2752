import timers from 'node:timers/promises';
import { type Client, type Host, types } from 'cassandra-driver';
import { StoreError } from '../store.ts';
import { type ClusterFacts, connectClient, inspectCluster, type KeyspaceOptions } from './cluster.ts';
import { levelProblems, type Replication, replicationCql } from './consistency.ts';
import { isRefused, storeErrorOf } from './driver-errors.ts';
import { MIGRATIONS, readMigration, type StoreKind, versionOf } from './migrations.ts';
import { readReplication } from './replication-of.ts';
import { BLOCK, TABLES } from './tables.ts';

/** How long nodes may take to agree on a change of the schema, in milliseconds. */
const AGREEMENT_MS_MAX = 60_000;
const AGREEMENT_POLL_MS = 100;
/** How long one node may take to know a new keyspace, in milliseconds. */
const USE_MS_MAX = 5_000;

const SCHEMA_TABLE = `CREATE TABLE IF NOT EXISTS s3_schema (kind text PRIMARY KEY, version int)`;

export interface InstallReport {
  readonly keyspace: string;
  readonly isNewKeyspace: boolean;
  /** Migrations that were run; none where everything was there. */
  readonly migrations: readonly string[];
}

/**
 * Makes a keyspace ready for stores of these kinds: the keyspace with its replication where it is missing, and the
 * migrations that have not run. Changes nothing that is there; may be run again, and by several at once.
 * Throws `StoreError` with one sentence that says what to do.
 */
export async function installSchema(options: KeyspaceOptions, kinds: readonly StoreKind[]): Promise<InstallReport> {
  const facts = await inspectCluster(options);
  const { localDataCentre } = facts;
  const { keyspace, ...cluster } = options;
  const client = await connectClient(cluster, localDataCentre);
  const execute: Execute = async (statement) => {
    await client.execute(statement, [], { prepare: false, ...oneNode(client, localDataCentre) });
  };
  try {
    const isNewKeyspace = await createKeyspace({ client, execute }, options, facts);
    await useKeyspace(execute, keyspace);
    await execute(SCHEMA_TABLE);
    await agree(client, localDataCentre);
    const migrations: string[] = [];
    const versions = await installedVersions(client, options);
    for (const migration of MIGRATIONS) {
      const { kind, number } = migration;
      if (!kinds.includes(kind) || number <= (versions.get(kind) ?? 0)) continue;
      for (const statement of await readMigration(migration)) await execute(withCompaction(statement, options));
      await agree(client, localDataCentre);
      const insert = 'INSERT INTO s3_schema (kind, version) VALUES (?, ?)';
      await client.execute(insert, [kind, number], { prepare: true, consistency: levelOfVersions(options) });
      migrations.push(`${String(number).padStart(4, '0')}-${kind}`);
    }
    return { keyspace, isNewKeyspace, migrations };
  } catch (error) {
    throw storeErrorOf(error, 'write');
  } finally {
    await client.shutdown();
  }
}

/** Checks what a server needs of a keyspace before it starts. Throws `StoreError` with one sentence. */
export async function checkSchema(
  client: Client,
  options: KeyspaceOptions,
  kinds: readonly StoreKind[],
): Promise<void> {
  const { keyspace } = options;
  const replication = await readReplication(client, keyspace);
  if (replication === undefined) {
    throw new StoreError('unavailable', `There is no keyspace ${keyspace}. Run \`pithos install-schema\`.`);
  }
  const versions = await installedVersions(client, options);
  for (const kind of kinds) {
    const version = versions.get(kind) ?? 0;
    if (version < versionOf(kind)) {
      const state = version === 0 ? `has no ${kind}` : `has an older ${kind}`;
      throw new StoreError('unavailable', `Keyspace ${keyspace} ${state}. Run \`pithos install-schema\`.`);
    }
    if (version > versionOf(kind)) {
      throw new StoreError('unavailable', `Keyspace ${keyspace} has a newer ${kind}. Use the release that made it.`);
    }
  }
}

/** What keeps a keyspace as it is from giving the promises at these levels. */
export async function checkReplication(
  client: Client,
  options: KeyspaceOptions,
  localDataCentre: string,
): Promise<Replication> {
  const replication = (await readReplication(client, options.keyspace)) ?? options.replication;
  const [problem] = levelProblems({ ...options, replication, localDataCentre });
  if (problem === undefined) return replication;
  throw new StoreError(
    'unavailable',
    `Keyspace ${options.keyspace} has the replication ${replicationCql(replication)}. ${problem}`,
  );
}

/** Changes the schema. */
type Execute = (statement: string) => Promise<void>;

/**
 * The node that changes the schema: the same for all who install at once in a data centre, for it makes changes one
 * after the other. Two nodes may make the same table twice, and then have to be restarted.
 */
function oneNode(client: Client, localDataCentre: string): { readonly host?: Host } {
  const [host] = client.hosts
    .values()
    .filter((node) => node.isUp() && node.datacenter === localDataCentre)
    .sort((a, b) => (a.address < b.address ? -1 : 1));
  return host === undefined ? {} : { host };
}

/** A keyspace that another has just made is to be read of a moment before it can be used. */
async function useKeyspace(execute: Execute, keyspace: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += AGREEMENT_POLL_MS) {
    try {
      return await execute(`USE "${keyspace}"`);
    } catch (error) {
      if (!isRefused(error) || waitedMs >= USE_MS_MAX) throw error;
    }
    await timers.setTimeout(AGREEMENT_POLL_MS);
  }
}

/** Whether it was made; throws where one of the name is not what was asked for. */
async function createKeyspace(
  { client, execute }: { readonly client: Client; readonly execute: Execute },
  options: KeyspaceOptions,
  { name, localDataCentre, nodes }: ClusterFacts,
): Promise<boolean> {
  const { keyspace, replication } = options;
  const isMissing = (await readReplication(client, keyspace)) === undefined;
  if (isMissing) {
    const known = new Set(nodes.map(({ dataCentre }) => dataCentre));
    const named = replication.class === 'NetworkTopologyStrategy' ? [...replication.factors.keys()] : [];
    const [unknown] = named.filter((dataCentre) => !known.has(dataCentre));
    if (unknown !== undefined) {
      throw new StoreError(
        'unavailable',
        `The cluster ${name} has no data centre ${unknown}, which the replication names: it has ${[...known].sort().join(', ')}.`,
      );
    }
    const [problem] = levelProblems({ ...options, localDataCentre });
    if (problem !== undefined) throw new StoreError('unavailable', `Keyspace ${keyspace}: ${problem}`);
    await execute(`CREATE KEYSPACE IF NOT EXISTS "${keyspace}" WITH replication = ${replicationCql(replication)}`);
    await agree(client, localDataCentre);
  }
  // Another may have made it meanwhile, and otherwise.
  const existing = (await readReplication(client, keyspace)) ?? replication;
  if (sortedCql(existing) !== sortedCql(replication)) {
    const how = `ALTER KEYSPACE "${keyspace}" WITH replication = ${replicationCql(replication)}`;
    throw new StoreError(
      'unavailable',
      `Keyspace ${keyspace} has the replication ${replicationCql(existing)}, and the configuration asks for another. Change the configuration, or run ${how} and then a repair of every node.`,
    );
  }
  await checkReplication(client, options, localDataCentre);
  return isMissing;
}

/** The same for replications that are the same. */
function sortedCql(replication: Replication): string {
  if (replication.class === 'SimpleStrategy') return replicationCql(replication);
  const kept = [...replication.factors].filter(([, factor]) => factor > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  return replicationCql({ ...replication, factors: new Map(kept) });
}

/** The version of the tables of each kind; a kind of which a table is missing is not installed. */
async function installedVersions(client: Client, options: KeyspaceOptions): Promise<ReadonlyMap<string, number>> {
  const { keyspace } = options;
  const query = 'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?';
  const found = await client.execute(query, [keyspace], { prepare: true });
  const tables = new Set(found.rows.map((row) => String(row.get('table_name'))));
  if (!tables.has('s3_schema')) return new Map();
  const consistency = levelOfVersions(options);
  const select = `SELECT kind, version FROM "${keyspace}".s3_schema`;
  const rows = await client.execute(select, [], { prepare: false, consistency, isIdempotent: true });
  const versions = new Map(rows.rows.map((row) => [String(row.get('kind')), Number(row.get('version'))]));
  for (const [kind, needed] of Object.entries(TABLES)) {
    if (!needed.every((table) => tables.has(table.name))) versions.delete(kind);
  }
  return versions;
}

function levelOfVersions({ isEventual }: KeyspaceOptions): types.consistencies {
  return isEventual ? types.consistencies.localOne : types.consistencies.localQuorum;
}

function withCompaction(statement: string, { compaction }: KeyspaceOptions): string {
  const isBlocks = statement.includes(`EXISTS ${BLOCK.name} `);
  return isBlocks && compaction !== undefined ? `${statement} AND compaction = ${compaction}` : statement;
}

async function agree(client: Client, localDataCentre: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < AGREEMENT_MS_MAX; waitedMs += AGREEMENT_POLL_MS) {
    if (await agrees(client, localDataCentre)) return;
    await timers.setTimeout(AGREEMENT_POLL_MS);
  }
  throw new StoreError(
    'unavailable',
    'The nodes do not agree on the schema: look at `nodetool describecluster`, and run this again when they do.',
  );
}

/** Whether every node that is up has the same version of the schema. */
async function agrees(client: Client, localDataCentre: string): Promise<boolean> {
  // Of one node, which has itself in one table and the others in the other.
  const options = { prepare: false, isIdempotent: true, ...oneNode(client, localDataCentre) };
  const local = (await client.execute('SELECT schema_version FROM system.local', [], options)).first();
  const version = String(local.get('schema_version'));
  const peers = await client.execute('SELECT host_id, schema_version FROM system.peers', [], options);
  return peers.rows.every((peer) => {
    const id = String(peer.get('host_id'));
    const host = client.hosts.values().find((known) => String(known.hostId) === id);
    return host?.isUp() === false || String(peer.get('schema_version')) === version;
  });
}
