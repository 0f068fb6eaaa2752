import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withoutUserSettings } from '../support/serve-process.ts';

/** The oldest releases that `engines` of package.json and `docs/start.md` promise; this project's own comes last. */
export const NODES = ['20.19.0', '22.12.0', process.versions.node] as const;

const CACHE = new URL('../../.cache/nodes/', import.meta.url).pathname;
const OUTPUT_BYTES_MAX = 16 * 1024 ** 2;

/** The environment of a user who has this Node first; installs it, as the npm package `node`, where it is missing. */
export async function environmentWith(version: string): Promise<Record<string, string>> {
  const folder = version === process.versions.node ? dirname(process.execPath) : await installNode(version);
  return environmentIn(folder);
}

/** Runs a program to its end; rejects with its output where it fails. */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, env = environmentIn(dirname(process.execPath)) }: { cwd: string; env?: Record<string, string> },
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { cwd, env, maxBuffer: OUTPUT_BYTES_MAX });
  return stdout;
}

function environmentIn(folder: string): Record<string, string> {
  const kept = withoutUserSettings(process.env);
  return { ...kept, PATH: `${folder}${delimiter}${kept['PATH'] ?? ''}` };
}

async function installNode(version: string): Promise<string> {
  const folder = join(CACHE, version);
  const programs = join(folder, 'node_modules/node/bin');
  if (existsSync(join(folder, '.complete'))) return programs;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `node@${version}`], { cwd: folder });
  await writeFile(join(folder, '.complete'), '');
  return programs;
}
