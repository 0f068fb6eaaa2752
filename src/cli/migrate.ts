import { Command } from 'commander';
import { type Config, dataDirectories } from '../config/config.ts';
import { loadConfiguration } from '../config/load.ts';
import { prepareDataDirectory, requireDataDirectory } from '../data-directory.ts';
import { startReadPins } from '../jobs/read-pins.ts';
import { type MigrationReport, migrate } from '../moving/migrate.ts';
import { openStores, randomIds, systemClock } from '../server.ts';
import type { CommandContext } from './command-context.ts';
import { countOf } from './count-of.ts';
import { CommandError, EXIT } from './exit-code.ts';
import { printLine } from './terminal.ts';

/** From one line of progress to the next, in milliseconds. */
const PROGRESS_AFTER_MS = 2_000;

const HELP = `
FROM and TO are configuration files of two servers, on either engine. FROM may be served meanwhile, and nothing in it
is changed. Nobody else may write to TO. Access keys, buckets with their configuration, and all versions in their order
are brought over; a version gets another id. Run it again to bring over what changed since: what is there already is
left alone. For the last run let nobody write to FROM. Open uploads are counted and stay behind.

After copying, both sides are compared. Exit codes: 0 both are the same, 1 something differs or could not be copied,
2 could not run.`;

interface MigrateFlags {
  readonly from: string;
  readonly to: string;
  readonly compare?: boolean;
  readonly json?: boolean;
}

/** `pithos migrate --from FILE --to FILE`: moves everything from one server's stores to another's. */
export function migrateCommand({ terminal, stop: signal, exitWith }: CommandContext): Command {
  return new Command('migrate')
    .description('move everything to other stores, such as from a data directory to Cassandra')
    .requiredOption('--from <file>', 'the configuration of the server that has the data')
    .requiredOption('--to <file>', 'the configuration of the server that is to have them')
    .option('--compare', 'copy nothing, only compare both sides')
    .option('--json', 'tell progress, problems and the report as lines of JSON')
    .addHelpText('after', HELP)
    .action(async (flags: MigrateFlags) => {
      const { config: source } = await loadConfiguration({ file: flags.from, flags: [] });
      const { config: target } = await loadConfiguration({ file: flags.to, flags: [] });
      requireApart(source, target);
      for (const directory of dataDirectories(source)) await requireDataDirectory(directory);
      for (const directory of dataDirectories(target)) await prepareDataDirectory(directory);
      await using from = await openStores(source);
      await using to = await openStores(target);
      const say = (kind: string, text: string, values: object) =>
        printLine(terminal, flags.json === true ? JSON.stringify({ kind, ...values }) : text);
      const onError = (error: unknown) =>
        say('problem', `The source cannot be pinned: ${error}`, { problem: `${error}` });
      await using readPins = startReadPins({ ...systemClock, onError });
      const onProblem = (problem: string) => say('problem', problem, { problem });
      let toldAtMs = systemClock.nowMs();
      const onProgress = (report: MigrationReport) => {
        if (systemClock.nowMs() - toldAtMs < PROGRESS_AFTER_MS) return;
        toldAtMs = systemClock.nowMs();
        if (flags.json === true || terminal.isTerminal) say('progress', summary(report), report);
      };
      const parts = { from, to, readPins, clock: systemClock, ids: randomIds, signal, onProblem, onProgress };
      let problemsCount = 0;
      for (const mode of flags.compare === true ? (['compare'] as const) : (['copy', 'compare'] as const)) {
        const report = await migrate({ ...parts, mode });
        problemsCount += report.problemsCount;
        say(mode === 'copy' ? 'copied' : 'compared', `${VERBS[mode]}: ${summary(report)}`, report);
      }
      exitWith(problemsCount === 0 ? EXIT.ok : EXIT.found);
    });
}

const VERBS = { copy: 'copied', compare: 'compared' };

function requireApart(source: Config, target: Config): void {
  for (const config of [source, target]) {
    if (config.bucketstore.store.use === 'memory') {
      throw new CommandError('Stores in memory are seen by their server alone: nothing can be moved from or to them.');
    }
  }
  const shared = dataDirectories(source).find((directory) => dataDirectories(target).includes(directory));
  if (shared !== undefined) throw new CommandError(`Both configurations name ${shared}: there is nothing to move.`);
}

function summary(report: MigrationReport): string {
  const { problemsCount, copiedVersions, copiedBytes, sameVersions, removedVersions, openUploads } = report;
  return [
    countOf(report.accessKeysCount, 'access key'),
    countOf(report.bucketsCount, 'bucket'),
    `${countOf(copiedVersions, 'version')} of ${countOf(copiedBytes, 'byte')} copied`,
    `${sameVersions} the same`,
    `${removedVersions} removed`,
    `${countOf(openUploads, 'open upload')} left behind`,
    countOf(problemsCount, 'problem'),
  ].join(', ');
}
