import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { SHELLS, type Shell } from '../../src/cli/completion-scripts.ts';
import { pathOf } from '../support/programs.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const DIRECTORY = 'a directory';
/** Commands of which every flag is looked for. */
const COMMANDS = ['serve', 'backup', 'bench', 'keys create'];

/** How a shell is asked for the completions of a line of words, of which the last is completed. */
const ASK: Readonly<Record<Shell, (script: string, words: readonly string[]) => string>> = {
  bash: (script, words) => `
source ${script}
COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=${words.length - 1}
_pithos
printf '%s\\n' "\${COMPREPLY[@]}"`,
  // What zsh's own functions are called with: they want a terminal.
  zsh: (script, words) => `
compdef() { : }
_describe() { print -rl -- "\${(@P)2}" }
_directories() { print -rl -- */(N:s#/##) }
_arguments() {
  local each
  for each in "$@"; do
    case "$each" in
      -s) ;;
      1:command:*) [[ "$words[CURRENT]" == -* ]] || \${each##*:} ;;
      1:word:*) print -rl -- \${=\${\${each##*\\(}%\\)}} ;;
      \\*:directory:*) [[ "$words[CURRENT]" == -* ]] || _directories ;;
      *) [[ "$words[CURRENT]" == -* ]] && print -r -- "\${\${each%%\\[*}##*\\)}" ;;
    esac
  done
}
source ${script}
words=(${words.map(quoted).join(' ')}); CURRENT=${words.length}
_pithos
true`,
  fish: (script, words) => `source ${script}; complete -C ${quoted(words.join(' '))}`,
};

let folder: TempDir;
let helps: readonly string[];
beforeAll(async () => {
  folder = await makeTempDir();
  await mkdir(join(folder.path, DIRECTORY));
  for (const shell of SHELLS) {
    await writeFile(join(folder.path, shell), (await runPithos(['completion', shell])).stdout);
  }
  const asked = COMMANDS.map((command) => runPithos([...command.split(' '), '--help']));
  helps = (await Promise.all(asked)).map(({ stdout }) => stdout);
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Commands, flags or directories, without their descriptions. */
function complete(shell: Shell, line: string): string[] {
  const flags = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'] }[shell];
  const command = ASK[shell](`./${shell}`, line.split(' '));
  const env = { ...process.env, HOME: folder.path };
  const output = execFileSync(pathOf(inject('shells')[shell]), [...flags, '-c', command], {
    cwd: folder.path,
    encoding: 'utf8',
    env,
  });
  const lines = output.split('\n').filter((each) => each !== '');
  return lines.map((each) => (each.split(/[\t:]/)[0] ?? '').replace(/\/$/, '').replace('\\ ', ' '));
}

function quoted(text: string): string {
  return `'${text}'`;
}

describe.each(SHELLS)('in %s', (shell) => {
  test.each([
    ['pithos ', ['serve', 'fsck', 'backup', 'restore', 'keys', 'completion', DIRECTORY]],
    ['pithos keys ', ['list', 'create', 'delete']],
    ['pithos config ', ['check']],
    ['pithos completion ', ['bash', 'zsh', 'fish']],
    ['pithos serve ', [DIRECTORY]],
    ['pithos backup ', [DIRECTORY]],
    ['pithos serve --', ['--port', '--config', '--durability']],
    ['pithos backup --', ['--deep', '--config']],
    ['pithos keys create --', ['--tenant', '--master']],
    ['pithos serve ./data --', ['--port']],
  ])('%j completes what there is', (line, expected) => {
    expect(complete(shell, line)).toEqual(expect.arrayContaining(expected));
  });

  test('completes nothing of another command', () => {
    expect(complete(shell, 'pithos keys ')).not.toContain('serve');
    expect(complete(shell, 'pithos backup --')).not.toContain('--port');
    expect(complete(shell, 'pithos doctor ')).not.toContain(DIRECTORY);
  });
});

test.each(SHELLS)('the completions for %s name every command and flag that help does', async (shell) => {
  const script = await readFile(join(folder.path, shell), 'utf8');
  for (const help of helps) {
    for (const [, flag = ''] of help.matchAll(/--([a-z0-9-]+)/g))
      expect(script).toMatch(new RegExp(`(--|-l )${flag}\\b`));
  }
});

test('a shell that is not known is refused by name', async () => {
  expect(await runPithos(['completion', 'ksh'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Allowed choices are bash, zsh, fish.'),
  });
});
