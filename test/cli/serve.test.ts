import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { killNow, type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

let parent: TempDir;
let directory: string;
beforeEach(async () => {
  parent = await makeTempDir();
  directory = join(parent.path, 'data');
});
afterEach(() => parent[Symbol.asyncDispose]());

const BUCKET = 'kept-bucket';
/** Without the key of the environment, so that the first start makes one. */
const OWN_KEYS = { PITHOS_ACCESS_KEY_ID: '', PITHOS_SECRET_ACCESS_KEY: '' };
const JSON_LOGS = ['--log-format', 'json'];

function clientOf({ endpoint, keys }: Pick<ServeProcess, 'endpoint' | 'keys'>): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials: keys, forcePathStyle: true, maxAttempts: 1 });
}

function startWithAdmin(workers: number): Promise<ServeProcess> {
  return startServeProcess({ directory, workers, env: { PITHOS_SERVICE_ADMIN_PORT: '0' }, args: JSON_LOGS });
}

function adminOf(server: ServeProcess): string {
  return String(logOf(server)[0]?.['adminEndpoint']);
}

/** The lines of a JSON log. */
function logOf(server: ServeProcess): Record<string, unknown>[] {
  const lines = server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  return lines.map((line): Record<string, unknown> => JSON.parse(line));
}

describe('serve', () => {
  test('makes a key on the first start that later starts and `keys list` give again, and never logs its secret', async () => {
    let accessKeyId: unknown;
    {
      await using server = await startServeProcess({ directory, env: OWN_KEYS, args: JSON_LOGS });
      const [started] = logOf(server);
      expect(started).toMatchObject({
        msg: 'accepting requests',
        workers: 2,
        durability: 'strict',
        region: 'us-east-1',
      });
      accessKeyId = started?.['accessKeyId'];
      expect(accessKeyId).toMatch(/^[A-Z2-7]{20}$/);
      const { stdout } = await runPithos(['keys', 'list', directory, '--show-secrets']);
      const [id = '', secret = ''] = stdout.split(/\s+/);
      expect(id).toBe(accessKeyId);
      expect(secret).toMatch(/^[A-Za-z0-9]{40}$/);
      const client = clientOf({ endpoint: server.endpoint, keys: { accessKeyId: id, secretAccessKey: secret } });
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      expect(await server.stop()).toBe(0);
      expect(server.output()).not.toContain(secret);
    }
    await using again = await startServeProcess({ directory, env: OWN_KEYS, args: JSON_LOGS });
    expect(logOf(again)[0]).toMatchObject({ accessKeyId });
  });

  test('prints endpoint, key, secret and commands to copy where people read it', async () => {
    await using server = await startServeProcess({ directory, env: OWN_KEYS, args: ['--log-format', 'pretty'] });
    const { stdout } = await runPithos(['keys', 'list', directory, '--show-secrets']);
    const [id = '', secret = ''] = stdout.split(/\s+/);
    for (const text of [
      server.endpoint,
      `AWS_ACCESS_KEY_ID=${id}`,
      `--secret_key=${secret}`,
      'new S3Client({',
      'strict',
    ]) {
      expect(server.output()).toContain(text);
    }
  });

  test('keeps a second server off the directory, and says who has it', async () => {
    await using server = await startServeProcess({ directory });
    const second = await runPithos(['serve', directory, '--port', '0', '--admin-port', 'off']);
    expect(second).toEqual({
      code: 2,
      stdout: '',
      stderr: `pithos: ${directory} is in use by the server with process id ${server.pid}: stop that one, or name another directory.\n`,
    });
  });

  test('takes a directory over from a server that was killed', async () => {
    {
      await using server = await startServeProcess({ directory });
      await clientOf(server).send(new CreateBucketCommand({ Bucket: BUCKET }));
      await server.kill();
    }
    await using server = await startServeProcess({ directory });
    const { Buckets } = await clientOf(server).send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual([BUCKET]);
  });

  test.each(['1', '2'])('says in one sentence that its port is in use, with %s worker processes', async (workers) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const ended = await runPithos(['serve', directory, '--port', `${port}`, '--workers', workers]);
    expect(ended).toEqual({
      code: 2,
      stdout: '',
      stderr: `pithos: Port ${port} on 127.0.0.1 is in use: stop what uses it, or choose another with --port.\n`,
    });
    const admin = await runPithos(['serve', directory, '--port', '0', '--admin-port', `${port}`, '--workers', workers]);
    expect(admin.stderr).toContain('choose another with --admin-port');
    expect(admin.code).toBe(2);
    other.close();
  });

  test('tells every mistake of its configuration, without a stack', async () => {
    const ended = await runPithos(['serve', directory, '--port', 'x', '--workers', '0'], {
      PITHOS_LOGGING_LEVEL: 'loud',
    });
    expect(ended.code).toBe(2);
    expect(
      ended.stderr
        .trim()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual(['--port', '--workers', 'PITHOS_LOGGING_LEVEL']);
  });

  test('of one worker runs in one process', async () => {
    await using server = await startServeProcess({ directory, workers: 1 });
    expect(server.workerPids()).toEqual([]);
    await clientOf(server).send(new ListBucketsCommand({}));
  });
});

