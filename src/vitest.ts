import { randomBytes } from 'node:crypto';
import { test as base, type TestAPI } from 'vitest';
import { type ClientConfig, type RunningServer, startServer } from './start-server.ts';

/** An S3 server and a bucket of one test's own. */
export interface S3Fixture {
  /** Empty when the test begins, and nobody else's. */
  readonly bucket: string;
  /** What `new S3Client(…)` of the AWS SDK takes. */
  readonly clientConfig: ClientConfig;
  readonly endpoint: string;
}

export interface S3Fixtures {
  /** Runs in memory, one for each test file that asks for it. */
  readonly s3Server: RunningServer;
  readonly s3: S3Fixture;
}

/**
 * Vitest's `test` with an S3 server: `test('…', async ({ s3 }) => { … })`. The server starts with the first test of a
 * file that asks for it and ends with the file; each test has a bucket of its own, so tests may run at once.
 */
export const test: TestAPI<S3Fixtures> = base.extend<S3Fixtures>({
  s3Server: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest wants to see which fixtures this one needs.
    async ({}, use) => {
      await using server = await startServer();
      await use(server);
    },
    { scope: 'file' },
  ],
  s3: async ({ s3Server }, use) => {
    const bucket = `test-${randomBytes(8).toString('hex')}`;
    await s3Server.createBucket(bucket);
    await use({ bucket, clientConfig: s3Server.clientConfig(), endpoint: s3Server.endpoint });
  },
});
