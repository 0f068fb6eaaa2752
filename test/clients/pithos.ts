import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTestKeyspace, serveArguments } from '../support/cassandra.ts';
import { SERVE_KEYS, startServeProcess, withoutUserSettings } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';

/** Version 1 of the AWS CLI and boto3 presign with SigV2 unless told otherwise. */
const AWS_CONFIGURATION = '[default]\ns3 =\n  signature_version = s3v4\n';

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

export interface PithosSettings {
  /** Variables of the server's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs `pithos serve` on the embedded engine in a new data directory, or on Cassandra in a new keyspace where the run
 * is of that engine; on a free port, with two worker processes.
 * Disposing of it stops the server and removes every file; it throws when the server did not stop cleanly.
 */
export async function startPithos(settings: PithosSettings = {}): Promise<Pithos> {
  const home = await makeTempDir();
  const folder = join(home.path, 'files');
  await mkdir(folder);
  await mkdir(join(home.path, '.aws'));
  await writeFile(join(home.path, '.aws/config'), AWS_CONFIGURATION);
  const keyspace = process.env['PITHOS_TEST_ENGINE'] === 'cassandra' ? await openTestKeyspace() : undefined;
  const args = keyspace === undefined ? [] : serveArguments(keyspace);
  const server = await startServeProcess({ directory: join(home.path, 'data'), args, ...settings });
  const { endpoint } = server;
  return {
    endpoint,
    host: endpoint.slice('http://'.length),
    ...SERVE_KEYS,
    folder,
    env: clientEnvironment(endpoint, home.path),
    async [Symbol.asyncDispose]() {
      const exitCode = await server.stop();
      await keyspace?.[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
      if (exitCode !== 0) throw new Error(`The server ended with ${exitCode} on SIGTERM:\n${server.output()}`);
    },
  };
}

function clientEnvironment(endpoint: string, home: string): Record<string, string> {
  return {
    ...withoutUserSettings(process.env),
    HOME: home,
    AWS_ENDPOINT_URL: endpoint,
    S3_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: SERVE_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: SERVE_KEYS.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    LC_ALL: 'C.UTF-8',
  };
}
