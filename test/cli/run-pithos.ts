import { execFile } from 'node:child_process';
import { withoutUserSettings } from '../support/serve-process.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of the program to its end. */
export async function runPithos(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const options = { env: { ...withoutUserSettings(process.env), ...env } };
  execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
    if (error !== null && typeof error.code !== 'number') reject(error);
    else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
  });
  return await promise;
}
