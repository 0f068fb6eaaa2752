import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { environmentWith, NODES, run } from './nodes.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
/** Packages that a user of the test fixture has, taken from this project. */
const USERS_PACKAGES = ['vitest', 'fast-check', '@types', 'typescript'];
/** How a user of Node 20 compiles. */
const USERS_FLAGS = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
const BODY = Buffer.alloc(300_000, 'many frames of bytes ');

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

interface Started extends AsyncDisposable {
  readonly client: S3Client;
  /** Asks it to stop, and resolves when it has: the last line that it logged. */
  stop(): Promise<string>;
}

/** Runs a command line of a user that starts a server on `data` in the folder, and a client with its first key. */
async function start(line: readonly [string, ...string[]], env: Record<string, string>): Promise<Started> {
  const [program, ...args] = line;
  const flags = ['--port', '0', '--admin-port', 'off', '--workers', '2', '--log-format', 'json'];
  const cwd = folder.path;
  // A group of its own, which gets the signal as that of a terminal does: npx passes none on.
  const server = spawn(program, [...args, ...flags], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const output = createInterface(server.stdout).on('line', (line) => lines.push(line));
  // When every process that has it has ended.
  const closed = once(output, 'close');
  let isStopped = false;
  const stop = async () => {
    if (!isStopped) process.kill(-(server.pid ?? 0), 'SIGTERM');
    isStopped = true;
    await closed;
    return JSON.parse(lines.at(-1) ?? '').msg;
  };
  await Promise.race([once(output, 'line'), closed]);
  const { endpoint }: { endpoint: string } = JSON.parse(lines[0] ?? '');
  const keys = await run('npx', ['pithos', 'keys', 'list', '--show-secrets'], { cwd: folder.path, env });
  const [accessKeyId = '', secretAccessKey = ''] = keys.split(/\s+/);
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  return { client, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

describe.each(NODES)('on Node %s the packed package', (version) => {
  let env: Record<string, string>;
  beforeAll(async () => {
    env = await environmentWith(version);
    expect(await run('node', ['--version'], { cwd: folder.path, env })).toBe(`v${version}\n`);
    await rm(join(folder.path, 'data'), { recursive: true, force: true });
  });

  test('runs by `npx pithos ./data`, and by `npx pithos` again', async () => {
    const at = { Bucket: 'smoke', Key: 'a/b' };
    {
      await using server = await start(['npx', 'pithos', './data'], env);
      await server.client.send(new CreateBucketCommand({ Bucket: at.Bucket }));
      await server.client.send(new PutObjectCommand({ ...at, Body: BODY }));
      const { Contents } = await server.client.send(new ListObjectsV2Command({ Bucket: at.Bucket }));
      expect(Contents?.map(({ Key, Size }) => [Key, Size])).toEqual([[at.Key, BODY.length]]);
      expect(await server.stop()).toBe('stopped');
    }
    await using server = await start(['npx', 'pithos'], env);
    const { Body } = await server.client.send(new GetObjectCommand(at));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(BODY)).toBe(true);
    expect(await server.stop()).toBe('stopped');
    const [target, restored] = [`backup-${version}`, `restored-${version}`];
    expect(await run('npx', ['pithos', 'backup', target], { cwd: folder.path, env })).toMatch(/^whole: 1 blob /);
    expect(await run('npx', ['pithos', 'restore', target, restored], { cwd: folder.path, env })).toMatch(
      /^whole: 1 blob /,
    );
    const fsck = await run('npx', ['pithos', 'fsck', '--deep', restored], { cwd: folder.path, env });
    expect(fsck).toBe(`clean: 1 version, 1 blob of ${BODY.length} bytes\n`);
  });

  test('measures itself by `npx pithos bench`, without a warning of Node', async () => {
    const flags = '--workloads put-4k,get-1m --seconds 0.1 --rounds 1 --no-syncs';
    const output = await run('sh', ['-c', `npx pithos bench ${flags} 2>&1`], { cwd: folder.path, env });
    expect(output).toMatch(
      /^ +rate [\s\S]*\nput 4 KiB, 32 clients\n +pithos [\s\S]*\nget 1 MiB, 16 clients\n +pithos /,
    );
  });

  test.each([
    ['imported', 'in-code.mjs', "import { startServer } from 'pithos';"],
    ['required', 'in-code.cjs', "const { startServer } = require('pithos');"],
  ])('starts a server in code where it is %s', async (_, name, first) => {
    const code = `${first}
async function main() {
  const server = await startServer({ store: 'temporary' });
  await server.createBucket('in-code');
  const { status } = await fetch(server.endpoint);
  await server.close();
  console.log(status);
}
main();
`;
    await writeFile(join(folder.path, name), code);
    expect(await run('node', [name], { cwd: folder.path, env })).toBe('403\n');
  });
});

test.each(['in-code.mts', 'in-code.cts'])('the packed package has types for %s', async (name) => {
  const code = `
import { type RunningServer, startServer } from 'pithos';

export async function main(): Promise<string> {
  const server: RunningServer = await startServer({ store: { directory: 'data' }, port: 0 });
  await server.close();
  return server.clientConfig().credentials.secretAccessKey;
}
`;
  await writeFile(join(folder.path, name), code);
  expect(await run('node', [TSC, ...USERS_FLAGS, name], { cwd: folder.path })).toBe('');
  await writeFile(join(folder.path, `wrong-${name}`), code.replace('port: 0', "port: '0'"));
  await expect(run('node', [TSC, ...USERS_FLAGS, `wrong-${name}`], { cwd: folder.path })).rejects.toThrow();
});

test('the packed package holds the program and its documents, and runs nothing when it is installed', async () => {
  const at = join(folder.path, 'node_modules/pithos');
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(await readFile(join(at, 'package.json'), 'utf8'));
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare|uninstall)$/.test(name))).toEqual([]);
  const files = await readdir(at, { recursive: true });
  expect(files).toEqual(
    expect.arrayContaining([
      'dist/src/main.js',
      'docs/start.md',
      'examples/systemd/pithos.service',
      'README.md',
      'LICENSE',
    ]),
  );
  expect(files.filter((name) => /\.test\.|\.tgz$|(?<!\.d)\.ts$/.test(name))).toEqual([]);
});

test('the packed package has each class once: what a store of somebody else throws is what the server knows', async () => {
  const at = join(folder.path, 'node_modules/pithos/dist');
  const files = (await readdir(at, { recursive: true })).filter((name) => name.endsWith('.js'));
  const texts = await Promise.all(files.map((name) => readFile(join(at, name), 'utf8')));
  for (const name of ['StoreError', 'S3Error', 'MemoryMetastore']) {
    const definition = new RegExp(`^(?:var ${name} = class|class ${name})\\b`, 'm');
    expect(texts.filter((text) => definition.test(text)).length).toBe(1);
  }
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
