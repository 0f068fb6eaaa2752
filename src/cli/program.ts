import { readFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { ConfigurationError } from '../config/configuration-error.ts';
import { ConfiguredBucketError } from '../configured-bucket-error.ts';
import { DataDirectoryError } from '../data-directory.ts';
import { ListenError } from '../listen-error.ts';
import { ModuleStoreError } from '../module-stores.ts';
import { LogFileError } from '../observe/log-outputs.ts';
import { printable } from '../observe/printable.ts';
import { StoreError } from '../stores/store.ts';
import { TlsPairError } from '../tls-pair.ts';
import { WorkerStartError } from '../worker-pool.ts';
import type { CommandContext } from './command-context.ts';
import { CommandError, EXIT } from './exit-code.ts';
import { withImpliedServe } from './implied-serve.ts';
import { translateSwitches } from './switches.ts';
import type { Terminal } from './terminal.ts';

const HELP = `
Without a command it is serve: pithos ./data.

The switches of Pithos 0.7 work too: pithos -f pithos.yaml [-q] [-a api-run|install-schema].`;

/** Each command by its name, in the order of the help; its code is loaded when it is asked for. */
const COMMANDS: Readonly<Record<string, (context: CommandContext) => Promise<Command>>> = {
  serve: async (context) => (await import('./serve.ts')).serveCommand(context),
  'install-schema': async (context) => (await import('./install-schema.ts')).installSchemaCommand(context),
  doctor: async (context) => (await import('./doctor.ts')).doctorCommand(context),
  fsck: async (context) => (await import('./fsck.ts')).fsckCommand(context),
  backup: async (context) => (await import('./backup.ts')).backupCommand(context),
  restore: async (context) => (await import('./restore.ts')).restoreCommand(context),
  migrate: async (context) => (await import('./migrate.ts')).migrateCommand(context),
  import: async (context) => (await import('./import.ts')).importCommand(context),
  bench: async (context) => (await import('./bench.ts')).benchCommand(context),
  keys: async (context) => (await import('./keys.ts')).keysCommand(context),
  config: async (context) => (await import('./config-check.ts')).configCommand(context),
  completion: async (context) => (await import('./completion.ts')).completionCommand(context),
};
/** Those that look at all the others. */
const ABOUT_ALL = ['completion'];

/** What a mistake is told by: its message is a sentence for the user. */
const EXPECTED = [
  CommandError,
  ConfigurationError,
  ConfiguredBucketError,
  DataDirectoryError,
  ListenError,
  LogFileError,
  ModuleStoreError,
  StoreError,
  TlsPairError,
  WorkerStartError,
];

/**
 * Runs one command line, without the name of the program; resolves with the code to exit with. The first SIGINT or
 * SIGTERM fires `stop`, the second `kill`.
 */
export async function runProgram(
  argv: readonly string[],
  { terminal, stop, kill }: Omit<CommandContext, 'exitWith'>,
): Promise<number> {
  let code: number = EXIT.ok;
  const exitWith = (given: number) => {
    code = given;
  };
  try {
    const names = Object.keys(COMMANDS);
    const line = translateSwitches(argv) ?? withImpliedServe(argv, ['help', ...names]);
    const asked = names.filter((name) => name === line[0] && !ABOUT_ALL.includes(name));
    const program = await makeProgram(asked.length > 0 ? asked : names, { terminal, stop, kill, exitWith });
    await program.parseAsync([...line], { from: 'user' });
    return code;
  } catch (error) {
    // Commander has told its mistakes, and printed help and version, itself.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.couldNotRun;
    if (stop.aborted) terminal.complain('pithos: stopped before it was done.');
    else tell(error, terminal);
    return EXIT.couldNotRun;
  }
}

async function makeProgram(commands: readonly string[], context: CommandContext): Promise<Command> {
  const { terminal } = context;
  const program = new Command('pithos')
    .description('An S3-compatible object store.')
    .version(await version(), '-V, --version')
    .addHelpText('after', HELP)
    // What follows a subcommand is its own, though the command above it has an option of that name.
    .enablePositionalOptions()
    .showHelpAfterError('(a directory to serve is named by its path: pithos ./data)');
  for (const name of commands) {
    const command = await COMMANDS[name]?.(context);
    if (command !== undefined) program.addCommand(command);
  }
  for (const command of withSubcommands(program)) {
    command
      .exitOverride()
      .showSuggestionAfterError()
      .configureOutput({
        writeOut: (text) => terminal.print(text),
        writeErr: (text) => terminal.complain(text.trimEnd()),
      });
  }
  return program;
}

function* withSubcommands(command: Command): Generator<Command> {
  yield command;
  for (const subcommand of command.commands) yield* withSubcommands(subcommand);
}

/** One clear line; a stack only for what nobody expected. */
function tell(error: unknown, terminal: Terminal): void {
  if (error instanceof ConfigurationError) {
    for (const problem of error.problems) terminal.complain(printable(problem));
  } else if (error instanceof Error && EXPECTED.some((kind) => error instanceof kind)) {
    terminal.complain(`pithos: ${printable(error.message)}`);
  } else {
    terminal.complain(`pithos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

/** The package's own, from beside the folder that the program lies in, built or not. */
async function version(): Promise<string> {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      return parseVersion(await readFile(new URL(place, import.meta.url), 'utf8'));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return 'unknown';
}

function parseVersion(json: string): string {
  const { version } = JSON.parse(json) as { readonly version: string };
  return version;
}
