import { posix } from 'node:path';

/** The files of a project by their path from its root. */
export type Tree = ReadonlyMap<string, string>;

const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\()'(?<path>\.{1,2}\/[^']+)'/g;

/** Source files that no chain of imports reaches from `entries`; tests are not entries and are not looked at. */
export function findDeadFiles(tree: Tree, entries: readonly string[]): string[] {
  const reached = new Set<string>();
  const waiting = entries.filter((path) => tree.has(path));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const source = tree.get(path) ?? '';
    for (const match of source.matchAll(SPECIFIER)) {
      const target = posix.join(posix.dirname(path), match.groups?.['path'] ?? '');
      if (tree.has(target)) waiting.push(target);
    }
  }
  return [...tree.keys()].filter((path) => /^src\/.*(?<!\.test)\.ts$/.test(path) && !reached.has(path));
}

const MACHINE_FOLDERS = ['work', 'root', 'Users'].join('|');
const MACHINE_PATH = new RegExp(`(^|[^A-Za-z0-9_.})-])/(${MACHINE_FOLDERS})/`, 'm');

/** Files that name a path of the machine they were written on. */
export function findMachinePaths(tree: Tree): string[] {
  return listFiles(tree, (text) => MACHINE_PATH.test(text));
}

/** Spelt in two pieces each, so that this file does not hold them. */
const MARKS = [
  ['TO', 'DO'],
  ['FIX', 'ME'],
  ['XX', 'X'],
  ['HA', 'CK'],
]
  .map((pieces) => pieces.join(''))
  .join('|');
const OPEN_MARK = new RegExp(`\\b(${MARKS})\\b(?!\\(#\\d+\\))`);

/** Files with a mark of unfinished work that names no issue, as `MARK(#12)` would. */
export function findOpenMarks(tree: Tree): string[] {
  return listFiles(tree, (text) => OPEN_MARK.test(text));
}

const METHOD = /^ {2}(?<name>[a-z]\w*)(?:<[^>]*>)?\($/;

/** Methods of the interfaces in `stores` that no suite in `suites` calls, as `file: method`. */
export function findUntestedMethods(stores: Tree, suites: Tree): string[] {
  const calls = [...suites.values()].join('\n');
  const untested: string[] = [];
  for (const [path, text] of stores) {
    for (const [, body = ''] of text.matchAll(/^export interface [^{]*\{$(.*?)^\}$|^interface [^{]*\{$(.*?)^\}$/gms)) {
      for (const line of body.split('\n')) {
        const name = METHOD.exec(`${line.split('(')[0]}(`)?.groups?.['name'];
        if (name !== undefined && line.includes('(') && !calls.includes(`.${name}(`)) untested.push(`${path}: ${name}`);
      }
    }
  }
  return untested;
}

const LINK = /\]\((?<target>[^)#\s]+)(?:#[^)]*)?\)/g;

/** Links of Markdown files to files that are not there, as `file: target`. */
export function findBrokenLinks(tree: Tree): string[] {
  const folders = new Set([...tree.keys()].flatMap(parentsOf));
  const broken: string[] = [];
  for (const [path, text] of tree) {
    if (!path.endsWith('.md')) continue;
    for (const match of text.matchAll(LINK)) {
      const target = match.groups?.['target'] ?? '';
      const file = posix.join(posix.dirname(path), target).replace(/\/$/, '');
      if (!/^[a-z]+:/.test(target) && !tree.has(file) && !folders.has(file)) broken.push(`${path}: ${target}`);
    }
  }
  return broken;
}

const HELD_BY = /`(?<file>[\w./-]+\.test\.ts)`: "(?<name>[^"]+)"/g;

/** Rows of tables of `document` that name no test, or one that is not there, as `file: name` or the row's first words. */
export function findUnheldRows(document: string, tree: Tree): string[] {
  const rows = document.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| class |'));
  return rows.flatMap((row) => {
    const tests = [...row.matchAll(HELD_BY)].map((match) => match.groups ?? {});
    if (tests.length === 0) return [row.slice(2, 40)];
    return tests.flatMap(({ file = '', name = '' }) => {
      const text = tree.get(file) ?? '';
      return ["'", '"', '`'].some((quote) => text.includes(quote + name + quote)) ? [] : [`${file}: ${name}`];
    });
  });
}

const NPM_COMMAND = /\bnpm (?:run (?<script>[\w:]+)|(?<known>start|test)\b)/g;

/** npm scripts that a document tells the reader to run and `scripts` lacks, as `file: script`. */
export function findUnknownScripts(tree: Tree, scripts: readonly string[]): string[] {
  const unknown: string[] = [];
  for (const [path, text] of tree) {
    if (!path.endsWith('.md')) continue;
    for (const match of text.matchAll(NPM_COMMAND)) {
      const script = match.groups?.['script'] ?? match.groups?.['known'] ?? '';
      if (!scripts.includes(script)) unknown.push(`${path}: ${script}`);
    }
  }
  return unknown;
}

/** Dependencies that no decision record names in its text. */
export function findUndecidedDependencies(dependencies: readonly string[], records: Tree): string[] {
  const texts = [...records.values()].join('\n');
  return dependencies.filter((name) => !texts.includes(`\`${name}\``));
}

function listFiles(tree: Tree, matches: (text: string) => boolean): string[] {
  return [...tree].filter(([, text]) => matches(text)).map(([path]) => path);
}

function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index).join('/')).filter((parent) => parent !== '');
}
