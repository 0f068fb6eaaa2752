import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const ENDPOINT = /http:\/\/127\.0\.0\.1:(?<port>\d+)/;
const START_TIMEOUT_MS = 20_000;
/** Version 1 of the AWS CLI and boto3 presign with SigV2 unless told otherwise. */
const AWS_CONFIGURATION = '[default]\ns3 =\n  signature_version = s3v4\n';
const CREDENTIALS = { accessKeyId: 'CLIENTSTESTKEY000001', secretAccessKey: 'secret+of/the=clients*tests000000000000' };

/** A server as a user starts it, with an empty folder for a client's own files. */
export interface Pithos extends AsyncDisposable {
  readonly endpoint: string;
  /** `host:port`, for clients that want no scheme. */
  readonly host: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Where clients run and put their files; not the data directory. */
  readonly folder: string;
  /**
   * The whole environment of a client: the endpoint, the credentials, and nothing of the user's own settings. Clients
   * do not repeat a request, so that none hides an error of the server.
   */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs `pithos serve` on the embedded engine in a new data directory, on a free port, with two worker processes.
 * Disposing it stops the server and removes every file; it throws when the server did not stop cleanly.
 */
export async function startPithos(): Promise<Pithos> {
  const home = await mkdtemp(join(tmpdir(), 'pithos-clients-'));
  const folder = join(home, 'files');
  await mkdir(folder);
  await mkdir(join(home, '.aws'));
  await writeFile(join(home, '.aws/config'), AWS_CONFIGURATION);
  const server = spawn(process.execPath, [MAIN, 'serve', join(home, 'data')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...withoutUserSettings(process.env),
      PITHOS_SERVICE_PORT: '0',
      PITHOS_SERVICE_ADMIN_PORT: 'off',
      PITHOS_SERVICE_WORKERS: '2',
      PITHOS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      PITHOS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
  });
  const endpoint = await readEndpoint(server);
  return {
    endpoint,
    host: endpoint.slice('http://'.length),
    ...CREDENTIALS,
    folder,
    env: clientEnvironment(endpoint, home),
    async [Symbol.asyncDispose]() {
      const exitCode = await stop(server);
      await rm(home, { recursive: true, force: true });
      if (exitCode !== 0) throw new Error(`The server ended with ${exitCode} on SIGTERM instead of 0.`);
    },
  };
}

/** Waits for the endpoint that the server prints once it listens, and goes on reading, so that it never blocks. */
async function readEndpoint(server: ChildProcess): Promise<string> {
  let output = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timeout = setTimeout(() => reject(new Error(`The server printed no endpoint:\n${output}`)), START_TIMEOUT_MS);
  for (const stream of [server.stdout, server.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < 100_000) output += text;
      const port = ENDPOINT.exec(output)?.groups?.['port'];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    });
  }
  server.once('exit', (code) => reject(new Error(`The server ended with ${code} before it listened:\n${output}`)));
  try {
    return await promise;
  } finally {
    clearTimeout(timeout);
  }
}

async function stop(server: ChildProcess): Promise<number | null> {
  if (server.exitCode !== null) return server.exitCode;
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  const [exitCode] = await exited;
  return exitCode;
}

function clientEnvironment(endpoint: string, home: string): Record<string, string> {
  return {
    ...withoutUserSettings(process.env),
    HOME: home,
    AWS_ENDPOINT_URL: endpoint,
    S3_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    LC_ALL: 'C.UTF-8',
  };
}

/** Without settings of S3 clients, of Pithos, and of proxies and certificates, which Go's clients stumble over. */
function withoutUserSettings(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(AWS_|PITHOS_|S3_|RCLONE_|RESTIC_)|_proxy$/i.test(name),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? '']));
}
