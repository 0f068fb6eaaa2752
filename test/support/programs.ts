import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;
const INSTALL_TIMEOUT_MS = 600_000;

/** The path of a program that tests need, or why there is none, in a sentence that says how to get it. */
export type Program = { readonly path: string } | { readonly missing: string };

/** The path of `program`; throws the sentence where it is missing. */
export function pathOf(program: Program): string {
  if ('missing' in program) throw new Error(program.missing);
  return program.path;
}

/** Looks for programs, each the key of the Debian packages that bring it, and installs those that are missing where that may be done. */
export async function installDebianPrograms<Name extends string>(
  packagesOf: Readonly<Record<Name, readonly string[]>>,
): Promise<(name: Name) => Program> {
  const all = Object.entries<readonly string[]>(packagesOf);
  const absent = all.filter(([name]) => which(name) === undefined);
  const because = await installPackages(absent.flatMap(([, packages]) => packages));
  return (name) => {
    const path = which(name);
    if (path !== undefined) return { path };
    const packages = packagesOf[name].join(' ');
    return { missing: `This test needs ${name}: install it (Debian: apt-get install ${packages}).${because}` };
  };
}

/** Installs packages of Debian as root, and does nothing as anybody else; the reason when it went wrong. */
export async function installPackages(packages: readonly string[]): Promise<string> {
  if (packages.length === 0 || process.getuid?.() !== 0 || which('apt-get') === undefined) return '';
  return attempt(async () => {
    await run('apt-get', ['update', '-q']);
    await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages]);
  });
}

/** The end of what went wrong, or an empty text. */
export async function attempt(work: () => Promise<void>): Promise<string> {
  try {
    await work();
    return '';
  } catch (error) {
    return ` (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** Runs an installer to its end, ten minutes at most; rejects with the last lines of what it said. */
export function run(file: string, args: readonly string[], cwd = ROOT): Promise<string> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd, env, timeout: INSTALL_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${file} ${args[0]}: ${stderr.trim().split('\n').slice(-3).join(' ') || error.message}`));
    });
  });
}

export function which(name: string): string | undefined {
  // Daemons are in folders that are not on everybody's path.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
