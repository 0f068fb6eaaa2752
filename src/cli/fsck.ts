import { Command } from 'commander';
import { dataDirectories } from '../config/config.ts';
import { loadConfiguration } from '../config/load.ts';
import { requireDataDirectory } from '../data-directory.ts';
import { type FsckReport, fsck } from '../jobs/fsck.ts';
import { openStores } from '../server.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfiguration,
} from './command-context.ts';
import { countOf } from './count-of.ts';
import { CommandError, EXIT } from './exit-code.ts';
import { printLine } from './terminal.ts';

const HELP = `
Proves both directions: every version has its bytes, and all bytes have a version. Works beside a running server
and changes nothing.

Exit codes: 0 clean, 1 problems were found, 2 could not run.`;

/** `pithos fsck [directory]`: checks the stores. */
export function fsckCommand({ terminal, stop: signal, exitWith }: CommandContext): Command {
  return withConfiguration(new Command('fsck'))
    .description('check that the stores are whole')
    .option('--deep', 'read and verify every byte too')
    .addHelpText('after', HELP)
    .action(async (given: string | undefined, flags: ConfigurationFlags & { deep?: boolean }) => {
      const { config } = await loadConfiguration(configurationSources(given, flags));
      if (config.bucketstore.store.use === 'memory') {
        throw new CommandError('The stores are in memory: there is nothing to check.');
      }
      for (const directory of dataDirectories(config)) await requireDataDirectory(directory);
      await using stores = await openStores(config);
      const onProblem = (problem: string) => printLine(terminal, problem);
      const report = await fsck(stores, { deep: flags.deep ?? false, signal, onProblem });
      terminal.print(summary(report));
      exitWith(report.problemsCount === 0 ? EXIT.ok : EXIT.found);
    });
}

function summary({ versions, blobs, bytes, problemsCount }: FsckReport): string {
  const found = problemsCount === 0 ? 'clean' : countOf(problemsCount, 'problem');
  return `${found}: ${countOf(versions, 'version')}, ${countOf(blobs, 'blob')} of ${countOf(bytes, 'byte')}\n`;
}
