import type { Command } from 'commander';
import type { ConfigurationSources, FlagSetting } from '../config/load.ts';
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
}

const DIRECTORY = { flag: 'the directory', path: 'options.data-directory' };

/** Gives a command its `[directory]` and `--config`. */
export function withConfiguration(command: Command): Command {
  return command
    .argument('[directory]', 'the data directory (default ./data)')
    .option('-f, --config <file>', 'the configuration file (default: the one PITHOS_CONFIGURATION names, or none)');
}

export function configurationSources(
  directory: string | undefined,
  { config: file }: ConfigurationFlags,
  flags: readonly FlagSetting[] = [],
): ConfigurationSources {
  return { file, flags: directory === undefined ? flags : [...flags, { ...DIRECTORY, text: directory }] };
}
