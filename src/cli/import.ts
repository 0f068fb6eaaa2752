import { Command } from 'commander';
import { FIRST_OWNER } from '../access-keys.ts';
import { dataDirectories } from '../config/config.ts';
import { loadConfiguration } from '../config/load.ts';
import { readSourceEnvironment } from '../config/source-key.ts';
import { prepareDataDirectory } from '../data-directory.ts';
import { initialConfiguration, type Owner } from '../domain/bucket.ts';
import { type BucketName, parseBucketName, parseTenantId } from '../domain/names.ts';
import { type ImportReport, importS3, type S3Import } from '../moving/import-s3.ts';
import { EndpointError } from '../s3-client/endpoint-error.ts';
import { type Endpoint, S3Client } from '../s3-client/s3-client.ts';
import { type OpenStores, openStores, randomIds, systemClock } from '../server.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfiguration,
} from './command-context.ts';
import { countOf } from './count-of.ts';
import { CommandError, EXIT } from './exit-code.ts';
import { PARALLEL, PROGRESS_AFTER_MS, parseParallel, requireLasting } from './import-flags.ts';
import { importOriginalCommand } from './import-original.ts';
import { printLine } from './terminal.ts';

const SOURCE = /^s3:\/\/(?:(?<bucket>[^/]+)(?:\/(?<prefix>.*))?)?$/s;

const HELP = `
SOURCE is s3://BUCKET, s3://BUCKET/PREFIX, or s3:// for all buckets that the key may list. Its key comes from the
environment: SOURCE_ACCESS_KEY_ID and SOURCE_SECRET_ACCESS_KEY, or else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

Current objects are brought over with headers, metadata, tags, time and ETag; what a bucket is configured to (versions,
policy, ACL, CORS) is not. Run it again to bring over what is new or changed: what is there already, with the same ETag
and size, is left alone, and nothing is taken out. It works beside a running server.

Exit codes: 0 all is there, 1 something could not be brought over, 2 could not run.`;

interface ImportFlags extends ConfigurationFlags {
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket?: string;
  readonly tenant?: string;
  readonly parallel: string;
  readonly json?: boolean;
}

/** `pithos import s3://…`: brings objects over from another S3 server. */
export function importCommand(context: CommandContext): Command {
  const { terminal, stop: signal, exitWith } = context;
  const command = new Command('import')
    .enablePositionalOptions()
    .addCommand(importOriginalCommand(context))
    .argument('<source>', 's3://BUCKET[/PREFIX], or s3:// for all buckets');
  return withConfiguration(command)
    .description('bring objects over from another S3 server')
    .option('--endpoint <url>', 'where the other server is, such as https://s3.eu-west-1.amazonaws.com (required)')
    .option('--region <name>', 'its region', 'us-east-1')
    .option('--bucket <name>', 'the name of the bucket here (default: as there)')
    .option('--tenant <name>', 'whose the buckets are that are made (default pithos)')
    .option('--parallel <count>', 'objects that are read at one time', `${PARALLEL}`)
    .option('--json', 'tell progress, problems and the report as lines of JSON')
    .addHelpText('after', HELP)
    .action(async (source: string, directory: string | undefined, flags: ImportFlags) => {
      const from = parseSource(source);
      const bucketName = parseTarget(flags.bucket, from);
      const objectsAtOnce = parseParallel(flags.parallel);
      const { endpoint, environment } = parseEndpoint(flags);
      const { config } = await loadConfiguration({ ...configurationSources(directory, flags), environment });
      requireLasting(config);
      for (const each of dataDirectories(config)) await prepareDataDirectory(each);
      await using to = await openStores(config);
      using client = new S3Client(endpoint, { clock: systemClock, connectionsMax: objectsAtOnce + 1 });
      const say = (kind: string, text: string, values: object) =>
        printLine(terminal, flags.json === true ? JSON.stringify({ kind, ...values }) : text);
      let toldAtMs = systemClock.nowMs();
      const run: S3Import = {
        ...{ client, from, to, bucketName, objectsAtOnce, signal, clock: systemClock, ids: randomIds },
        owner: await ownerOf(to, flags.tenant, signal),
        configuration: initialConfiguration(config.options.objectOwnership),
        onProblem: (problem) => say('problem', problem, { problem }),
        onProgress(report) {
          if (systemClock.nowMs() - toldAtMs < PROGRESS_AFTER_MS) return;
          toldAtMs = systemClock.nowMs();
          if (flags.json === true || terminal.isTerminal) say('progress', summary(report), report);
        },
      };
      const report = await orRefuse(importS3(run));
      say('imported', `imported: ${summary(report)}`, report);
      exitWith(report.problemsCount === 0 ? EXIT.ok : EXIT.found);
    });
}

function parseSource(source: string): S3Import['from'] {
  const parsed = SOURCE.exec(source);
  if (parsed === null) throw new CommandError(`The source is s3://BUCKET[/PREFIX] or s3://, not ${source}.`);
  const { bucket, prefix = '' } = parsed.groups ?? {};
  return bucket === undefined ? undefined : { bucket, prefix };
}

function parseTarget(text: string | undefined, from: S3Import['from']): BucketName | undefined {
  if (text === undefined) return undefined;
  if (from === undefined) throw new CommandError('--bucket names one bucket: name the one to read as s3://BUCKET.');
  const name = parseBucketName(text);
  if (name === undefined) throw new CommandError(`--bucket ${text} is none that a bucket may be named.`);
  return name;
}

function parseEndpoint({ endpoint, region }: ImportFlags) {
  // Not a required option for commander, which would want it of the subcommand too.
  if (endpoint === undefined) throw new CommandError('--endpoint <url> says where the other server is: it is missing.');
  const url = parseEndpointUrl(endpoint);
  // What was given is not repeated: it may hold a password.
  if (url === undefined) {
    throw new CommandError('--endpoint is a URL such as https://s3.example.com, without a user, password or query.');
  }
  const { key, rest } = readSourceEnvironment();
  if (key === undefined) {
    throw new CommandError(
      'The key of the source is missing: set SOURCE_ACCESS_KEY_ID and SOURCE_SECRET_ACCESS_KEY in the environment.',
    );
  }
  const parsed: Endpoint = { url, region, key };
  return { endpoint: parsed, environment: rest };
}

function parseEndpointUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = [url.username, url.password, url.search, url.hash].every((part) => part === '');
  return isPlain && ['http:', 'https:'].includes(url.protocol) ? url : undefined;
}

/** The tenant as its keys name it. */
async function ownerOf({ managedKeys }: OpenStores, tenant: string | undefined, signal: AbortSignal): Promise<Owner> {
  if (tenant === '') throw new CommandError('--tenant must not be empty.');
  if (tenant === undefined) return FIRST_OWNER;
  const keys = (await managedKeys?.listKeys({ signal })) ?? [];
  const displayName = keys.find((key) => key.tenant === tenant)?.displayName ?? tenant;
  return { tenant: parseTenantId(tenant), displayName };
}

async function orRefuse(run: Promise<ImportReport>): Promise<ImportReport> {
  try {
    return await run;
  } catch (error) {
    if (error instanceof EndpointError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}

function summary(report: ImportReport): string {
  return [
    countOf(report.bucketsCount, 'bucket'),
    `${countOf(report.copiedObjects, 'object')} of ${countOf(report.copiedBytes, 'byte')} copied`,
    `${report.sameObjects} the same`,
    countOf(report.problemsCount, 'problem'),
  ].join(', ');
}
