import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, test, vi } from 'vitest';
import { type RunningServer, type StartServerOptions, startServer } from '../../src/start-server.ts';
import { test as fixtureTest } from '../../src/vitest.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const BUCKET = 'a-bucket';

function clientOf(server: RunningServer): S3Client {
  return new S3Client({ ...server.clientConfig(), maxAttempts: 1 });
}

async function bucketsOf(server: RunningServer): Promise<(string | undefined)[]> {
  const { Buckets = [] } = await clientOf(server).send(new ListBucketsCommand({}));
  return Buckets.map(({ Name }) => Name);
}

describe.each<StartServerOptions['store']>(['memory', 'temporary'])('startServer in %s', (store) => {
  test('answers the AWS SDK with what clientConfig gives', async () => {
    await using server = await startServer({ store });
    const client = clientOf(server);
    expect(server.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    for (const size of [5, 100_000]) {
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: 'x'.repeat(size) }));
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'k' }));
      expect(await Body?.transformToString()).toBe('x'.repeat(size));
    }
  });

  test('reset leaves no bucket, version, delete marker or upload', async () => {
    await using server = await startServer({ store });
    const client = clientOf(server);
    await server.createBucket('another-bucket');
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const Status = 'Enabled';
    await client.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status } }));
    for (let count = 0; count < 3; count += 1) {
      await client.send(
        new PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: `${count}`.repeat(count * 50_000 + 1) }),
      );
    }
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'k' }));
    await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'u' }));
    await server.reset();
    expect(await bucketsOf(server)).toEqual([]);
    await server.createBucket(BUCKET);
    expect((await client.send(new ListObjectsV2Command({ Bucket: BUCKET }))).KeyCount).toBe(0);
  });

  test('after a reset long bodies are taken as before, at once', async () => {
    await using server = await startServer({ store });
    const client = clientOf(server);
    for (let round = 0; round < 3; round += 1) {
      await server.createBucket(BUCKET);
      for (let count = 0; count < 4; count += 1) {
        await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${count}`, Body: 'x'.repeat(200_000) }));
      }
      await server.reset();
    }
  });

  test('takes region, port, host and key', async () => {
    await using server = await startServer({
      store,
      host: '::1',
      region: 'eu-west-3',
      accessKeyId: 'MYKEY',
      secretAccessKey: 'mysecret',
    });
    expect(server).toMatchObject({ region: 'eu-west-3', accessKeyId: 'MYKEY', secretAccessKey: 'mysecret' });
    expect(server.endpoint).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect(await bucketsOf(server)).toEqual([]);
  });

  test('accepts nothing after close, which may be called twice', async () => {
    const server = await startServer({ store });
    await Promise.all([server.close(), server.close()]);
    await server.close();
    await expect(fetch(server.endpoint)).rejects.toThrow();
  });

  test('rejects with what is wrong', async () => {
    await expect(startServer({ store, region: 'no region' })).rejects.toThrow(
      '"no region" is not a valid region name.',
    );
    await expect(startServer({ store, accessKeyId: 'A' })).rejects.toThrow('must be given together');
    await using server = await startServer({ store });
    await expect(server.createBucket('NO')).rejects.toThrow('"NO" is not a valid bucket name.');
    await server.createBucket(BUCKET);
    await expect(server.createBucket(BUCKET)).rejects.toThrow(`There is a bucket ${BUCKET} already.`);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(startServer({ store, port })).rejects.toThrow('EADDRINUSE');
    other.close();
  });
});

describe('startServer in a directory', () => {
  test('finds data and key again', async () => {
    await using parent = await makeTempDir();
    const store = { directory: join(parent.path, 'data') };
    let accessKeyId: string;
    {
      await using server = await startServer({ store });
      ({ accessKeyId } = server);
      await server.createBucket(BUCKET);
    }
    await using server = await startServer({ store });
    expect(server.accessKeyId).toBe(accessKeyId);
    expect(await bucketsOf(server)).toEqual([BUCKET]);
  });

  test('keeps a second server out of it', async () => {
    await using parent = await makeTempDir();
    const store = { directory: join(parent.path, 'data') };
    await using server = await startServer({ store });
    await expect(startServer({ store })).rejects.toThrow('is in use by the server with process id');
    expect(await bucketsOf(server)).toEqual([]);
  });

  test('leaves nothing behind where it is temporary', async () => {
    await using parent = await makeTempDir();
    vi.stubEnv('TMPDIR', parent.path);
    try {
      const server = await startServer({ store: 'temporary' });
      expect(await readdir(parent.path)).toHaveLength(1);
      await server.close();
      expect(await readdir(parent.path)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
    expect((await stat(parent.path)).isDirectory()).toBe(true);
  });
});

test('many servers run side by side in one process', async () => {
  const servers = await Promise.all(Array.from({ length: 10 }, () => startServer()));
  expect(new Set(servers.map(({ endpoint }) => endpoint)).size).toBe(10);
  await servers[0]?.createBucket(BUCKET);
  expect(await Promise.all(servers.slice(0, 2).map(bucketsOf))).toEqual([[BUCKET], []]);
  for (const server of servers) await server.close();
});

describe('the vitest fixture', () => {
  const seen = new Set<string>();
  for (const name of ['one test', 'another test']) {
    fixtureTest(`gives ${name} an empty bucket of its own`, async ({ s3 }) => {
      const client = new S3Client(s3.clientConfig);
      expect((await client.send(new ListObjectsV2Command({ Bucket: s3.bucket }))).KeyCount).toBe(0);
      await client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: 'k', Body: 'v' }));
      expect(seen).not.toContain(s3.bucket);
      seen.add(s3.bucket);
    });
  }

  fixtureTest('serves one file with one server, which reset empties', async ({ s3, s3Server }) => {
    expect(s3.endpoint).toBe(s3Server.endpoint);
    expect(await bucketsOf(s3Server)).toContain(s3.bucket);
    await s3Server.reset();
    expect(await bucketsOf(s3Server)).toEqual([]);
  });
});

describe('settings of the configuration file', () => {
  test('make buckets, and name the region and the stores', async () => {
    await using parent = await makeTempDir();
    const directory = join(parent.path, 'data');
    const settings = {
      service: { port: '0' },
      options: { buckets: ['one-bucket', 'site:public-read'], 'data-directory': directory },
      bucketstore: { 'default-region': 'eu' },
    };
    await using server = await startServer({ settings });
    expect(server.region).toBe('eu');
    expect(await bucketsOf(server)).toEqual(['one-bucket', 'site']);
    expect((await fetch(`${server.endpoint}/site`)).status).toBe(200);
    expect((await stat(directory)).isDirectory()).toBe(true);
  });

  test('stand beside a store in memory, with the keys that they have', async () => {
    const keys = { MINE: { tenant: 't', secret: 'of my own' } };
    await using server = await startServer({ settings: { options: { buckets: 'one-bucket' } } });
    expect(await bucketsOf(server)).toEqual(['one-bucket']);
    const memory = { use: 'memory' };
    const regions = { eu: { metastore: memory, 'storage-classes': { standard: memory } } };
    await using other = await startServer({ settings: { keystore: { keys }, bucketstore: memory, regions } });
    expect(other.accessKeyId).toBe('MINE');
    expect(await bucketsOf(other)).toEqual([]);
  });

  test.each<[what: string, options: StartServerOptions, message: string]>([
    [
      'what is mistyped',
      { settings: { options: { bukets: 'a' } } },
      'options.bukets: is not known: did you mean buckets?',
    ],
    ['what only `pithos serve` has', { settings: { service: { workers: 2 } } }, 'service.workers is a setting of'],
    [
      'stores in two places',
      { store: 'memory', settings: { keystore: { use: 'memory' } } },
      'The settings name the stores',
    ],
  ])('%s is refused', async (_, options, message) => {
    await expect(startServer(options)).rejects.toThrow(message);
  });
});
