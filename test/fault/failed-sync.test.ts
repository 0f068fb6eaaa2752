import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { FailingDisk } from './failing-disk.ts';

const BUCKET = 'on-bad-disk';

let parent: TempDir;
let disk: FailingDisk;
beforeAll(async () => {
  parent = await makeTempDir();
  disk = await FailingDisk.make(parent.path, join(parent.path, 'data'));
});
beforeEach(() => disk.heal());
afterAll(() => parent[Symbol.asyncDispose]());

function start(name: string, workers: number): Promise<ServeProcess> {
  const directory = join(parent.path, 'data', `${name}-${workers}`);
  return startServeProcess({ directory, workers, env: disk.env, args: ['--log-format', 'json'] });
}

function clientOf({ endpoint, keys }: ServeProcess): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials: keys, forcePathStyle: true, maxAttempts: 1 });
}

async function put(client: S3Client, key: string, sizeBytes: number): Promise<boolean> {
  try {
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: 'x'.repeat(sizeBytes) }));
    return true;
  } catch {
    return false;
  }
}

test.each([
  { what: 'metadata', sizeBytes: 5, workers: 1 },
  { what: 'metadata', sizeBytes: 5, workers: 2 },
  { what: 'a blob', sizeBytes: 100_000, workers: 2 },
])(
  'a sync of $what that fails ends all of $workers processes, and the next start has what was acknowledged',
  async (given) => {
    const { what, sizeBytes, workers } = given;
    {
      await using server = await start(what, workers);
      const client = clientOf(server);
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      expect(await put(client, 'before', sizeBytes)).toBe(true);
      const pids = [server.pid, ...server.workerPids()];
      await disk.fail({ call: 'sync', error: 'EIO', count: 1_000_000 });
      expect(await put(client, 'after', sizeBytes)).toBe(false);
      await expect.poll(() => pids.filter(isRunning), { timeout: 20_000 }).toEqual([]);
      expect(await server.stop()).toBe(1);
      expect(server.output()).toContain('stopped, because storage failed: ');
    }
    await disk.heal();
    await using server = await start(what, workers);
    const client = clientOf(server);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'before' }));
    expect(await Body?.transformToString()).toBe('x'.repeat(sizeBytes));
    expect(await put(client, 'again', sizeBytes)).toBe(true);
  },
);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