describe('a signal to stop', () => {
  test.each([1, 2])('lets a running upload end, with %i worker processes', async (workers) => {
    await using server = await startWithAdmin(workers);
    const client = clientOf(server);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const body = new PassThrough();
    const upload = client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: 'slow', Body: body, ContentLength: 200_000 }),
    );
    body.write(Buffer.alloc(100_000, 1));
    await uploadRuns(server);
    const stopped = server.stop();
    await refusesConnections(server);
    body.end(Buffer.alloc(100_000, 2));
    expect((await upload).$metadata.httpStatusCode).toBe(200);
    expect(await stopped).toBe(0);

    await using again = await startServeProcess({ directory });
    const { Body } = await clientOf(again).send(new GetObjectCommand({ Bucket: BUCKET, Key: 'slow' }));
    const bytes = await Body?.transformToByteArray();
    expect(bytes).toEqual(new Uint8Array(Buffer.concat([Buffer.alloc(100_000, 1), Buffer.alloc(100_000, 2)])));
  });

  test.each([1, 2])('that comes twice does not wait for it, with %i worker processes', async (workers) => {
    await using server = await startWithAdmin(workers);
    const client = clientOf(server);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const body = new PassThrough();
    const upload = client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: 'slow', Body: body, ContentLength: 200_000 }),
    );
    const failed = expect(upload).rejects.toThrow();
    body.write(Buffer.alloc(100_000));
    await uploadRuns(server);
    const workerPids = server.workerPids();
    const stopped = server.stop();
    await refusesConnections(server);
    // By SIGKILL, and so without a code, where a commit is under way: the exit guard of the metadata sees to that.
    for (const code of await Promise.all([stopped, server.stop()])) expect([1, null]).toContain(code);
    await failed;
    await expect.poll(() => workerPids.filter(isAlive)).toEqual([]);
  });
});

describe('worker processes', () => {
  test('that are killed are replaced, and nothing acknowledged is lost', async () => {
    await using server = await startServeProcess({ directory, args: JSON_LOGS });
    const client = clientOf(server);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const acknowledged: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const before = server.workerPids();
      expect(before).toHaveLength(2);
      const puts = Array.from({ length: 20 }, async (_, number) => {
        const key = `${round}-${number}`;
        await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: key.repeat(100) }));
        acknowledged.push(key);
      });
      const [victim = 0] = before;
      // All of them at the end, so that the address itself goes and comes back.
      for (const pid of round === 5 ? before : [victim]) killNow(pid);
      await Promise.allSettled(puts);
      await expect
        .poll(() => server.workerPids().filter((pid) => !before.includes(pid)).length, { timeout: 20_000 })
        .toBe(round === 5 ? 2 : 1);
      await expect.poll(() => canList(client), { timeout: 20_000 }).toBe(true);
    }
    for (const key of acknowledged) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
      expect(await Body?.transformToString()).toBe(key.repeat(100));
    }
    expect(logOf(server).filter(({ msg }) => msg === 'a worker process ended and is replaced')).toHaveLength(7);
  });

  test('end by themselves when their primary is killed', async () => {
    await using server = await startServeProcess({ directory });
    const pids = server.workerPids();
    killNow(server.pid);
    await expect.poll(() => pids.filter(isAlive), { timeout: 20_000 }).toEqual([]);
  });
});

describe('the admin listener', () => {
  test('tells health, and the counts of all processes as one', async () => {
    await using server = await startWithAdmin(2);
    const admin = adminOf(server);
    const client = clientOf(server);
    // Connections of their own, so that both workers answer some.
    await Promise.all(Array.from({ length: 8 }, () => clientOf(server).send(new ListBucketsCommand({}))));
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    expect(await (await fetch(`${admin}/health/live`)).text()).toBe('live\n');
    const ready = await fetch(`${admin}/health/ready`);
    expect([ready.status, await ready.text()]).toEqual([200, expect.stringContaining('keystore: ready\n')]);
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toContain('pithos_requests_total{operation="ListBuckets",status="200"} 8');
    expect(metrics).toContain('pithos_requests_total{operation="CreateBucket",status="200"} 1');
    expect(metrics).toContain('pithos_workers 2');
    expect((await fetch(`${admin}/nothing`)).status).toBe(404);
    expect((await fetch(`${admin}/metrics`, { method: 'POST' })).status).toBe(405);
    const onFront = await fetch(`${server.endpoint}/health/ready`);
    expect([onFront.status, await onFront.text()]).toEqual([200, 'ok\n']);
  });
});

async function uploadRuns(server: ServeProcess): Promise<void> {
  const metrics = async () => await (await fetch(`${adminOf(server)}/metrics`)).text();
  await expect.poll(metrics).toMatch(/^pithos_requests_in_flight 1$/m);
}

async function refusesConnections({ host, port }: ServeProcess): Promise<void> {
  const outcome = async () => {
    const socket = connect(port, host);
    try {
      await once(socket, 'connect');
      return 'connected';
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : error;
    } finally {
      socket.destroy();
    }
  };
  await expect.poll(outcome, { timeout: 10_000 }).toBe('ECONNREFUSED');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function canList(client: S3Client): Promise<boolean> {
  try {
    await client.send(new ListBucketsCommand({}));
    return true;
  } catch {
    return false;
  }
}
