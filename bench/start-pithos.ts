import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServeProcess } from '../test/support/serve-process.ts';
import type { Target } from './workloads.ts';

/** Starts the server as a user would, in a temporary directory that goes with it. */
export async function startPithos(
  workers: number,
): Promise<AsyncDisposable & { readonly target: Omit<Target, 'bucket'> }> {
  const directory = await mkdtemp(join(tmpdir(), 'pithos-bench-'));
  const server = await startServeProcess({
    directory: join(directory, 'data'),
    workers,
    env: { PITHOS_LOGGING_LEVEL: process.env['PITHOS_LOGGING_LEVEL'] ?? 'info' },
  });
  const { host, port, keys, pid } = server;
  return {
    target: { name: 'pithos', host, port, keys, pid },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
