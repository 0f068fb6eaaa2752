import { Argument, Command, type Option } from 'commander';
import type { CommandContext } from './command-context.ts';
import {
  type CompletedCommand,
  type CompletedFlag,
  completionScript,
  SHELLS,
  type Shell,
} from './completion-scripts.ts';

const HELP = `
bash: add \`source <(pithos completion bash)\` to ~/.bashrc.
zsh:  add \`source <(pithos completion zsh)\` to ~/.zshrc, after compinit.
fish: \`pithos completion fish > ~/.config/fish/completions/pithos.fish\``;

/** `pithos completion <shell>`: prints what makes a shell complete the commands and flags of this release. */
export function completionCommand({ terminal }: CommandContext): Command {
  const command = new Command('completion');
  return command
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .description('print the completions for a shell')
    .addHelpText('after', HELP)
    .action((shell: Shell) => {
      terminal.print(completionScript(shell, describeCommands(command.parent ?? command)));
    });
}

/** A program and all commands below it. The program itself takes a directory: without a command it serves. */
export function describeCommands(program: Command): readonly CompletedCommand[] {
  const [own, ...others] = [...walk(program, '')];
  return own === undefined ? [] : [{ ...own, argument: 'directory' }, ...others];
}

function* walk(command: Command, at: string): Generator<CompletedCommand> {
  const help = command.createHelp();
  const subcommands = [...help.visibleCommands(command)];
  yield {
    at,
    description: command.description(),
    subcommands: subcommands.map((each) => ({ name: each.name(), description: each.description() })),
    flags: help.visibleOptions(command).map(describeFlag),
    argument: describeArgument(command),
  };
  for (const each of command.commands) yield* walk(each, `${at} ${each.name()}`.trim());
}

function describeFlag({ flags, short, long, description, required, optional }: Option): CompletedFlag {
  const names = [short, long].filter((name) => name !== undefined);
  const takesValue = required || optional;
  return { names, description, value: !takesValue ? 'nothing' : flags.includes('<file>') ? 'file' : 'text' };
}

function describeArgument(command: Command): CompletedCommand['argument'] {
  const [first] = command.registeredArguments;
  if (first?.argChoices !== undefined) return first.argChoices;
  const takesDirectory = command.registeredArguments.some((argument) =>
    ['directory', 'target', 'backup'].includes(argument.name()),
  );
  return takesDirectory ? 'directory' : 'nothing';
}
