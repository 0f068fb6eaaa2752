import { Command } from 'commander';
import type { Config, StoreConfig } from '../config/config.ts';
import { loadConfiguration } from '../config/load.ts';
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
      const { config, file } = await loadConfiguration(configurationSources(directory, options));
      context.terminal.print(`${file ?? 'The configuration'} is valid.\n${describe(config)}`);
    });
  return new Command('config').description('work with the configuration').addCommand(check);
}

function describe({ service, options, keystore, bucketstore, regions }: Config): string {
  const { adminPort } = service;
  const lines = [
    `S3: ${service.host} port ${service.port}, ${service.workers} worker processes`,
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
  return store.use === 'memory' ? 'in memory' : `in ${store.path}`;
}
