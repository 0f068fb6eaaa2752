import { z } from 'zod';
import { parseAccessKeyId, parseRegionName, parseStorageClass, parseTenantId } from '../domain/names.ts';
import type { LogLevel } from './config.ts';
import { parseDurationMs, parseSizeBytes } from './units.ts';

/** Shorter ones would take the ground from under writes and reads that run, in milliseconds. */
const INTENT_GRACE_MS_MIN = 10_000;
const RECLAIM_GRACE_MS_MIN = 10_000;
/** Most worker processes one server may have. */
const WORKERS_MAX = 256;
/** Most regions, most storage classes of one region, and most keys in the file. */
const NAMED_MAX = 10_000;

const CASSANDRA = /^(cassandra|io\.pithos\.(bucket|meta|blob)\/cassandra-(bucket|meta|blob)-store)$/;
const MAP_KEYSTORE = ['map', 'io.pithos.keystore/map-keystore'];
const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  all: 'debug',
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
  off: 'silent',
};

/** What one scalar of the configuration may be: `parse` gives its value, or `undefined` where it is none. */
function scalar<Value>(
  expected: string,
  parse: (text: string) => Value | undefined,
  show: 'shown' | 'secret' = 'shown',
) {
  const error = (issue: { input?: unknown }) =>
    `${issue.input === undefined ? 'is missing: it ' : ''}must be ${expected}`;
  return z.string({ error }).transform((text, context): Value => {
    const value = parse(text);
    if (value !== undefined) return value;
    const got = show === 'secret' ? '' : `, not ${JSON.stringify(text)}`;
    context.addIssue({ code: 'custom', message: `must be ${expected}${got}` });
    return z.NEVER;
  });
}

function oneOf<const Value extends string>(...values: readonly Value[]) {
  return scalar(`one of ${values.join(', ')}`, (text) => values.find((value) => value === text));
}

function integer(min: number, max: number) {
  return scalar(`a whole number from ${min} to ${max}`, (text) => parseInteger(text, min, max));
}

function parseInteger(text: string, min: number, max: number): number | undefined {
  const value = Number(text);
  return /^\d{1,15}$/.test(text) && value >= min && value <= max ? value : undefined;
}

const textOf = (expected: string) => scalar(expected, (text) => (text === '' ? undefined : text));
const boolean = scalar('true or false', (text) => (text === 'true' ? true : text === 'false' ? false : undefined));
const duration = scalar('a duration such as 500ms, 30s or 2h', parseDurationMs);
const durationOf = (minMs: number) =>
  scalar(`a duration of at least ${minMs / 1000}s, such as 5m`, (text) => {
    const ms = parseDurationMs(text);
    return ms !== undefined && ms >= minMs ? ms : undefined;
  });
const path = textOf('the path of a directory');

const engine = z.string({ error: 'must be one of embedded, memory' }).transform((text, context) => {
  if (text === 'embedded' || text === 'memory') return text;
  const message = CASSANDRA.test(text)
    ? 'the Cassandra engine is not in this version: use embedded or memory'
    : `must be one of embedded, memory, not ${JSON.stringify(text)}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const store = { use: engine.optional(), path: path.optional() };

const accessKey = z.strictObject({
  tenant: textOf('the name of a tenant').transform(parseTenantId),
  secret: scalar('a secret access key', (text) => (text === '' ? undefined : text), 'secret'),
  'display-name': textOf('a name').optional(),
  master: boolean.optional(),
  memberof: z.array(textOf('the name of a group'), { error: 'must be a list of groups' }).optional(),
});

const region = z.strictObject({
  metastore: z.strictObject(store).optional(),
  'storage-classes': named('storage class name', z.strictObject(store), parseStorageClassName).optional(),
});

/**
 * The configuration file: every scalar is a text, as the file, a variable of the environment or a flag has it.
 * Sections and names are those of the original's `pithos.yaml`.
 */
export const configurationSchema = z.strictObject({
  service: z
    .strictObject({
      host: textOf('a host name or an IP address').optional(),
      port: integer(0, 65_535).optional(),
      'admin-host': textOf('a host name or an IP address').optional(),
      'admin-port': scalar('a port from 0 to 65535, or off', (text) =>
        text === 'off' ? text : parseInteger(text, 0, 65_535),
      ).optional(),
      workers: integer(1, WORKERS_MAX).optional(),
      'shutdown-grace': duration.optional(),
    })
    .optional(),
  logging: z
    .strictObject({
      level: scalar(`one of ${Object.keys(LOG_LEVELS).join(', ')}`, (text) => LOG_LEVELS[text]).optional(),
      format: oneOf('auto', 'pretty', 'json').optional(),
    })
    .optional(),
  options: z
    .strictObject({
      'data-directory': path.optional(),
      'service-uri': scalar('host names, separated by commas', parseHostNames).optional(),
      durability: oneOf('strict', 'relaxed').optional(),
      'stale-uploads-after': duration.optional(),
      'intent-grace': durationOf(INTENT_GRACE_MS_MIN).optional(),
      'reclaim-grace': durationOf(RECLAIM_GRACE_MS_MIN).optional(),
      'disk-free-min': scalar('a size such as 512m or 2g', parseSizeBytes).optional(),
    })
    .optional(),
  keystore: z
    .strictObject({
      use: scalar('one of embedded, memory, map', (text) =>
        text === 'embedded' || text === 'memory' ? text : MAP_KEYSTORE.includes(text) ? 'map' : undefined,
      ).optional(),
      path: path.optional(),
      keys: named('access key id', accessKey, parseAccessKeyId).optional(),
    })
    .optional(),
  bucketstore: z
    .strictObject({
      ...store,
      'default-region': scalar('the name of a region', parseRegionName).optional(),
    })
    .optional(),
  regions: named('region name', region, parseRegionName).optional(),
});

export type Configuration = z.output<typeof configurationSchema>;
export type ConfiguredStore = { readonly use?: 'embedded' | 'memory' | undefined; readonly path?: string | undefined };

/** Entries under names of the user's own. */
function named<Schema extends z.ZodType>(what: string, schema: Schema, parseName: (text: string) => unknown) {
  const name = z.string().refine((text) => parseName(text) !== undefined, { error: `is not a valid ${what}` });
  return z
    .record(name, schema, { error: `must be a map from each ${what} to its settings` })
    .refine((entries) => Object.keys(entries).length <= NAMED_MAX, { error: `has more than ${NAMED_MAX} entries` });
}

/** `standard-ia` in the file is `STANDARD_IA` in S3. */
export function parseStorageClassName(text: string) {
  return parseStorageClass(text.toUpperCase().replaceAll('-', '_'));
}

/** Host names, each perhaps with a port; lower case. */
function parseHostNames(text: string): readonly string[] | undefined {
  const names = text
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  return names.every((name) => /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/.test(name)) ? names : undefined;
}
