import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutUserSettings } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
/** Packages that a user of the test fixture has, taken from this project. */
const USERS_PACKAGES = ['vitest', 'fast-check', '@types', 'typescript'];
const OUTPUT_BYTES_MAX = 16 * 1024 ** 2;

/** An empty folder into which the packed package was installed, as a user would. */
let folder: TempDir;
beforeAll(async () => {
  folder = await makeTempDir();
  await run('npm', ['pack', '--pack-destination', folder.path], { cwd: ROOT });
  const tarball = (await readdir(folder.path)).find((name) => name.endsWith('.tgz')) ?? '';
  await writeFile(join(folder.path, 'package.json'), '{ "private": true, "type": "module" }');
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', `./${tarball}`, ...flags], { cwd: folder.path });
  for (const name of USERS_PACKAGES) {
    await symlink(join(ROOT, 'node_modules', name), join(folder.path, 'node_modules', name));
  }
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Runs a program to its end, with the project's Node first; rejects with its output where it fails. */
async function run(program: string, args: readonly string[], { cwd }: { cwd: string }): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { cwd, env: environment(), maxBuffer: OUTPUT_BYTES_MAX });
  return stdout;
}

function environment(): Record<string, string> {
  const kept = withoutUserSettings(process.env);
  return { ...kept, PATH: `${dirname(process.execPath)}${delimiter}${kept['PATH'] ?? ''}` };
}

test('the packed package runs `pithos serve`, with worker processes', async () => {
  const program = join(folder.path, 'node_modules/.bin/pithos');
  const args = ['serve', 'data', '--port', '0', '--admin-port', 'off', '--workers', '2', '--log-format', 'json'];
  const server = spawn(program, args, { cwd: folder.path, env: environment(), stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(server.stdout);
  const [line] = await once(lines, 'line');
  const { endpoint }: { endpoint: string } = JSON.parse(String(line));
  expect((await fetch(`${endpoint}/health/ready`)).status).toBe(200);
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect(await run(program, ['fsck', 'data'], { cwd: folder.path })).toMatch(/^clean: /);
});

test('the packed package starts a server in code, with types', async () => {
  const code = `
import { type RunningServer, startServer } from 'pithos';

const server: RunningServer = await startServer({ store: 'temporary' });
const { status } = await fetch(server.endpoint);
await server.close();
console.log(status);
`;
  await writeFile(join(folder.path, 'in-code.ts'), code);
  expect(await run('node', ['in-code.ts'], { cwd: folder.path })).toBe('403\n');
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--lib',
    'es2024,esnext.disposable',
  ];
  await run('node', [join(ROOT, 'node_modules/typescript/bin/tsc'), ...flags, '--types', 'node', 'in-code.ts'], {
    cwd: folder.path,
  });
});

test('the packed package brings the vitest fixture, and the contract suites for stores of others', async () => {
  await copyFile(new URL('users-store.mjs', import.meta.url), join(folder.path, 'users-store.test.mjs'));
  const flags = ['--reporter', 'json', '--outputFile', 'report.json'];
  await run('node', [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...flags], { cwd: folder.path });
  const report = await readFile(join(folder.path, 'report.json'), 'utf8');
  const { numPassedTests, numFailedTests }: Record<string, number> = JSON.parse(report);
  expect(numFailedTests).toBe(0);
  expect(numPassedTests).toBeGreaterThan(5);
});
