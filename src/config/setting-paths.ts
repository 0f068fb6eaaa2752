/** What a store on Cassandra may be told. */
const OF_CASSANDRA = [
  'cluster',
  'local-data-centre',
  'local-data-center',
  'local-dc',
  'keyspace',
  'replication',
  'hints.replication',
  'repfactor',
  'read-consistency',
  'write-consistency',
  'serial-consistency',
  'eventual',
  'single-data-centre',
  'username',
  'password',
  'tls',
  'tls.ca',
  'tls.cert',
  'tls.key',
  'tls.verify',
  'compaction',
  'request-timeout',
];

const BY_SECTION: Readonly<Record<string, readonly string[]>> = {
  service: ['host', 'port', 'admin-host', 'admin-port', 'workers', 'shutdown-grace', 'tls.cert', 'tls.key'],
  logging: ['level', 'format', 'console', 'files'],
  options: [
    'data-directory',
    'service-uri',
    'public-url',
    'trusted-proxies',
    'signature-v2',
    'default-cors',
    'object-ownership',
    'buckets',
    'durability',
    'stale-uploads-after',
    'intent-grace',
    'reclaim-grace',
    'disk-free-min',
  ],
  cassandra: OF_CASSANDRA,
  keystore: ['use', 'path', ...OF_CASSANDRA],
  bucketstore: ['use', 'path', ...OF_CASSANDRA, 'default-region'],
};

/**
 * The dotted paths of every scalar setting whose place has a fixed name, such as `service.port`: the environment and the
 * flags can set these. They are those of the schema, which a test holds, and stand here so that a start that needs no
 * schema loads none.
 */
export const SETTING_PATHS: readonly string[] = Object.entries(BY_SECTION).flatMap(([section, names]) =>
  names.map((name) => `${section}.${name}`),
);

/** The keys of the section `cassandra`, which a store may have among its own. */
export const CASSANDRA_KEYS: readonly string[] = [...keysOfSection('cassandra')];

/** The keys that a section with fixed names knows; none of another. */
export function keysOfSection(section: string): ReadonlySet<string> {
  return new Set((BY_SECTION[section] ?? []).map((name) => name.split('.', 1).join()));
}

/** `service.admin-port` is `PITHOS_SERVICE_ADMIN_PORT`. */
export function environmentName(settingPath: string): string {
  return `PITHOS_${settingPath.toUpperCase().replaceAll(/[.-]/g, '_')}`;
}
