import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Secret } from '../domain/secret.ts';
import type { Target } from './target.ts';

/** How long the server may take to start, in milliseconds, and how often it is looked for. */
const START_MS_MAX = 60_000;
const POLL_MS = 50;
/** How long it may take to stop, in milliseconds. */
const STOP_MS_MAX = 30_000;
const FLAGS = ['--host', '127.0.0.1', '--port', '0', '--admin-port', 'off', '--log-format', 'json'];
/** Of the log that is told where the server does not start, in UTF-16 units. */
const TOLD_UNITS_MAX = 2_000;

export interface OwnPithosOptions {
  /** The program to run: the file that this process runs. */
  readonly program: string;
  /** What the process gets: nothing of it may be a setting of the user's. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Arguments of `pithos serve` beside those that every one has. */
  readonly flags?: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Starts `pithos serve` with its defaults on a new temporary directory, in processes of its own; its log goes to a
 * file there. Disposing of it stops it and removes the directory.
 */
export async function startOwnPithos({
  program,
  environment,
  flags = [],
  signal,
}: OwnPithosOptions): Promise<AsyncDisposable & { readonly target: Target }> {
  const directory = await mkdtemp(join(tmpdir(), 'pithos-bench-'));
  const logFile = join(directory, 'log');
  const configuration = join(directory, 'pithos.yaml');
  await using log = await open(logFile, 'a');
  await writeFile(configuration, '');
  const key = { accessKeyId: `BENCH${randomBytes(8).toString('hex').toUpperCase()}`, secret: randomBytes(24) };
  const secret = key.secret.toString('base64url');
  const server = spawn(
    process.execPath,
    [program, 'serve', join(directory, 'data'), '--config', configuration, ...FLAGS, ...flags],
    {
      stdio: ['ignore', log.fd, log.fd],
      env: { ...environment, PITHOS_ACCESS_KEY_ID: key.accessKeyId, PITHOS_SECRET_ACCESS_KEY: secret },
    },
  );
  const exited = once(server, 'exit');
  const dispose = async () => {
    const timer = setTimeout(() => server.kill('SIGKILL'), STOP_MS_MAX);
    server.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const url = await endpointIn(logFile, {
      hasEnded: () => server.exitCode !== null || server.signalCode !== null,
      signal,
    });
    const target: Target = {
      name: 'pithos',
      url,
      region: 'us-east-1',
      key: { accessKeyId: key.accessKeyId, secret: new Secret(secret), sessionToken: undefined },
      pid: server.pid,
      isTemporary: true,
    };
    return { target, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Waits for the line of the log that says where the server listens. */
async function endpointIn(
  logFile: string,
  { hasEnded, signal }: { readonly hasEnded: () => boolean; readonly signal: AbortSignal },
): Promise<URL> {
  let text = '';
  for (let waitedMs = 0; waitedMs < START_MS_MAX && !hasEnded(); waitedMs += POLL_MS) {
    text = await readFile(logFile, 'utf8');
    const endpoint = /"endpoint":"(?<url>http:[^"]+)"/.exec(text)?.groups?.['url'];
    if (endpoint !== undefined) return new URL(endpoint);
    await delay(POLL_MS, undefined, { signal });
  }
  throw new Error(`The server of the bench did not start: ${text.slice(-TOLD_UNITS_MAX)}`);
}
