import { resolve as absolutePath } from 'node:path';
import type { CassandraConfig, CassandraTls, Replication } from './cassandra-config.ts';
import type { ConfiguredCassandra } from './cassandra-schema.ts';

const DEFAULT_KEYSPACE = 'pithos';
const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;

/** What is wrong with the settings of one store, or of the section. */
export interface CassandraMistake {
  /** `undefined`: something is missing. */
  readonly key: string | undefined;
  readonly message: string;
}

/** Whether any of its settings was given. */
export function isCassandraSet(set: ConfiguredCassandra): boolean {
  return Object.values(set).some((value) => value !== undefined);
}

/** The settings of a store, those that it lacks from the section `cassandra`. */
export function resolveCassandra(
  own: ConfiguredCassandra,
  section: ConfiguredCassandra,
): { readonly config: CassandraConfig; readonly mistakes: readonly CassandraMistake[] } {
  const mistakes: CassandraMistake[] = [];
  const set = { ...normalize(section), ...normalize(own) };
  if (set.cluster === undefined) {
    mistakes.push({ key: undefined, message: 'needs a cluster, such as 10.0.0.1, here or in the section cassandra' });
  }
  const { username, password } = set;
  const isHalf = (username === undefined) !== (password === undefined);
  if (isHalf) {
    const [given, missing] = username === undefined ? ['password', 'username'] : ['username', 'password'];
    mistakes.push({ key: given, message: `needs a ${missing} beside it` });
  }
  const config: CassandraConfig = {
    contactPoints: set.cluster ?? [],
    localDataCentre: set.localDataCentre,
    keyspace: set.keyspace ?? DEFAULT_KEYSPACE,
    replication: set.replication,
    readConsistency: set['read-consistency'] ?? 'QUORUM',
    writeConsistency: set['write-consistency'] ?? 'QUORUM',
    serialConsistency: set['serial-consistency'] ?? 'SERIAL',
    eventual: set.eventual ?? false,
    singleDataCentre: set['single-data-centre'] ?? false,
    credentials: username === undefined || password === undefined ? undefined : { username, password },
    tls: tlsOf(set.tls),
    compaction: set.compaction,
    requestTimeoutMs: set['request-timeout'] ?? DEFAULT_REQUEST_TIMEOUT_MS,
  };
  const { cert, key } = config.tls ?? {};
  if ((cert === undefined) !== (key === undefined)) {
    mistakes.push({ key: 'tls', message: 'needs cert and key together, or neither' });
  }
  if (config.readConsistency === 'ANY') {
    mistakes.push({ key: 'read-consistency', message: 'cannot be any, which is for writes alone' });
  }
  return { config, mistakes };
}

/** The settings that were given, by one name each. */
function normalize(set: ConfiguredCassandra) {
  const {
    'local-data-centre': localDataCentre = set['local-data-center'] ?? set['local-dc'],
    hints,
    repfactor,
    replication = hints?.replication ?? simple(repfactor),
    ...rest
  } = set;
  return withoutAbsent({ ...rest, localDataCentre, replication });
}

function simple(factor: number | undefined): Replication | undefined {
  return factor === undefined ? undefined : { class: 'SimpleStrategy', factor };
}

function withoutAbsent<Settings extends object>(settings: Settings): Partial<Settings> {
  const given: Partial<Settings> = { ...settings };
  for (const name of Object.keys(given)) {
    if (isKeyOf(name, given) && given[name] === undefined) delete given[name];
  }
  return given;
}

function isKeyOf<Settings extends object>(name: string, settings: Settings): name is Extract<keyof Settings, string> {
  return name in settings;
}

function tlsOf(set: ConfiguredCassandra['tls']): CassandraTls | undefined {
  if (set === undefined || set === 'off') return undefined;
  const path = (file: string | undefined) => (file === undefined ? undefined : absolutePath(file));
  return { ca: path(set.ca), cert: path(set.cert), key: path(set.key), verify: set.verify ?? true };
}
