import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../src/start-server.ts';
import { openTestKeyspace, testContactPoints } from '../support/cassandra.ts';

const BUCKET = 'a-bucket';

function clientOf(server: RunningServer): S3Client {
  return new S3Client({ ...server.clientConfig(), maxAttempts: 1 });
}

test('startServer makes a keyspace, and the next server finds there what the first one left', async () => {
  await using other = await openTestKeyspace();
  const keyspace = `test_${randomBytes(6).toString('hex')}`;
  const store = { cassandra: { cluster: testContactPoints(), keyspace, replication: 1, installSchema: true } };
  let accessKeyId: string;
  {
    await using server = await startServer({ store });
    ({ accessKeyId } = server);
    await clientOf(server).send(new CreateBucketCommand({ Bucket: BUCKET }));
    await clientOf(server).send(new PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: 'x'.repeat(100_000) }));
  }
  {
    await using server = await startServer({ store });
    expect(server.accessKeyId).toBe(accessKeyId);
    const { Body } = await clientOf(server).send(new GetObjectCommand({ Bucket: BUCKET, Key: 'k' }));
    expect(await Body?.transformToString()).toBe('x'.repeat(100_000));
    await server.reset();
    expect((await clientOf(server).send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
    await server.createBucket(BUCKET);
  }
  await using session = await other.connect();
  await session.client.execute(`DROP KEYSPACE ${keyspace}`);
});

test('startServer refuses bad options of a cluster with every mistake, and one that is not there', async () => {
  const bad = { cluster: [], readConsistency: 'most', username: 'u' };
  await expect(startServer({ store: { cassandra: bad } })).rejects.toThrow(
    /^cluster must be addresses .*; read-consistency must be one of any, one, .*, not "most"$/,
  );
  await expect(startServer({ store: { cassandra: { cluster: 'a', username: 'u' } } })).rejects.toThrow(
    new TypeError('username needs a password beside it'),
  );
  const absent = { cluster: '127.0.0.1:1' };
  await expect(startServer({ store: { cassandra: absent } })).rejects.toThrow('127.0.0.1:1 cannot be reached');
});
