import { resolve } from 'node:path';
import { Command } from 'commander';
import { Cleanup } from '../cleanup.ts';
import { loadConfiguration } from '../config/load.ts';
import {
  DataDirectoryError,
  finishDataDirectory,
  lockDataDirectory,
  prepareEmptyDirectory,
} from '../data-directory.ts';
import { loadBackups, systemClock } from '../server.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfiguration,
} from './command-context.ts';
import { countOf } from './count-of.ts';
import { dataPlaces } from './data-places.ts';
import { EXIT } from './exit-code.ts';
import { printLine } from './terminal.ts';

const HELP = `
Fills a new data directory from what \`pithos backup\` made, and verifies every byte on the way. A server can be started
on the directory once this command has ended with 0 or 1.

Exit codes: 0 done, 1 done, but some of the backup is damaged and was left out, 2 could not run.`;

/** `pithos restore <backup> [directory]`: makes a data directory of a backup. */
export function restoreCommand({ terminal, stop: signal, exitWith }: CommandContext): Command {
  const command = new Command('restore').argument('<backup>', 'where the backup is kept');
  return withConfiguration(command)
    .description('make a new data directory of a backup')
    .addHelpText('after', HELP)
    .action(async (given: string, destination: string | undefined, flags: ConfigurationFlags) => {
      const { config } = await loadConfiguration(configurationSources(destination, flags));
      const { metadata: directory, all, blobDirectoryOf } = dataPlaces(config);
      const target = resolve(given);
      const { requireCompletion, restoreBackup } = await loadBackups();
      await requireCompletion(target);
      for (const each of all) await prepareEmptyDirectory(each);
      await using _ = await lockAll(all, target);
      const onProblem = (problem: string) => printLine(terminal, problem);
      const report = await restoreBackup({ target, directory, blobDirectoryOf, onProblem, signal, ...systemClock });
      for (const each of all) await finishDataDirectory(each);
      const { blobs, bytes, beganAtMs, problemsCount } = report;
      const found = problemsCount === 0 ? 'whole' : countOf(problemsCount, 'problem');
      const at = new Date(beganAtMs).toISOString();
      terminal.print(`${found}: ${countOf(blobs, 'blob')} of ${countOf(bytes, 'byte')}, as of ${at}\n`);
      exitWith(problemsCount === 0 ? EXIT.ok : EXIT.found);
    });
}

async function lockAll(directories: readonly string[], target: string): Promise<AsyncDisposable> {
  const locks = new Cleanup();
  try {
    for (const each of directories) locks.use(await lockDataDirectory(each));
    locks.use(await lockBackup(target));
  } catch (error) {
    await locks.run();
    throw error;
  }
  return { [Symbol.asyncDispose]: () => locks.run() };
}

/** Keeps a backup from changing what is read. Where nothing can be written, nothing changes. */
async function lockBackup(target: string): Promise<AsyncDisposable> {
  try {
    return await lockDataDirectory(target, { user: 'backup' });
  } catch (error) {
    if (!(error instanceof DataDirectoryError && isReadOnly(error.cause))) throw error;
    return { [Symbol.asyncDispose]: async () => undefined };
  }
}

function isReadOnly(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EROFS' || error.code === 'EACCES');
}
