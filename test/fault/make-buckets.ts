import { type Buckets, requireStatus } from './load-client.ts';
import { S3Client, type S3Endpoint } from './s3-client.ts';

const ENABLED = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';

/** Makes the buckets of a load, one of them with versions. */
export async function makeBuckets(endpoint: S3Endpoint, { plain, versioned }: Buckets): Promise<void> {
  using s3 = new S3Client(endpoint);
  for (const bucket of [plain, versioned]) await ask(s3, { method: 'PUT', path: `/${bucket}` });
  await ask(s3, { method: 'PUT', path: `/${versioned}`, query: [['versioning', '']], body: ENABLED });
}

async function ask(s3: S3Client, call: Parameters<S3Client['ask']>[0]): Promise<void> {
  requireStatus(call, await s3.ask(call), 200);
}
