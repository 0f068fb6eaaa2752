import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runPithos } from './run-pithos.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const DOCUMENTS = ['README.md', ...readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'))];
const SHELL_BLOCK = /^ *```sh\n([\s\S]*?)^ *```/gm;
const SPAN = /`((?:npx )?pithos [^`\n]+)`/g;
/** After variables, and what runs it. */
const COMMAND_LINE = /^(?:[A-Z_]+=\S* )*(?:npx |runuser -u \S+ -- )?pithos((?: [^#|]*)?)/;

interface CommandLine {
  readonly document: string;
  readonly line: string;
  readonly words: readonly string[];
}

/** Every command line of the program in the documents, in blocks and in sentences. */
function commandLines(): CommandLine[] {
  return DOCUMENTS.flatMap((document) => {
    const text = readFileSync(`${ROOT}${document === 'README.md' ? '' : 'docs/'}${document}`, 'utf8');
    const lines = [...text.matchAll(SHELL_BLOCK)].flatMap(([, block = '']) => block.replaceAll('\\\n', '').split('\n'));
    const spans = [...text.replaceAll(SHELL_BLOCK, '').matchAll(SPAN)].map(([, span = '']) => span);
    return [...lines, ...spans].flatMap((line) => {
      const [, rest] = COMMAND_LINE.exec(line.trim()) ?? [];
      return rest === undefined
        ? []
        : [{ document, line, words: rest.replaceAll(/[[\]]/g, '').trim().split(/\s+/).filter(Boolean) }];
    });
  });
}

const helps = new Map<string, Promise<string>>();

function helpOf(command: string): Promise<string> {
  const asked =
    helps.get(command) ?? runPithos([...command.split(' ').filter(Boolean), '--help']).then(({ stdout }) => stdout);
  helps.set(command, asked);
  return asked;
}

/** The command that a line names, and its help; what names none is served. */
async function findCommand(words: readonly string[]): Promise<{ command: string; help: string }> {
  const [first = '', second = ''] = words;
  const commands = /^ {2}([a-z-]+)/gm;
  const top = [...(await helpOf('')).matchAll(commands)].map(([, name = '']) => name);
  if (!top.includes(first)) return { command: 'serve', help: await helpOf('serve') };
  const help = await helpOf(first);
  // Where a command has arguments too, what is none of its subcommands is one of them.
  const subcommands = [...(help.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z][a-z0-9.-]*)/gm)];
  if (!subcommands.some(([, name]) => name === second)) return { command: first, help };
  const command = `${first} ${second}`;
  return { command, help: await helpOf(command) };
}

test.each(commandLines())('$document: $line', async ({ words }) => {
  const { command, help } = await findCommand(words);
  expect(help).toContain(`Usage: pithos ${command} `);
  const flags = words.filter((word) => word.startsWith('-')).map((word) => word.split('=')[0] ?? '');
  // Those of the original, too.
  for (const flag of flags.filter((each) => !['-a', '-q'].includes(each))) {
    expect(help).toMatch(new RegExp(`[ ,]${flag}[ ,<\n]`));
  }
});
