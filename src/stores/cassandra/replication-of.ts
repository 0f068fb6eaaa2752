import type { Client } from 'cassandra-driver';
import type { Replication } from './consistency.ts';

/** How the cluster keeps a keyspace, or `undefined` where there is none of this name. */
export async function readReplication(client: Client, keyspace: string): Promise<Replication | undefined> {
  const query = 'SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?';
  const row = (await client.execute(query, [keyspace], { prepare: true })).first();
  return row == null ? undefined : parseReplication(row.get('replication'));
}

function parseReplication(map: unknown): Replication {
  const entries = Object.entries(map as Readonly<Record<string, string>>);
  const name = entries.find(([key]) => key === 'class')?.[1] ?? '';
  const factors = new Map(
    entries.filter(([key]) => key !== 'class').map(([key, value]) => [key, Number.parseInt(value, 10)]),
  );
  if (name.endsWith('NetworkTopologyStrategy')) return { class: 'NetworkTopologyStrategy', factors };
  return { class: 'SimpleStrategy', factor: factors.get('replication_factor') ?? 1 };
}
