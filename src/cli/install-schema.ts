import { Command } from 'commander';
import { loadConfiguration } from '../config/load.ts';
import { installSchemas } from '../server.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfigurationFlags,
} from './command-context.ts';
import { CommandError } from './exit-code.ts';

const HELP = `
Makes keyspaces and tables that are missing, for every store on Cassandra, and changes no data. Run it once before the
first server starts, and after an upgrade; running it again does nothing. A new keyspace gets the replication of the
configuration, or three copies in each data centre, or as many as there are nodes.

Exit codes: 0 everything is there, 2 could not run.`;

/** `pithos install-schema`: prepares the clusters that the configuration names. */
export function installSchemaCommand({ terminal }: CommandContext): Command {
  return withConfigurationFlags(new Command('install-schema'))
    .description('make the keyspaces and tables on Cassandra')
    .option('-q, --quiet', 'write nothing to standard output')
    .addHelpText('after', HELP)
    .action(async (flags: ConfigurationFlags) => {
      const { config, warnings } = await loadConfiguration(configurationSources(undefined, flags));
      for (const warning of warnings) terminal.complain(`warning: ${warning}`);
      let keyspacesCount = 0;
      for await (const { keyspace, isNewKeyspace, migrations } of installSchemas(config)) {
        keyspacesCount++;
        const made = [...(isNewKeyspace ? ['the keyspace'] : []), ...migrations];
        if (flags.quiet !== true)
          terminal.print(`Keyspace ${keyspace}: ${made.length === 0 ? 'nothing to do' : `made ${made.join(', ')}`}\n`);
      }
      if (keyspacesCount === 0) {
        throw new CommandError('No store is on Cassandra: name a cluster, such as --cassandra 10.0.0.1.');
      }
    });
}
