/** S3 in a test of yours: the server runs inside the test process, in memory, and each test has a bucket of its own. */
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
// In your project: import { test } from 'pithos/vitest';
import { test } from '../src/vitest.ts';

test('a report is stored and read back', async ({ s3 }) => {
  const client = new S3Client(s3.clientConfig);
  await client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: 'report.txt', Body: 'All is well.' }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket: s3.bucket, Key: 'report.txt' }));
  expect(await Body?.transformToString()).toBe('All is well.');
});

test('a bucket begins empty, whatever other tests have stored', async ({ s3 }) => {
  const client = new S3Client(s3.clientConfig);
  const { KeyCount } = await client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
  expect(KeyCount).toBe(0);
});
