import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SHELLS, type Shell } from '../../src/cli/completion-scripts.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const DIRECTORY = 'a directory';

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
beforeAll(async () => {
  folder = await makeTempDir();
  await mkdir(join(folder.path, DIRECTORY));
  for (const shell of SHELLS) {
    await writeFile(join(folder.path, shell), (await runPithos(['completion', shell])).stdout);
  }
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Commands, flags or directories, without their descriptions. */
function complete(shell: Shell, line: string): string[] {
  const flags = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'] }[shell];
  const command = ASK[shell](`./${shell}`, line.split(' '));
  const env = { ...process.env, HOME: folder.path };
  const output = execFileSync(shell, [...flags, '-c', command], { cwd: folder.path, encoding: 'utf8', env });
  const lines = output.split('\n').filter((each) => each !== '');
  return lines.map((each) => (each.split(/[\t:]/)[0] ?? '').replace(/\/$/, '').replace('\\ ', ' '));
}

function isThere(shell: Shell): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, shell)));
}

function quoted(text: string): string {
  return `'${text}'`;
}

/** Those of them that this machine has; bash is everywhere. */
describe.each(SHELLS.filter((shell) => shell === 'bash' || isThere(shell)))('in %s', (shell) => {
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
  const { stdout: script } = await runPithos(['completion', shell]);
  for (const command of ['serve', 'backup', 'keys create']) {
    const { stdout: help } = await runPithos([...command.split(' '), '--help']);
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
