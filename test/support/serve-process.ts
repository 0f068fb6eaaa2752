import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const ENDPOINT = /https?:\/\/127\.0\.0\.1:(?<port>\d+)/;
const START_TIMEOUT_MS = 30_000;
const OUTPUT_CHARACTERS_MAX = 1_000_000;

export interface ServeOptions {
  /** The data directory. */
  readonly directory: string;
  /** Processes that answer requests; 2 unless given. */
  readonly workers?: number;
  /** Settings and variables beside those that every such server has. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of `pithos serve` beside the directory. */
  readonly args?: readonly string[];
}

/** A server as a user starts it, in processes of its own. */
export interface ServeProcess extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly endpoint: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The primary process. */
  readonly pid: number;
  /** What it has printed so far. */
  output(): string;
  /** The processes that answer requests, as they are now. */
  workerPids(): number[];
  /** Asks it to stop, and waits; its exit code. */
  stop(): Promise<number | null>;
  /** Ends all its processes at once, as a crash of the machine would. */
  kill(): Promise<void>;
}

/** The key pair of every such server; also in its environment, so that nothing needs to be read from its output. */
export const SERVE_KEYS = {
  accessKeyId: 'SERVEPROCESSTESTKEY1',
  secretAccessKey: 'secret+of/the=tests*00000000000000000000',
};

/** Runs `pithos serve` on a free port and resolves when it accepts requests. Disposing of it stops it. */
export async function startServeProcess(options: ServeOptions): Promise<ServeProcess> {
  const { directory, workers = 2, env = {}, args = [] } = options;
  const server = spawn(process.execPath, [MAIN, 'serve', directory, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...withoutUserSettings(process.env),
      PITHOS_SERVICE_PORT: '0',
      PITHOS_SERVICE_ADMIN_PORT: 'off',
      PITHOS_SERVICE_WORKERS: String(workers),
      PITHOS_ACCESS_KEY_ID: SERVE_KEYS.accessKeyId,
      PITHOS_SECRET_ACCESS_KEY: SERVE_KEYS.secretAccessKey,
      ...env,
    },
  });
  const output: string[] = [];
  const port = await readPort(server, output);
  const pid = server.pid ?? 0;
  const stop = async () => {
    const exited = hasEnded(server) ? undefined : once(server, 'exit');
    server.kill('SIGTERM');
    await exited;
    return server.exitCode;
  };
  return {
    host: '127.0.0.1',
    port,
    endpoint: `http://127.0.0.1:${port}`,
    keys: SERVE_KEYS,
    pid,
    output: () => output.join(''),
    workerPids: () => childrenOf(pid),
    stop,
    async kill() {
      const exited = hasEnded(server) ? undefined : once(server, 'exit');
      // The primary first, so that it replaces no worker.
      for (const each of [pid, ...childrenOf(pid)]) killNow(each);
      await exited;
    },
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

/** Sends SIGKILL; the process may have ended already. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Without settings of S3 clients, of Pithos, and of proxies and certificates, which Go's clients stumble over. */
export function withoutUserSettings(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(AWS_|MINIO_|PITHOS_|S3_|RCLONE_|RESTIC_)|_proxy$/i.test(name),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? '']));
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}

/** Waits for the endpoint that the server prints once it listens, and goes on reading, so that it never blocks. */
async function readPort(server: ChildProcess, output: string[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timeout = setTimeout(
    () => reject(new Error(`The server printed no endpoint:\n${output.join('')}`)),
    START_TIMEOUT_MS,
  );
  let characters = 0;
  let isUp = false;
  for (const stream of [server.stdout, server.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      if (characters > OUTPUT_CHARACTERS_MAX) return;
      characters += text.length;
      output.push(text);
      if (isUp) return;
      const port = ENDPOINT.exec(output.join(''))?.groups?.['port'];
      if (port === undefined) return;
      isUp = true;
      resolve(Number(port));
    });
  }
  server.once('exit', (code) => reject(new Error(`The server ended with ${code}:\n${output.join('')}`)));
  try {
    return await promise;
  } finally {
    clearTimeout(timeout);
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
