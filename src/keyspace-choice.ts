import { addressOf, type CassandraConfig } from './config/cassandra-config.ts';
import type { Config, StoreConfig } from './config/config.ts';
import { parseStorageClass, type RegionName } from './domain/names.ts';

/** A keyspace of the configuration, in the words of the engine. */
export function keyspaceChoice(config: CassandraConfig) {
  const { keyspace, localDataCentre, replication, credentials, tls, compaction, requestTimeoutMs } = config;
  return {
    contactPoints: config.contactPoints.map(addressOf),
    localDataCentre,
    keyspace,
    replication,
    levels: { read: config.readConsistency, write: config.writeConsistency, serial: config.serialConsistency },
    isEventual: config.eventual,
    isSingleDataCentre: config.singleDataCentre,
    username: credentials?.username,
    password: credentials?.password,
    tls,
    compaction: compaction && cqlMap({ class: compaction.class, ...compaction.options }),
    requestTimeoutMs,
    nowMs: () => Date.now(),
  };
}

function cqlMap(map: Readonly<Record<string, string>>): string {
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  return `{${Object.entries(map)
    .map(([key, value]) => `${quote(key)}: ${quote(value)}`)
    .join(', ')}}`;
}

/**
 * The keyspaces of a Pithos 0.7 with this configuration. Throws a `TypeError` that names a store which is on no cluster.
 */
export function originalChoices({ bucketstore, regions }: Pick<Config, 'bucketstore' | 'regions'>) {
  const standard = parseStorageClass('STANDARD');
  const places = new Map<RegionName, Readonly<Record<'metastore' | 'blobstore', ReturnType<typeof keyspaceChoice>>>>();
  for (const [name, { metastore, storageClasses }] of regions) {
    const blobstore = standard === undefined ? undefined : storageClasses.get(standard);
    places.set(name, {
      metastore: originalChoice(metastore, `The metastore of region ${name}`),
      blobstore: originalChoice(blobstore, `The storage class standard of region ${name}`),
    });
  }
  return { bucketstore: originalChoice(bucketstore.store, 'The bucketstore'), regions: places };
}

function originalChoice(store: StoreConfig | undefined, name: string) {
  if (store?.use === 'cassandra') return keyspaceChoice(store.cassandra);
  throw new TypeError(`${name} is on no cluster: this is no configuration of a Pithos 0.7.`);
}
