import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { type ClientConfig, startServer } from '../../src/start-server.ts';

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

/** The server that the tests of S3 run against: `memory`, or `embedded` in a directory that goes with it. */
export async function startTestServer({
  engine = 'memory',
}: {
  engine?: 'memory' | 'embedded';
} = {}): Promise<TestServer> {
  const server = await startServer({ store: engine === 'memory' ? 'memory' : 'temporary' });
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
