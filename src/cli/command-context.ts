import type { Command } from 'commander';
import type { ConfigurationSources, FlagSetting } from '../config/load.ts';
import { nearest } from '../config/nearest.ts';
import { SETTING_PATHS } from '../config/setting-paths.ts';
import { CommandError } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** What a command gets from the program around it. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Fires at the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
  /** Fires at the second. */
  readonly kill: AbortSignal;
  /** Sets the code to exit with; 0 unless set. */
  exitWith(code: number): void;
}

/** Flags that every command with a configuration has. */
export interface ConfigurationFlags {
  readonly config?: string;
  readonly cassandra?: string;
  readonly keyspace?: string;
  readonly set?: readonly string[];
  readonly quiet?: boolean;
}

/** A flag that sets what the file can set too: flag, value, setting, help. */
export type SettingFlag = readonly [flag: `--${string}`, value: string, path: string, help: string];

const DIRECTORY = { flag: 'the directory', path: 'options.data-directory' };
const BUCKETS = 'options.buckets';
const CLUSTER_FLAGS = [
  ['--cassandra', '<nodes>', 'cassandra.cluster', 'keep the stores on the cluster with these nodes: host[:port],…'],
  ['--keyspace', '<name>', 'cassandra.keyspace', 'in this keyspace of it (default pithos)'],
] as const satisfies readonly SettingFlag[];

/** Gives a command its `[directory]` and the flags of `withConfigurationFlags`. */
export function withConfiguration(command: Command): Command {
  return withConfigurationFlags(command.argument('[directory]', 'the data directory (default ./data)'));
}

/** Gives a command `--config` and the flags that put the stores on a cluster. */
export function withConfigurationFlags(command: Command): Command {
  return withSettingFlags(
    command
      .option(
        '-f, --config <file>',
        'the configuration file (default: what PITHOS_CONFIGURATION names, or /etc/pithos/pithos.yaml)',
      )
      .option('--set <setting=value>', 'any setting of the file, such as service.workers=2', collect),
    CLUSTER_FLAGS,
  );
}

export function withSettingFlags(command: Command, flags: readonly SettingFlag[]): Command {
  for (const [flag, value, path, help] of flags) {
    if (path === BUCKETS) command.option(`${flag} ${value}`, help, joinItems);
    else command.option(`${flag} ${value}`, help);
  }
  return command;
}

/** A flag that may be given again for each bucket. */
function joinItems(text: string, before: string | undefined): string {
  return before === undefined ? text : `${before},${text}`;
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Where a command finds its configuration; `given` are all its flags, of which `settings` set something too. */
export function configurationSources(
  directory: string | undefined,
  given: ConfigurationFlags,
  settings: readonly SettingFlag[] = [],
): ConfigurationSources {
  const flags: FlagSetting[] = [...CLUSTER_FLAGS, ...settings].flatMap(([flag, , path]) => {
    const text: unknown = Reflect.get(given, camelCase(flag.slice(2)));
    return typeof text === 'string' ? [{ flag, path, text }] : [];
  });
  for (const text of given.set ?? []) flags.push(parseSetting(text));
  if (given.quiet === true) flags.push({ flag: '--quiet', path: 'logging.console', text: 'false' });
  if (directory !== undefined) flags.push({ ...DIRECTORY, text: directory });
  return { file: given.config, flags };
}

/** `service.port=9100`. */
function parseSetting(text: string): FlagSetting {
  const [path = '', ...value] = text.split('=');
  const flag = `--set ${path}`;
  if (value.length === 0) throw new CommandError(`${flag} needs a value: --set ${path}=VALUE.`);
  if (!SETTING_PATHS.includes(path)) {
    const meant = nearest(path, SETTING_PATHS);
    throw new CommandError(`There is no setting ${path}${meant === undefined ? '.' : `: did you mean ${meant}?`}`);
  }
  return { flag, path, text: value.join('=') };
}

function camelCase(flag: string): string {
  return flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
