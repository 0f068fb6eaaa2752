import { execFile } from 'node:child_process';
import { inject } from 'vitest';
import { pathOf } from '../support/programs.ts';
import type { ClientName } from './install.ts';

const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;
const CLIENT_TIMEOUT_MS = 180_000;

export interface ClientRun {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface ClientResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The path of a client; throws the sentence that says how to get it where it is missing. */
export function clientPath(name: ClientName): string {
  return pathOf(inject('clients')[name]);
}

/** Runs a client to its end, which must be a good one, and gives what it printed. */
export async function runClient(name: ClientName, args: readonly string[], options: ClientRun): Promise<string> {
  const { exitCode, stdout, stderr } = await tryClient(name, args, options);
  if (exitCode !== 0) {
    throw new Error(
      `${name} ${args.join(' ')} ended with ${exitCode}:\n${stdout.slice(-2_000)}${stderr.slice(-4_000)}`,
    );
  }
  return stdout;
}

/** Runs a client to its end, good or bad. */
export function tryClient(name: ClientName, args: readonly string[], options: ClientRun): Promise<ClientResult> {
  const path = clientPath(name);
  const settings = { ...options, timeout: CLIENT_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  return new Promise((resolve, reject) => {
    execFile(path, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr });
      else reject(new Error(`${name} did not run to its end: ${stderr.slice(-4_000)}`, { cause: error }));
    });
  });
}
