import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from './workloads.ts';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;
const KEYS = { accessKeyId: 'BENCHBENCHBENCHBENCH', secretAccessKey: 'benchbenchbenchbenchbenchbenchbenchbench' };

/** Starts the server as a user would, in a temporary directory that goes with it. */
export async function startPithos(): Promise<AsyncDisposable & { readonly target: Omit<Target, 'bucket'> }> {
  const directory = await mkdtemp(join(tmpdir(), 'pithos-bench-'));
  const env = {
    ...process.env,
    PITHOS_SERVICE_PORT: '0',
    PITHOS_SERVICE_ADMIN_PORT: 'off',
    PITHOS_LOGGING_LEVEL: process.env['PITHOS_LOGGING_LEVEL'] ?? 'warn',
    PITHOS_ACCESS_KEY_ID: KEYS.accessKeyId,
    PITHOS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  };
  const server = spawn(process.execPath, [MAIN, 'serve', join(directory, 'data')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`The server ended with ${code}:\n${output}`)));
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
  });
  return {
    target: { name: 'pithos', host: '127.0.0.1', port, keys: KEYS, pid: server.pid ?? 0 },
    async [Symbol.asyncDispose]() {
      server.kill('SIGTERM');
      await once(server, 'exit');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
