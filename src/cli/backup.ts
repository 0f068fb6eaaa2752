import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { Command } from 'commander';
import { loadConfiguration } from '../config/load.ts';
import { lockDataDirectory, requireDataDirectory } from '../data-directory.ts';
import { loadBackups, systemClock } from '../server.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfiguration,
} from './command-context.ts';
import { countOf } from './count-of.ts';
import { dataPlaces } from './data-places.ts';
import { CommandError, EXIT } from './exit-code.ts';
import { printLine } from './terminal.ts';

const HELP = `
Copies the data directory as it is at one moment, beside a running server. TARGET is a directory for backups alone,
on another disk. It always has one whole backup, from the first on: when this command ends with 0 or 1, what was
acknowledged before it began can be restored. A backup into the same TARGET copies only what is new; where one is
interrupted, the one before stays.

Exit codes: 0 done, 1 done, but some of the data directory is damaged and was left out, 2 could not run.`;

/** `pithos backup <target> [directory]`: copies a data directory in use. */
export function backupCommand({ terminal, stop: signal, exitWith }: CommandContext): Command {
  const command = new Command('backup').argument('<target>', 'where the backup is kept');
  return withConfiguration(command)
    .description('copy a data directory, beside a running server')
    .option('--deep', 'read and verify again what is in the target already')
    .addHelpText('after', HELP)
    .action(async (given: string, source: string | undefined, flags: ConfigurationFlags & { deep?: boolean }) => {
      const { config } = await loadConfiguration(configurationSources(source, flags));
      const { metadata: directory, all, blobDirectoryOf } = dataPlaces(config);
      const target = resolve(given);
      for (const each of all) {
        await requireApart(target, each);
        await requireDataDirectory(each);
      }
      const { prepareTarget, takeBackup } = await loadBackups();
      await prepareTarget(target);
      await using _ = await lockDataDirectory(target, { user: 'backup' });
      const { diskFreeBytesMin } = config.options;
      const watermark = diskFreeBytesMin === undefined ? {} : { diskFreeBytesMin };
      const onProblem = (problem: string) => printLine(terminal, problem);
      const options = {
        directory,
        blobDirectoryOf,
        target,
        isDeep: flags.deep ?? false,
        onProblem,
        signal,
        ...watermark,
      };
      const report = await takeBackup({ ...options, ...systemClock });
      const { blobs, bytes, copiedBlobs, copiedBytes, metadataBytes, problemsCount } = report;
      const found = problemsCount === 0 ? 'whole' : countOf(problemsCount, 'problem');
      terminal.print(
        `${found}: ${countOf(blobs, 'blob')} of ${countOf(bytes, 'byte')}, of which ${countOf(copiedBlobs, 'blob')} of ` +
          `${countOf(copiedBytes, 'byte')} copied; ${countOf(metadataBytes, 'byte')} of metadata\n`,
      );
      exitWith(problemsCount === 0 ? EXIT.ok : EXIT.found);
    });
}

async function requireApart(target: string, directory: string): Promise<void> {
  const isWithin = (inner: string, outer: string) => `${inner}${sep}`.startsWith(`${outer}${sep}`);
  const [real, realDirectory] = [await realPathOf(target), await realPathOf(directory)];
  if (isWithin(real, realDirectory) || isWithin(realDirectory, real)) {
    throw new CommandError(`${target} and ${directory} lie in each other: keep a backup apart, on another disk.`);
  }
}

/** Where a path leads through all links, be there anything yet or not. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    if (parent === path || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return join(await realPathOf(parent), basename(path));
  }
}
