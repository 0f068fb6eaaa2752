import { type Client, types } from 'cassandra-driver';
import { type CallOptions, StoreError } from '../store.ts';
import { type ClusterFacts, clockOffset, type KeyspaceOptions, type NodeFacts } from './cluster.ts';
import { levelProblems, replicationCql, survives } from './consistency.ts';
import { checkSchema } from './install-schema.ts';
import type { StoreKind } from './migrations.ts';
import { readReplication } from './replication-of.ts';
import { CassandraSession } from './session.ts';
import { BUCKET, BUCKET_STATE } from './tables.ts';

/** One line of the doctor's report: `ok` for what is as it should be, else what to do about it. */
export interface Finding {
  readonly severity: 'ok' | 'warning' | 'error';
  readonly text: string;
}

/** Differences of clocks that are told, in milliseconds: reclaim's rest allows for more, operators should know. */
const CLOCK_DIFFERENCE_MS_MAX = 1_000;
/** Partitions of listings are split long before this, in bytes. */
const PARTITION_BYTES_MAX = 100 * 1024 ** 2;
/** Tombstones that a read passes over, in the mean: more make reads slow. */
const TOMBSTONES_MAX = 1_000;
/** How long a node may be away before a repair must have run, where nobody says otherwise, in seconds. */
const GC_GRACE_SECONDS = 864_000;
const MAJOR_VERSION_MIN = 4;

/** Looks at one keyspace and the cluster under it. Throws `StoreError` where it cannot be reached at all. */
export async function examineKeyspace(
  options: KeyspaceOptions,
  kinds: readonly StoreKind[],
  call: CallOptions,
): Promise<readonly Finding[]> {
  await using session = await CassandraSession.connect(options);
  const { client, facts } = session;
  const findings: Finding[] = [...describeCluster(facts), ...versionFindings(facts.nodes)];
  findings.push(...(await replicationFindings(client, options, facts)));
  findings.push(await schemaFinding(client, options, kinds));
  findings.push(...(await nodeFindings(session)));
  findings.push(...(await tableFindings(client, options.keyspace)));
  if (kinds.includes('metastore') || kinds.includes('bucketstore')) {
    findings.push(await requestFinding(session, kinds, call));
  }
  findings.push({
    severity: 'ok',
    text: `repair every node within gc_grace_seconds (${GC_GRACE_SECONDS / 86_400} days unless changed): what was deleted may come back otherwise`,
  });
  return findings;
}

function describeCluster({ name, localDataCentre, nodes }: ClusterFacts): readonly Finding[] {
  const byDataCentre = Map.groupBy(nodes, ({ dataCentre }) => dataCentre);
  const counts = [...byDataCentre].map(([dataCentre, members]) => `${dataCentre} ${members.length}`).join(', ');
  return [{ severity: 'ok', text: `cluster ${name}: nodes ${counts}; local data centre ${localDataCentre}` }];
}

/** Mixed releases are for the time of an upgrade; before 4.0 nothing was tried. */
export function versionFindings(nodes: readonly NodeFacts[]): readonly Finding[] {
  const versions = [...new Set(nodes.map(({ version }) => version))].sort();
  const old = versions.filter((version) => Number.parseInt(version, 10) < MAJOR_VERSION_MIN);
  if (old.length > 0) {
    return [{ severity: 'error', text: `release ${old.join(', ')} is too old: Pithos needs 4.0 or later, upgrade it` }];
  }
  if (versions.length > 1) {
    return [{ severity: 'warning', text: `nodes run different releases (${versions.join(', ')}): finish the upgrade` }];
  }
  return [{ severity: 'ok', text: `release ${versions.join(', ')}` }];
}

async function replicationFindings(
  client: Client,
  options: KeyspaceOptions,
  { localDataCentre, nodes }: ClusterFacts,
): Promise<readonly Finding[]> {
  const replication = await readReplication(client, options.keyspace);
  if (replication === undefined) {
    return [{ severity: 'error', text: `there is no keyspace ${options.keyspace}: run pithos install-schema` }];
  }
  const use = { ...options, replication, localDataCentre };
  const problems = levelProblems(use).map((text): Finding => ({ severity: 'error', text }));
  if (replication.class === 'NetworkTopologyStrategy') {
    for (const [dataCentre, factor] of replication.factors) {
      const count = nodes.filter((node) => node.dataCentre === dataCentre).length;
      if (count >= factor) continue;
      problems.push({ severity: 'error', text: `${dataCentre} has ${count} nodes for ${factor} copies: add nodes` });
    }
  }
  if (problems.length > 0) return problems;
  return [{ severity: 'ok', text: `replication ${replicationCql(replication)}: ${survives(use)}` }];
}

