import { Command } from 'commander';
import { addressOf } from '../config/cassandra-config.ts';
import type { Config, StoreConfig } from '../config/config.ts';
import { configurationJsonSchema } from '../config/json-schema.ts';
import { loadConfiguration } from '../config/load.ts';
import { printConfiguration } from '../config/print.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfiguration,
} from './command-context.ts';

const HELP = `
Prints what a server would use. Every mistake is told at once, with its line and column.

Exit codes: 0 valid, 2 not valid.`;

/** `pithos config check [directory]`: says what a server would make of its configuration. */
export function configCommand(context: CommandContext): Command {
  const check = withConfiguration(new Command('check'))
    .description('check the configuration file and the environment')
    .addHelpText('after', HELP)
    .action(async (directory: string | undefined, options: ConfigurationFlags) => {
      const { config, file, warnings } = await loadConfiguration(configurationSources(directory, options));
      for (const warning of warnings) context.terminal.complain(`warning: ${warning}`);
      context.terminal.print(`${file ?? 'The configuration'} is valid.\n${describe(config)}`);
    });
  return new Command('config')
    .description('work with the configuration')
    .addCommand(check)
    .addCommand(printCommand(context))
    .addCommand(schemaCommand(context));
}

const PRINT_HELP = `
Prints the configuration that a server would have, as a file that says the same: file, environment and flags together,
with every default. Secrets are ***.

Exit codes: 0 printed, 2 not valid.`;

function printCommand({ terminal }: CommandContext): Command {
  return withConfiguration(new Command('print'))
    .description('print the configuration with every default, without secrets')
    .addHelpText('after', PRINT_HELP)
    .action(async (directory: string | undefined, options: ConfigurationFlags) => {
      const { config, warnings } = await loadConfiguration(configurationSources(directory, options));
      for (const warning of warnings) terminal.complain(`warning: ${warning}`);
      terminal.print(printConfiguration(config));
    });
}

function schemaCommand({ terminal }: CommandContext): Command {
  return new Command('schema')
    .description('print the JSON schema of the configuration file, for editors')
    .action(() => terminal.print(`${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`));
}

function describe({ service, options, keystore, bucketstore, regions }: Config): string {
  const { adminPort } = service;
  const lines = [
    `S3: ${service.host} port ${service.port}${service.tls ? ' over TLS' : ''}, ${service.workers} worker processes`,
    `health, metrics: ${adminPort === undefined ? 'off' : `${service.adminHost} port ${adminPort}`}`,
    `durability: ${options.durability}`,
    `keystore: ${keystore.store.use === 'map' ? `${keystore.store.keys.length} configured keys` : place(keystore.store)}`,
    `bucketstore: ${place(bucketstore.store)}, new buckets in ${bucketstore.defaultRegion}`,
  ];
  for (const [name, region] of regions) {
    lines.push(`region ${name}: metastore ${place(region.metastore)}`);
    for (const [storageClass, store] of region.storageClasses) lines.push(`  ${storageClass}: blobs ${place(store)}`);
  }
  return `${lines.map((line) => `  ${line}`).join('\n')}\n`;
}

function place(store: StoreConfig): string {
  switch (store.use) {
    case 'memory':
      return 'in memory';
    case 'module':
      return `by ${store.module.name}`;
    case 'embedded':
      return `in ${store.path}`;
    case 'cassandra': {
      const { contactPoints, keyspace } = store.cassandra;
      return `on Cassandra at ${contactPoints.map(addressOf).join(', ')} in keyspace ${keyspace}`;
    }
  }
}
