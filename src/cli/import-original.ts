import { Command } from 'commander';
import { type Config, dataDirectories, type StoreConfig } from '../config/config.ts';
import { loadConfiguration } from '../config/load.ts';
import { prepareDataDirectory } from '../data-directory.ts';
import { type BucketName, parseBucketName } from '../domain/names.ts';
import { importOriginal, type OriginalImport, type OriginalReport } from '../moving/import-original.ts';
import { openOriginal, openStores, randomIds, systemClock } from '../server.ts';
import { BLOB_BYTES_MAX } from '../stores/blobstore.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfiguration,
} from './command-context.ts';
import { countOf } from './count-of.ts';
import { CommandError, EXIT } from './exit-code.ts';
import { PARALLEL, PROGRESS_AFTER_MS, parseCount, parseParallel, requireLasting } from './import-flags.ts';
import { printLine } from './terminal.ts';

const HOUR_MS = 3_600_000;
/** Bytes that belong to nothing may belong to a request under way for so long, in hours. */
const ORPHANS_AFTER_HOURS = 24;
const ORPHANS_AFTER_HOURS_MAX = 24 * 366;

const HELP = `
The keyspaces that the pithos.yaml of a Pithos 0.7 names are read as they are, and nothing in them is changed. Buckets
come with owner, region, ACL and CORS rules, objects with headers, metadata, ACL, time and their MD5, which is verified.
Access keys stand in that pithos.yaml: pithos serve reads them there.

The target is what the directory, --config or --cassandra names. Run it again to bring over what is new or changed: what
is there already is left alone, and nothing is taken out. Unfinished uploads come with their parts, under another id. Rows
without bytes, uploads without their bucket and bytes that belong to nothing are told and stay behind.

Exit codes: 0 all is there, 1 something could not be brought over as it was, 2 could not run.`;

interface ImportFlags extends ConfigurationFlags {
  readonly from: string;
  readonly rename?: readonly string[];
  readonly parallel: string;
  /** `false`: `--no-orphans`. */
  readonly orphans: string | false;
  readonly json?: boolean;
}

/** `pithos import pithos-0.7.5`: brings over what a Pithos 0.7 has in its keyspaces. */
export function importOriginalCommand({ terminal, stop: signal, exitWith }: CommandContext): Command {
  return withConfiguration(new Command('pithos-0.7.5'))
    .description('bring buckets and objects over from the keyspaces of a Pithos 0.7')
    .requiredOption('--from <file>', 'its pithos.yaml')
    .option('--rename <old=new>', 'give a bucket another name', (text, before: readonly string[] = []) => [
      ...before,
      text,
    ])
    .option('--parallel <count>', 'objects that are read at one time', `${PARALLEL}`)
    .option('--orphans <hours>', 'tell bytes that belong to nothing and are as old as that', `${ORPHANS_AFTER_HOURS}`)
    .option('--no-orphans', 'do not look for them, which reads the keys of all blocks')
    .option('--json', 'tell progress, problems and the report as lines of JSON')
    .addHelpText('after', HELP)
    .action(async (directory: string | undefined, flags: ImportFlags) => {
      const renamed = parseRenamed(flags.rename ?? []);
      const objectsAtOnce = parseParallel(flags.parallel);
      const { config: source } = await loadConfiguration({ file: flags.from, flags: [], environment: {} });
      const { config: target } = await loadConfiguration(configurationSources(directory, flags));
      requireApart(source, target);
      for (const each of dataDirectories(target)) await prepareDataDirectory(each);
      await using from = await orRefuse(() => openOriginal(source));
      await using to = await openStores(target);
      const say = (kind: string, text: string, values: object) =>
        printLine(terminal, flags.json === true ? JSON.stringify({ kind, ...values }) : text);
      let toldAtMs = systemClock.nowMs();
      const run: OriginalImport = {
        ...{ from, to, renamed, objectsAtOnce, signal, clock: systemClock, ids: randomIds },
        blobBytesMax: BLOB_BYTES_MAX,
        orphansAfterMs: parseOrphans(flags.orphans),
        onProblem: (problem) => say('problem', problem, { problem }),
        onLeft: (what) => say('left', `left behind: ${what}`, { what }),
        onProgress(report) {
          if (systemClock.nowMs() - toldAtMs < PROGRESS_AFTER_MS) return;
          toldAtMs = systemClock.nowMs();
          if (flags.json === true || terminal.isTerminal) say('progress', summary(report), report);
        },
      };
      const report = await importOriginal(run);
      say('imported', `imported: ${summary(report)}`, report);
      exitWith(report.problemsCount === 0 ? EXIT.ok : EXIT.found);
    });
}

function parseRenamed(texts: readonly string[]): ReadonlyMap<string, BucketName> {
  const renamed = new Map<string, BucketName>();
  for (const text of texts) {
    const [, old = '', given = ''] = /^(.+)=([^=]*)$/s.exec(text) ?? [];
    const name = parseBucketName(given);
    if (name === undefined) throw new CommandError(`--rename is OLD=NEW, where NEW may be a bucket's name: ${text}.`);
    if (renamed.has(old)) throw new CommandError(`--rename names ${old} twice.`);
    renamed.set(old, name);
  }
  if (new Set(renamed.values()).size === renamed.size) return renamed;
  throw new CommandError('--rename gives two buckets the same name.');
}

function parseOrphans(text: string | false): number | undefined {
  return text === false ? undefined : parseCount('--orphans', text, ORPHANS_AFTER_HOURS_MAX) * HOUR_MS;
}

function requireApart(source: Config, target: Config): void {
  requireLasting(target);
  const placesOfSource = new Set(storesOf(source).flatMap(placesOf));
  const shared = storesOf(target)
    .flatMap(placesOf)
    .find((place) => placesOfSource.has(place));
  if (shared === undefined) return;
  throw new CommandError(`The target is the keyspace of the source (${shared}): give it one of its own.`);
}

function storesOf({ bucketstore, regions }: Config): readonly StoreConfig[] {
  const inRegions = [...regions.values()].flatMap(({ metastore, storageClasses }) => [
    metastore,
    ...storageClasses.values(),
  ]);
  return [bucketstore.store, ...inRegions];
}

function placesOf(store: StoreConfig): readonly string[] {
  if (store.use !== 'cassandra') return [];
  return store.cassandra.contactPoints.map(({ host, port }) => `${store.cassandra.keyspace} at ${host}:${port}`);
}

async function orRefuse<Opened>(open: () => Promise<Opened>): Promise<Opened> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof TypeError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}

function summary(report: OriginalReport): string {
  return [
    countOf(report.bucketsCount, 'bucket'),
    `${countOf(report.copiedObjects, 'object')} of ${countOf(report.copiedBytes, 'byte')} copied`,
    `${report.sameObjects} the same`,
    `${countOf(report.copiedUploads, 'unfinished upload')} with ${countOf(report.copiedParts, 'part')} copied`,
    `${report.sameUploads} the same`,
    `${countOf(report.halfRows, 'row')} without bytes`,
    `${countOf(report.openUploads, 'unfinished upload')} and ${countOf(report.orphans, 'orphan')} left behind`,
    countOf(report.problemsCount, 'problem'),
  ].join(', ');
}
