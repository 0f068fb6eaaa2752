import { Command } from 'commander';
import { loadConfiguration } from '../config/load.ts';
import { examineKeyspaces } from '../server.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfigurationFlags,
} from './command-context.ts';
import { CommandError, EXIT } from './exit-code.ts';

const HELP = `
Looks at every keyspace of the configuration and the cluster under it: releases, data centres, replication against
consistency levels, tables, clocks, commit log, partitions, tombstones; and whether requests are answered. Changes
nothing.

Exit codes: 0 all is well, or there are only warnings; 1 an error was found; 2 could not run.`;

const MARKS = { ok: 'ok      ', warning: 'warning ', error: 'error   ' } as const;

/** `pithos doctor`: what an operator of a cluster should know. */
export function doctorCommand({ terminal, stop: signal, exitWith }: CommandContext): Command {
  return withConfigurationFlags(new Command('doctor'))
    .description('look for what is wrong with the clusters under the stores')
    .addHelpText('after', HELP)
    .action(async (flags: ConfigurationFlags) => {
      const { config } = await loadConfiguration(configurationSources(undefined, flags));
      let keyspacesCount = 0;
      for await (const { keyspace, findings } of examineKeyspaces(config, { signal })) {
        keyspacesCount++;
        terminal.print(`keyspace ${keyspace}\n`);
        for (const { severity, text } of findings) terminal.print(`${MARKS[severity]}${text}\n`);
        if (findings.some(({ severity }) => severity === 'error')) exitWith(EXIT.found);
      }
      if (keyspacesCount === 0) {
        throw new CommandError('No store is on Cassandra: the embedded engine is checked by `pithos fsck`.');
      }
    });
}
