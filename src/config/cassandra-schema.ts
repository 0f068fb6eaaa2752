import { z } from 'zod';
import { Secret } from '../domain/secret.ts';
import {
  CONSISTENCIES,
  type Compaction,
  type Consistency,
  type ContactPoint,
  type Replication,
  SERIAL_CONSISTENCIES,
  type SerialConsistency,
} from './cassandra-config.ts';
import { parseInteger } from './rules.ts';
import { boolean, durationOf, integer, scalar, textOf } from './scalars.ts';

const PORT = 9042;
/** More contact points are of no use: the nodes tell of each other. */
const CONTACT_POINTS_MAX = 1_000;
const REPLICAS_MAX = 100;
const REQUEST_TIMEOUT_MS_MIN = 100;

const CLUSTER = 'addresses of nodes such as 10.0.0.1 or db.example.com:9042, in a list or separated by commas';
const REPLICATION =
  '{ class: NetworkTopologyStrategy, dc1: 3 }, { class: SimpleStrategy, factor: 3 }, or short: dc1:3, or 3';
const COMPACTIONS = ['UnifiedCompactionStrategy', 'SizeTieredCompactionStrategy', 'LeveledCompactionStrategy'];
const PACKAGE = /^org\.apache\.cassandra\.(locator|db\.compaction)\./;
const HOST = /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<host>[\w.-]{1,253}))(?::(?<port>\d{1,5}))?$/;
const IPV6 = /^[\da-fA-F]*:[\da-fA-F:.]*:[\da-fA-F.]*$/;
const DATA_CENTRE = /^[\w.-]{1,64}$/;
const KEYSPACE = /^[A-Za-z]\w{0,47}$/;

const cluster = z
  .union([z.string(), z.array(z.string())], { error: `must be ${CLUSTER}` })
  .transform((value, context) => {
    const texts = typeof value === 'string' ? value.split(',') : value;
    const points = texts.map((text) => parseContactPoint(text.trim()));
    const isSome = points.length > 0 && points.length <= CONTACT_POINTS_MAX;
    if (isSome && points.every((point) => point !== undefined)) return points;
    context.addIssue({ code: 'custom', message: `must be ${CLUSTER}, not ${JSON.stringify(value)}` });
    return z.NEVER;
  });

const replication = z
  .union([z.string(), z.record(z.string(), z.string())], { error: `must be ${REPLICATION}` })
  .transform((value, context) => {
    const parsed = typeof value === 'string' ? parseReplicationText(value) : parseReplication(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: `must be ${REPLICATION}` });
    return z.NEVER;
  });

const compaction = z
  .union([z.string(), z.record(z.string(), z.string())], { error: `must be one of ${COMPACTIONS.join(', ')}` })
  .transform((value, context): Compaction => {
    const { class: name = '', ...options } = typeof value === 'string' ? { class: value } : value;
    const known = COMPACTIONS.find((each) => each === name.replace(PACKAGE, ''));
    if (known !== undefined) return { class: known, options };
    context.addIssue({ code: 'custom', message: `must have a class, one of ${COMPACTIONS.join(', ')}` });
    return z.NEVER;
  });

const file = textOf('the path of a PEM file');
const dataCentre = scalar('the name of a data centre', (text) => (DATA_CENTRE.test(text) ? text : undefined));

const tls = z
  .union([boolean, z.strictObject({ ca: file, cert: file, key: file, verify: boolean }).partial()], {
    error: 'must be true, or a map of ca, cert, key and verify',
  })
  .transform((value) => {
    if (value === false) return 'off';
    return value === true ? {} : value;
  });

/**
 * What a store on Cassandra may be told, and the section `cassandra` for all of them. The names are the original's
 * where it has one; it wrote replication as `hints` or `repfactor`.
 */
export const cassandraKeys = {
  cluster: cluster.optional(),
  'local-data-centre': dataCentre.optional(),
  'local-data-center': dataCentre.optional(),
  'local-dc': dataCentre.optional(),
  keyspace: scalar('the name of a keyspace: at most 48 letters, digits and underscores', (text) =>
    KEYSPACE.test(text) ? text.toLowerCase() : undefined,
  ).optional(),
  replication: replication.optional(),
  hints: z.strictObject({ replication }).optional(),
  repfactor: integer(1, REPLICAS_MAX).optional(),
  'read-consistency': level(CONSISTENCIES).optional(),
  'write-consistency': level(CONSISTENCIES).optional(),
  'serial-consistency': level(SERIAL_CONSISTENCIES).optional(),
  eventual: boolean.optional(),
  'single-data-centre': boolean.optional(),
  username: textOf('the name of a user').optional(),
  password: scalar('a password', (text) => (text === '' ? undefined : new Secret(text)), 'secret').optional(),
  tls: tls.optional(),
  compaction: compaction.optional(),
  'request-timeout': durationOf(REQUEST_TIMEOUT_MS_MIN).optional(),
};

const cassandraSection = z.strictObject(cassandraKeys);

export type ConfiguredCassandra = z.output<typeof cassandraSection>;

/** `local-quorum` and `LOCAL_QUORUM` are the same. */
function level<Level extends Consistency | SerialConsistency>(levels: readonly Level[]) {
  const names = levels.map((each) => each.toLowerCase().replaceAll('_', '-')).join(', ');
  return scalar(`one of ${names}`, (text) => levels.find((each) => each === text.toUpperCase().replaceAll('-', '_')));
}

function parseContactPoint(text: string): ContactPoint | undefined {
  if (IPV6.test(text)) return { host: text, port: PORT };
  const { v6, host = v6, port } = HOST.exec(text)?.groups ?? {};
  const number = port === undefined ? PORT : parseInteger(port, 1, 65_535);
  return host === undefined || number === undefined ? undefined : { host, port: number };
}

function parseReplication(map: Readonly<Record<string, string>>): Replication | undefined {
  const { class: name = '', ...rest } = map;
  const factors = new Map(Object.entries(rest).map(([key, text]) => [key, parseInteger(text, 0, REPLICAS_MAX)]));
  switch (name.replace(PACKAGE, '')) {
    case 'SimpleStrategy': {
      const factor = factors.get('factor') ?? factors.get('replication_factor');
      return factors.size === 1 && factor !== undefined && factor > 0 ? { class: 'SimpleStrategy', factor } : undefined;
    }
    case 'NetworkTopologyStrategy':
      return topology([...factors]);
    default:
      return undefined;
  }
}

/** `3`, or `dc1:3, dc2:3`. */
function parseReplicationText(text: string): Replication | undefined {
  const factor = parseInteger(text.trim(), 1, REPLICAS_MAX);
  if (factor !== undefined) return { class: 'SimpleStrategy', factor };
  const pairs = text.split(',').map((pair): [string, number | undefined] => {
    const [name = '', count = ''] = pair.split(':');
    return [name.trim(), parseInteger(count.trim(), 0, REPLICAS_MAX)];
  });
  return topology(pairs);
}

function topology(pairs: readonly (readonly [string, number | undefined])[]): Replication | undefined {
  const factors = new Map<string, number>();
  for (const [name, factor] of pairs) {
    if (!DATA_CENTRE.test(name) || factor === undefined) return undefined;
    factors.set(name, factor);
  }
  const isSome = [...factors.values()].some((factor) => factor > 0);
  return isSome ? { class: 'NetworkTopologyStrategy', factors } : undefined;
}
