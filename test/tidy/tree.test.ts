import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  findBrokenLinks,
  findDeadFiles,
  findMachinePaths,
  findOpenMarks,
  findUndecidedDependencies,
  findUnheldRows,
  findUnknownScripts,
  findUntestedMethods,
  type Tree,
} from './tree.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
/** The programs and modules that `package.json` names. */
const ENTRIES = ['src/main.ts', 'src/start-server.ts', 'src/require.cts', 'src/vitest.ts'];

/** Every file that git keeps or would keep. */
const TREE: Tree = new Map(
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
);

const PACKAGE = JSON.parse(TREE.get('package.json') ?? '');
const LOCK: { readonly packages: Readonly<Record<string, LockedPackage>> } = JSON.parse(
  TREE.get('package-lock.json') ?? '',
);
/** They choose or build native code for the machine; `node` is for development alone. */
const WITH_INSTALL_SCRIPTS = ['node_modules/lmdb', 'node_modules/msgpackr-extract', 'node_modules/node'];
const CONTRACT_SUITES = pick(/^test\/contract\/.*\.ts$/);

interface LockedPackage {
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

function pick(pattern: RegExp): Tree {
  return new Map([...TREE].filter(([path]) => pattern.test(path)));
}

describe('the tree', () => {
  test('holds no source file that nothing imports', () => {
    const suites = [...CONTRACT_SUITES.keys()].filter((path) => !path.endsWith('.test.ts'));
    expect(findDeadFiles(TREE, [...ENTRIES, ...suites])).toEqual([]);
  });

  test('holds no test file that no project runs', () => {
    const listed = execFileSync('npx', ['vitest', 'list', '--filesOnly', '--json'], { cwd: ROOT, encoding: 'utf8' });
    const run: string[] = JSON.parse(listed).map(({ file }: { file: string }) => relative(ROOT, file));
    // Some run once for each engine.
    expect([...new Set(run)].toSorted()).toEqual([...pick(/\.test\.ts$/).keys()].toSorted());
  });

  test('names no path of the machine it was written on', () => {
    expect(findMachinePaths(TREE)).toEqual([]);
  });

  test('marks no work as unfinished without its issue', () => {
    expect(findOpenMarks(pick(/^(src|test|bench|fuzz|scripts|examples)\//))).toEqual([]);
  });

  test('records no download address in package-lock.json', () => {
    expect(TREE.get('package-lock.json')).not.toMatch(/"resolved": *"http/);
  });

  test('takes no dependency that is not the one that was looked at, and runs scripts of few at install', () => {
    const packages = Object.entries(LOCK.packages).filter(([path]) => path !== '');
    expect(packages.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([]);
    const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    expect(scripted).toEqual(WITH_INSTALL_SCRIPTS);
  });

  test('names every method of a store in a contract suite', () => {
    expect(findUntestedMethods(pick(/^src\/stores\/(?!read-pins)[^/]+(?<!\.test)\.ts$/), CONTRACT_SUITES)).toEqual([]);
  });

  test('has documents whose links lead somewhere', () => {
    expect(findBrokenLinks(TREE)).toEqual([]);
  });

  test('has a test for every class of attack that docs/security.md names', () => {
    const document = TREE.get('docs/security.md') ?? '';
    expect(document.split('\n| ').length).toBeGreaterThan(30);
    expect(findUnheldRows(document, TREE)).toEqual([]);
  });

  test('has documents whose npm commands exist', () => {
    expect(findUnknownScripts(TREE, Object.keys(PACKAGE.scripts))).toEqual([]);
  });

  test('has a decision record for every runtime dependency', () => {
    expect(findUndecidedDependencies(Object.keys(PACKAGE.dependencies), pick(/^docs\/decisions\//))).toEqual([]);
  });

  test('runs its tests on the Node that runs the sources unbuilt', () => {
    expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(24);
  });
});

describe('the checks of the tree catch', () => {
  const tree = (files: Record<string, string>): Tree => new Map(Object.entries(files));

  test('a source file that only its test imports', () => {
    const files = tree({
      'src/main.ts': "import { a } from './a.ts';\nawait import('./b.ts');\nnew URL('./c.ts', import.meta.url);\n",
      'src/a.ts': '',
      'src/b.ts': '',
      'src/c.ts': '',
      'src/dead.ts': '',
      'src/dead.test.ts': "import { dead } from './dead.ts';\n",
    });
    expect(findDeadFiles(files, ENTRIES)).toEqual(['src/dead.ts']);
  });

  test('a path of a machine, and no path of an S3 object', () => {
    const files = tree({ 'a.ts': `open('${['', 'root', 'x'].join('/')}')`, 'b.ts': 'GET /bucket/work/key' });
    expect(findMachinePaths(files)).toEqual(['a.ts']);
  });

  test('a mark without an issue', () => {
    const mark = ['TO', 'DO'].join('');
    expect(findOpenMarks(tree({ 'a.ts': `// ${mark} later`, 'b.ts': `// ${mark}(#12) later` }))).toEqual(['a.ts']);
  });

  test('a method of a store that no suite calls', () => {
    const stores = tree({
      's.ts': 'export interface S {\n  /** Doc. */\n  getA(): void;\n  getB(\n    x: 1,\n  ): void;\n}\n',
    });
    expect(findUntestedMethods(stores, tree({ 'suite.ts': 'store.getA()' }))).toEqual(['s.ts: getB']);
  });

  test('a link to a file that is not there', () => {
    const files = tree({ 'docs/a.md': '[b](b.md) [c](../c.md#part) [d](https://a.example)', 'docs/b.md': '' });
    expect(findBrokenLinks(files)).toEqual(['docs/a.md: ../c.md']);
  });

  test('a class of attack without a test, or with one that is not there', () => {
    const rows =
      '| class | held by |\n|---|---|\n| a | `a.test.ts`: "is b" |\n| c | none |\n| d | `d.test.ts`: "e" |\n';
    const files = tree({ 'a.test.ts': "test('is b', () => {})", 'd.test.ts': "test('is e', () => {})" });
    expect(findUnheldRows(rows, files)).toEqual(['c | none |', 'd.test.ts: e']);
  });

  test('a command that does not exist', () => {
    expect(findUnknownScripts(tree({ 'a.md': '`npm run nothing`, `npm test`' }), ['test'])).toEqual(['a.md: nothing']);
  });

  test('a dependency without a record', () => {
    expect(findUndecidedDependencies(['a', 'b'], tree({ '0001.md': 'We use `a`.' }))).toEqual(['b']);
  });
});
