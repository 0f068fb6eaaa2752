import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { TestProject } from 'vitest/node';

/** The S3 clients that users have, and the programs that their tests need. */
export type ClientName = 'aws' | 's3cmd' | 'python' | 'rclone' | 'restic' | 's5cmd' | 'curl';

/** The path of a client, or why there is none, in a sentence that says how to get it. */
export type ClientProgram = { readonly path: string } | { readonly missing: string };

declare module 'vitest' {
  interface ProvidedContext {
    readonly clients: Readonly<Record<ClientName, ClientProgram>>;
  }
}

const ROOT = new URL('../..', import.meta.url).pathname;
const CACHE = join(ROOT, '.cache/clients');
const INSTALL_TIMEOUT_MS = 240_000;

/**
 * Makes every client available before the tests with real clients begin: Python's and Go's under `.cache/clients`,
 * where later runs find them again, Debian's from the system. A client that cannot be had fails its own tests.
 */
export async function setup(project: TestProject): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const [python, s5cmd, debian] = await Promise.all([installPython(), installS5cmd(), installDebian()]);
  project.provide('clients', { ...python, s5cmd, ...debian });
}

async function installPython(): Promise<Readonly<Record<'aws' | 's3cmd' | 'python', ClientProgram>>> {
  const requirements = new URL('requirements.txt', import.meta.url).pathname;
  const folder = join(CACHE, `python-${fingerprint(await readFile(requirements))}`);
  const install = async (): Promise<void> => {
    await run('python3', ['-m', 'venv', '--clear', folder]);
    await run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  };
  const outcome = await once(
    folder,
    install,
    'install Python 3 with its venv module (Debian: apt-get install python3-venv)',
  );
  const program = (name: string): ClientProgram => outcome ?? { path: join(folder, 'bin', name) };
  return { aws: program('aws'), s3cmd: program('s3cmd'), python: program('python') };
}

/** Built in a module of its own, so that `go.sum` pins it and all it is made of. */
async function installS5cmd(): Promise<ClientProgram> {
  const module = new URL('s5cmd', import.meta.url).pathname;
  const folder = join(CACHE, `s5cmd-${fingerprint(await readFile(join(module, 'go.sum')))}`);
  const install = (): Promise<string> =>
    run('go', ['build', '-mod=readonly', '-o', join(folder, 's5cmd'), 'github.com/peak/s5cmd/v2'], module);
  const outcome = await once(folder, install, 'install Go 1.22 or later');
  return outcome ?? { path: join(folder, 's5cmd') };
}

async function installDebian(): Promise<Readonly<Record<'rclone' | 'restic' | 'curl', ClientProgram>>> {
  const names = ['rclone', 'restic', 'curl'] as const;
  const absent = names.filter((name) => which(name) === undefined);
  let because = '';
  if (absent.length > 0 && process.getuid?.() === 0 && which('apt-get') !== undefined) {
    because = await attempt(async () => {
      await run('apt-get', ['update', '-q']);
      await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...absent]);
    });
  }
  const program = (name: (typeof names)[number]): ClientProgram => {
    const path = which(name);
    if (path !== undefined) return { path };
    return { missing: `This test needs ${name}: install it (Debian: apt-get install ${name}).${because}` };
  };
  return { rclone: program('rclone'), restic: program('restic'), curl: program('curl') };
}

/** Fills `folder` unless an earlier run did; gives the reason when it cannot. */
async function once(
  folder: string,
  install: () => Promise<unknown>,
  advice: string,
): Promise<{ missing: string } | undefined> {
  const done = join(folder, '.complete');
  if (existsSync(done)) return undefined;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const because = await attempt(async () => {
    await install();
    await writeFile(done, '');
  });
  return because === ''
    ? undefined
    : { missing: `This test needs a client that could not be made: ${advice}.${because}` };
}

/** The end of what went wrong, or an empty text. */
async function attempt(work: () => Promise<void>): Promise<string> {
  try {
    await work();
    return '';
  } catch (error) {
    return ` (${error instanceof Error ? error.message : String(error)})`;
  }
}

function run(file: string, args: readonly string[], cwd = ROOT): Promise<string> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd, env, timeout: INSTALL_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${file} ${args[0]}: ${stderr.trim().split('\n').slice(-3).join(' ') || error.message}`));
    });
  });
}

function which(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function fingerprint(pins: Buffer): string {
  return createHash('sha256').update(pins).digest('hex').slice(0, 12);
}
