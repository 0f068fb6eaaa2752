import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { type ClientConfig, type StartServerOptions, startServer } from '../../src/start-server.ts';

export interface TestServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: ClientConfig['credentials'];
  /** Path style, one attempt a request. */
  readonly client: S3Client;
  /** A client with other settings on the same server, closed with it. */
  newClient(config: S3ClientConfig): S3Client;
  /** Makes a bucket of the test's own and gives its name. */
  newBucket(): Promise<string>;
  close(): Promise<void>;
}

export type TestEngine = 'memory' | 'embedded' | 'cassandra';

/**
 * The server that the tests of S3 run against: in `memory`, unless `PITHOS_TEST_ENGINE` names another engine;
 * `embedded` in a directory, or on `cassandra` in a keyspace, that goes with it.
 */
export async function startTestServer({ engine = engineOfRun() }: { engine?: TestEngine } = {}): Promise<TestServer> {
  const { store, remove } = await makeStore(engine);
  const server = await startServer({ store });
  const clients: S3Client[] = [];
  const newClient = (config: S3ClientConfig) => {
    const client = new S3Client({ ...server.clientConfig(), maxAttempts: 1, ...config });
    clients.push(client);
    return client;
  };
  const client = newClient({});
  const close = async () => {
    for (const each of clients) each.destroy();
    await server.close();
    await remove();
  };
  return {
    endpoint: server.endpoint,
    region: server.region,
    credentials: server.clientConfig().credentials,
    client,
    newClient,
    async newBucket() {
      const bucket = `test-${randomBytes(8).toString('hex')}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return bucket;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function engineOfRun(): TestEngine {
  const name = process.env['PITHOS_TEST_ENGINE'];
  return name === 'cassandra' || name === 'embedded' ? name : 'memory';
}

async function makeStore(engine: TestEngine): Promise<{ store: StartServerOptions['store']; remove(): Promise<void> }> {
  switch (engine) {
    case 'memory':
      return { store: 'memory', remove: async () => undefined };
    case 'embedded':
      return { store: 'temporary', remove: async () => undefined };
    case 'cassandra': {
      const { openTestKeyspace, testContactPoints } = await import('./cassandra.ts');
      const keyspace = await openTestKeyspace();
      const cassandra = { cluster: testContactPoints(), keyspace: keyspace.options.keyspace };
      return { store: { cassandra }, remove: async () => await keyspace[Symbol.asyncDispose]() };
    }
  }
}