async function schemaFinding(client: Client, options: KeyspaceOptions, kinds: readonly StoreKind[]): Promise<Finding> {
  try {
    await checkSchema(client, options, kinds);
    return { severity: 'ok', text: `tables for ${kinds.join(', ')} are installed` };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { severity: 'error', text: error.message };
  }
}

/** What each node says of itself: its clock, and when it writes to its disk. */
async function nodeFindings({ client, options }: CassandraSession): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const offsets: number[] = [];
  for (const host of client.hosts.values()) {
    if (!host.isUp()) {
      findings.push({ severity: 'warning', text: `node ${host.address} is down: start it, or replace it` });
      continue;
    }
    offsets.push(await clockOffset(client, options.nowMs, host));
    const query = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'";
    const row = (await client.execute(query, [], { prepare: false, host, consistency: ONE })).first();
    if (row != null && String(row.get('value')) === 'periodic') {
      findings.push({
        severity: 'warning',
        text: `node ${host.address} has commitlog_sync: periodic: what was acknowledged is on its disk up to 10 s later, and a power cut may take it; set group or batch`,
      });
    }
  }
  findings.push(clockFinding(offsets));
  return findings;
}

/** How far the clocks of the nodes, and of this machine, are apart. */
export function clockFinding(offsets: readonly number[]): Finding {
  const own = Math.max(0, ...offsets.map(Math.abs));
  const among = offsets.length === 0 ? 0 : Math.max(...offsets) - Math.min(...offsets);
  const text = `clocks: nodes ${Math.round(among)} ms apart, this machine ${Math.round(own)} ms off`;
  if (Math.max(own, among) <= CLOCK_DIFFERENCE_MS_MAX) return { severity: 'ok', text };
  return { severity: 'warning', text: `${text}; nothing is lost by that, but run NTP everywhere` };
}

/** Sizes of partitions and tombstones, as the node that answers knows them; from 5.0 on it tells. */
async function tableFindings(client: Client, keyspace: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { view, column, limit, what } of VIEWS) {
    const query = `SELECT table_name, ${column} AS found FROM system_views.${view} WHERE keyspace_name = ?`;
    const rows = await client
      .execute(`${query} ALLOW FILTERING`, [keyspace], { prepare: true, consistency: ONE })
      .catch(() => undefined);
    for (const row of rows?.rows ?? []) {
      const found = Number(row.get('found'));
      if (found > limit) findings.push({ severity: 'warning', text: what(String(row.get('table_name')), found) });
    }
  }
  return findings.length > 0 ? findings : [{ severity: 'ok', text: 'no large partition and few tombstones' }];
}

const ONE = types.consistencies.localOne;
const VIEWS = [
  {
    view: 'max_partition_size',
    column: 'mebibytes',
    limit: PARTITION_BYTES_MAX / 1024 ** 2,
    what: (table: string, found: number) =>
      `the largest partition of ${table} has ${found} MiB: look whether the gateways log errors of background work`,
  },
  {
    view: 'tombstones_per_read',
    column: 'mean',
    limit: TOMBSTONES_MAX,
    what: (table: string, found: number) =>
      `a read of ${table} passes over ${Math.round(found)} tombstones in the mean: compact it, or repair and wait for gc_grace`,
  },
] as const;

/** A read at each level, and a transaction that changes nothing. */
async function requestFinding(
  session: CassandraSession,
  kinds: readonly StoreKind[],
  { signal }: CallOptions,
): Promise<Finding> {
  const table = kinds.includes('metastore') ? BUCKET_STATE : BUCKET;
  const key = table.partition.map(() => 'pithos-doctor');
  const where = table.partition.map(({ name }) => `${name} = ?`).join(' AND ');
  const { read, write, serial } = session.options.levels;
  const select = { query: `SELECT head FROM ${table.name} WHERE ${where}`, params: key };
  // It can never hold: nothing has this sequence.
  const update = { query: `UPDATE ${table.name} SET head = null WHERE ${where} IF seq = -1`, params: key };
  try {
    await session.send(select, { table: table.name, operation: 'read', level: 'read', signal });
    await session.send(select, { table: table.name, operation: 'serial-read', level: 'serial', signal });
    await session.send(update, { table: table.name, operation: 'transaction', level: 'write', signal });
    return { severity: 'ok', text: `requests at ${read}, ${write} and ${serial} are answered` };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { severity: 'error', text: `requests are not answered: ${error.message}` };
  }
}
