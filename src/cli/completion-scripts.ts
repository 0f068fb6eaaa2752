/** One command of the program, as a shell completes it. */
export interface CompletedCommand {
  /** The words that lead to it: none for the program itself, `keys create` for that one. */
  readonly at: string;
  readonly description: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly flags: readonly CompletedFlag[];
  /** What follows: directories, or one of these words. */
  readonly argument: 'directory' | 'nothing' | readonly string[];
}

export interface CompletedFlag {
  /** `-f` and `--config`, or one of them. */
  readonly names: readonly string[];
  readonly description: string;
  readonly value: 'file' | 'text' | 'nothing';
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell needs to complete the command lines of `pithos`. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
  }
}

/** Each step from a command to one below it, as the shells know them: `keys create` is `keys` and then `create`. */
function steps(commands: readonly CompletedCommand[]): string[] {
  return commands.flatMap(({ at, subcommands }) => subcommands.map(({ name }) => quoted(`${at} ${name}`)));
}

function bashScript(commands: readonly CompletedCommand[]): string {
  const flags = commands.flatMap((command) => command.flags);
  const takers = (value: CompletedFlag['value']) => unique(namesOf(flags.filter((flag) => flag.value === value)));
  const branches = commands.map(({ at, subcommands, flags: own, argument }) => {
    const words = [...subcommands.map(({ name }) => name), ...(typeof argument === 'string' ? [] : argument)];
    const directories = argument === 'directory' ? '; directories=yes' : '';
    return `    ${quoted(at)}) flags=${quoted(namesOf(own).join(' '))}; words=${quoted(words.join(' '))}${directories} ;;`;
  });
  return `# Completion of pithos for bash: source <(pithos completion bash)
_pithos() {
  local IFS=$'\\n' word at= flags= words= directories= i
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$at $word" in
      ${steps(commands).join(' | ')}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$previous" in
    ${takers('file').join(' | ')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${takers('text').join(' | ')}) return ;;
  esac
  case "$at" in
${branches.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(IFS=' '; compgen -W "$flags" -- "$current"))
  else
    COMPREPLY=($(IFS=' '; compgen -W "$words" -- "$current"))
    [[ -n "$directories" ]] && COMPREPLY+=($(compgen -d -- "$current"))
  fi
}
complete -o filenames -F _pithos pithos
`;
}

function zshScript(commands: readonly CompletedCommand[]): string {
  const branches = commands.map((command) => {
    const lines = command.flags.map((flag) => `        ${zshFlag(flag)} \\`);
    return `    ${quoted(command.at)})
      _arguments -s \\
${lines.join('\n')}
        ${zshArgument(command)}
      ;;`;
  });
  return `#compdef pithos
# Completion of pithos for zsh: source <(pithos completion zsh), after compinit
_pithos() {
  local at=
  local -a commands
  while ((CURRENT > 2)); do
    case "$at $words[2]" in
      ${steps(commands).join(' | ')}) at="\${at:+$at }$words[2]"; shift words; ((CURRENT--)) ;;
      *) break ;;
    esac
  done
  case "$at" in
${branches.join('\n')}
  esac
}
${commands
  .filter(({ subcommands }) => subcommands.length > 0)
  .map(zshWords)
  .join('\n')}
compdef _pithos pithos
`;
}

function zshFlag({ names, description, value }: CompletedFlag): string {
  const text = description.replaceAll(/[[\]:\\]/g, '\\$&');
  const taken = { file: ':file:_files', text: ':value: ', nothing: '' }[value];
  const [first = '', ...others] = names;
  if (others.length === 0) return quoted(`${first}[${text}]${taken}`);
  return `${quoted(`(${names.join(' ')})`)}{${names.join(',')}}${quoted(`[${text}]${taken}`)}`;
}

function zshArgument({ at, subcommands, argument }: CompletedCommand): string {
  if (subcommands.length > 0) return quoted(`1:command:${zshFunction(at)}`);
  if (argument === 'directory') return quoted('*:directory:_directories');
  return argument === 'nothing' ? quoted('*: : ') : quoted(`1:word:(${argument.join(' ')})`);
}

/** The function that offers the commands below one, and directories where `serve` may be left out. */
function zshWords({ at, subcommands, argument }: CompletedCommand): string {
  const rows = subcommands.map(
    ({ name, description }) => `    ${quoted(`${name}:${description.replaceAll(':', '\\:')}`)}`,
  );
  return `${zshFunction(at)}() {
  local -a commands=(
${rows.join('\n')}
  )
  _describe command commands
${argument === 'directory' ? '  _directories\n' : ''}}`;
}

function zshFunction(at: string): string {
  return ['_pithos', ...at.split(' ').filter(Boolean), 'commands'].join('_');
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ at, subcommands, flags, argument }) => {
    const begin = `complete -c pithos -n ${quoted(`__pithos_at ${quoted(at).replaceAll("'", '"')}`)}`;
    const words = typeof argument === 'string' ? [] : argument.map((name) => ({ name, description: '' }));
    return [
      ...[...subcommands, ...words].map(({ name, description }) => `${begin} -a ${name} -d ${quoted(description)}`),
      ...(argument === 'directory' ? [`${begin} -a '(__fish_complete_directories)'`] : []),
      ...flags.map((flag) => `${begin} ${fishFlag(flag)} -d ${quoted(flag.description)}`),
    ];
  });
  return `# Completion of pithos for fish: pithos completion fish | source
function __pithos_at
  set -l at
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${steps(commands).join(' ')}
        set at (string trim "$at $word")
    end
  end
  test "$at" = "$argv[1]"
end
complete -c pithos -f
${lines.join('\n')}
`;
}

function fishFlag({ names, value }: CompletedFlag): string {
  const spelled = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  return [...spelled, ...{ file: ['-r', '-F'], text: ['-x'], nothing: [] }[value]].join(' ');
}

function namesOf(flags: readonly CompletedFlag[]): string[] {
  return flags.flatMap(({ names }) => names);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

/** In single quotes, as all three shells read them; what is in the texts of the program needs no more. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}
