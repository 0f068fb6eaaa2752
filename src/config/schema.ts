import { z } from 'zod';
import { parseAccessKeyId, parseRegionName, parseTenantId } from '../domain/names.ts';
import { type ConfiguredCassandra, cassandraKeys } from './cassandra-schema.ts';
import { frontKeys } from './front-schema.ts';
import { isModuleName } from './module-sections.ts';
import { identityPolicy } from './policy-schema.ts';
import { PLAIN_RULES } from './rules.ts';
import { boolean, duration, durationOf, listOf, named, oneOf, scalar, scalarBy, textOf } from './scalars.ts';
import { parseStorageClassName } from './storage-class-name.ts';
import { parseSizeBytes } from './units.ts';

/** Shorter ones would take the ground from under writes and reads that run, in milliseconds. */
const INTENT_GRACE_MS_MIN = 10_000;
const RECLAIM_GRACE_MS_MIN = 10_000;
const HOST_NAMES_MAX = 100;

const CASSANDRA = /^(cassandra|io\.pithos\.(bucket|meta|blob)\/cassandra-(bucket|meta|blob)-store)$/;
const MAP_KEYSTORE = ['map', 'io.pithos.keystore/map-keystore'];

const pem = textOf('the path of a PEM file');
const path = textOf('the path of a directory');

const ENGINES = ['embedded', 'memory', 'cassandra'] as const;
type Engine = (typeof ENGINES)[number];

const MODULE = 'the name of a module such as ./my-store.js or my-store';
const engine = scalar(`one of ${ENGINES.join(', ')}, or ${MODULE}`, parseUse);

const store = { use: engine.optional(), path: path.optional(), ...cassandraKeys };

const accessKey = z.strictObject({
  tenant: textOf('the name of a tenant').transform(parseTenantId),
  secret: scalar('a secret access key', (text) => (text === '' ? undefined : text), 'secret'),
  'display-name': textOf('a name').optional(),
  email: textOf('an e-mail address').optional(),
  master: boolean.optional(),
  policy: identityPolicy.optional(),
  memberof: z.array(textOf('the name of a group'), { error: 'must be a list of groups' }).optional(),
});

const logFile = z
  .union(
    [z.string(), z.strictObject({ path: textOf('the path of a file'), format: oneOf('pretty', 'json').optional() })],
    {
      error: 'must be the path of a file, or a map of path and format',
    },
  )
  .transform((file) => (typeof file === 'string' ? { path: file } : file));

/** A list, or the path of one file, as a variable or a flag has it. */
const logFiles = z
  .union([textOf('the path of a file'), z.array(logFile)], { error: 'must be a list of files' })
  .transform((files) => (typeof files === 'string' ? [{ path: files }] : files));

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
      host: scalarBy(PLAIN_RULES.service.host).optional(),
      port: scalarBy(PLAIN_RULES.service.port).optional(),
      'admin-host': scalarBy(PLAIN_RULES.service['admin-host']).optional(),
      'admin-port': scalarBy(PLAIN_RULES.service['admin-port']).optional(),
      workers: scalarBy(PLAIN_RULES.service.workers).optional(),
      'shutdown-grace': scalarBy(PLAIN_RULES.service['shutdown-grace']).optional(),
      tls: z.strictObject({ cert: pem.optional(), key: pem.optional() }).optional(),
    })
    .optional(),
  logging: z
    .strictObject({
      level: scalarBy(PLAIN_RULES.logging.level).optional(),
      format: scalarBy(PLAIN_RULES.logging.format).optional(),
      console: scalarBy(PLAIN_RULES.logging.console).optional(),
      files: logFiles.optional(),
    })
    .optional(),
  options: z
    .strictObject({
      'data-directory': scalarBy(PLAIN_RULES.options['data-directory']).optional(),
      'service-uri': listOf('host names such as s3.example.com', HOST_NAMES_MAX, parseHostName).optional(),
      ...frontKeys,
      durability: scalarBy(PLAIN_RULES.options.durability).optional(),
      'stale-uploads-after': duration.optional(),
      'intent-grace': durationOf(INTENT_GRACE_MS_MIN).optional(),
      'reclaim-grace': durationOf(RECLAIM_GRACE_MS_MIN).optional(),
      'disk-free-min': scalar('a size such as 512m or 2g', parseSizeBytes).optional(),
    })
    .optional(),
  cassandra: z.strictObject(cassandraKeys).optional(),
  keystore: z
    .strictObject({
      ...store,
      use: scalar(`one of ${ENGINES.join(', ')}, map, or ${MODULE}`, (text) =>
        MAP_KEYSTORE.includes(text) ? 'map' : parseUse(text),
      ).optional(),
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
export type ConfiguredStore = ConfiguredCassandra & {
  readonly use?: Engine | 'module' | undefined;
  readonly path?: string | undefined;
};

function parseUse(text: string): Engine | 'module' | undefined {
  if (CASSANDRA.test(text)) return 'cassandra';
  return ENGINES.find((each) => each === text) ?? (isModuleName(text) ? 'module' : undefined);
}

/** Perhaps with a port; lower case. */
function parseHostName(text: string): string | undefined {
  const name = text.toLowerCase();
  return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/.test(name) ? name : undefined;
}
