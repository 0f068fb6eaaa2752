import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestKeyspace, type TestKeyspace, testContactPoints } from '../support/cassandra.ts';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const BUCKET = 'a-bucket';

let parent: TempDir;
let keyspace: TestKeyspace;
let nodes: string;
let cluster: readonly string[];
beforeAll(async () => {
  parent = await makeTempDir();
  keyspace = await openTestKeyspace();
  nodes = testContactPoints().join(',');
  cluster = ['--cassandra', nodes, '--keyspace', keyspace.options.keyspace];
});
afterAll(async () => {
  await keyspace[Symbol.asyncDispose]();
  await parent[Symbol.asyncDispose]();
});

function clientOf({ endpoint, keys }: Pick<ServeProcess, 'endpoint' | 'keys'>): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials: keys, forcePathStyle: true, maxAttempts: 1 });
}

/** A server on the keyspace of these tests; the directory that it is given must stay unused. */
function startGateway(
  options: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<ServeProcess> {
  const { args = cluster, env = {} } = options;
  const directory = join(parent.path, 'unused');
  return startServeProcess({ directory, args: [...args, '--log-format', 'json'], env });
}

function adminOf(server: ServeProcess): string {
  return /"adminEndpoint":"(?<endpoint>[^"]+)"/.exec(server.output())?.groups?.['endpoint'] ?? '';
}

describe('install-schema', () => {
  test('makes keyspace and tables, does nothing the second time, and is what the switches of the original ran', async () => {
    const name = `${keyspace.options.keyspace}_i`;
    const file = join(parent.path, 'old.yaml');
    await writeFile(
      file,
      `
keystore: { use: io.pithos.keystore/map-keystore, keys: { AKIA: { master: true, tenant: t, secret: secret } } }
bucketstore: { default-region: myregion, cluster: [${nodes}], keyspace: ${name} }
regions:
  myregion:
    metastore: { cluster: "${nodes}", keyspace: ${name} }
    storage-classes: { standard: { cluster: "${nodes}", keyspace: ${name}, max-chunk: 128k, max-block-chunk: 1024 } }
`,
    );
    const first = await runPithos(['-f', file, '-a', 'install-schema']);
    expect(first).toEqual({
      code: 0,
      stdout: expect.stringMatching(`^Keyspace ${name}: made the keyspace, 0001-bucketstore, `),
      stderr: expect.stringContaining('max-block-chunk: is misspelt'),
    });
    const again = await runPithos(['install-schema', '--config', file]);
    expect(again).toMatchObject({ code: 0, stdout: `Keyspace ${name}: nothing to do\n` });
    await using session = await keyspace.connect();
    await session.client.execute(`DROP KEYSPACE ${name}`);
  });

  test('has nothing to do where no store is on a cluster', async () => {
    expect(await runPithos(['install-schema'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'pithos: No store is on Cassandra: name a cluster, such as --cassandra 10.0.0.1.\n',
    });
  });
});

describe('one line says what to do', () => {
  test.each<[what: string, setting: Readonly<Record<string, string>>, line: RegExp]>([
    [
      'where nobody listens',
      { CLUSTER: '127.0.0.1:1' },
      /^Cassandra at 127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/,
    ],
    [
      'where there is no keyspace',
      { KEYSPACE: 'nowhere' },
      /^There is no keyspace nowhere\. Run `pithos install-schema`/,
    ],
    [
      'where the keyspace is empty',
      { KEYSPACE: 'system_traces' },
      /^Keyspace system_traces has no .*store\. Run `pithos/,
    ],
    ['of a wrong data centre', { LOCAL_DC: 'mars' }, /no data centre mars: set local-data-centre to one of dc1\.$/],
    [
      'of levels that do not meet',
      { WRITE_CONSISTENCY: 'any' },
      /writes at ANY need not meet .*: take QUORUM for both/,
    ],
  ])('%s', async (_, settings, line) => {
    const environment = { CLUSTER: nodes, KEYSPACE: keyspace.options.keyspace, ...settings };
    const entries = Object.entries(environment).map(([name, value]) => [`PITHOS_CASSANDRA_${name}`, value]);
    for (const command of [['serve', '--port', '0'], ['keys', 'list'], ['fsck']]) {
      const ended = await runPithos(command, Object.fromEntries(entries));
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      const [told = '', ...more] = ended.stderr.trimEnd().split('\n');
      expect(told.replace(/^pithos: /, '')).toMatch(line);
      expect(more).toEqual([]);
    }
  });

  test('of a keyspace with another replication than the one that is asked for', async () => {
    const ended = await runPithos(['install-schema', ...cluster], { PITHOS_CASSANDRA_REPLICATION: '3' });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^pithos: Keyspace test_\w+ has the replication .*run ALTER KEYSPACE .*\n$/);
  });
});

test('two servers on one keyspace are one store, and say where it is', async () => {
  await using one = await startGateway();
  await using other = await startGateway();
  expect(one.output()).toContain(`keyspace ${keyspace.options.keyspace}, copies 1; reads QUORUM, writes QUORUM`);
  await clientOf(one).send(new CreateBucketCommand({ Bucket: BUCKET }));
  for (const size of [5, 1_000_000]) {
    const put = { Bucket: BUCKET, Key: `of-${size}`, Body: 'x'.repeat(size) };
    await clientOf(one).send(new PutObjectCommand(put));
    const { Body } = await clientOf(other).send(new GetObjectCommand({ Bucket: BUCKET, Key: put.Key }));
    expect(await Body?.transformToString()).toBe(put.Body);
  }
  const { Contents } = await clientOf(other).send(new ListObjectsV2Command({ Bucket: BUCKET }));
  expect(Contents?.map(({ Key }) => Key)).toEqual(['of-1000000', 'of-5']);
  const beside = await runPithos(['fsck', '--deep', ...cluster]);
  expect(beside).toEqual({ code: 0, stdout: 'clean: 2 versions, 1 blob of 1000000 bytes\n', stderr: '' });
});

test('metadata may lie in a directory and bytes on a cluster', async () => {
  const file = join(parent.path, 'mixed.yaml');
  const region = '{ metastore: { use: embedded }, storage-classes: { standard: { use: cassandra } } }';
  await writeFile(
    file,
    `bucketstore: { use: embedded }\nkeystore: { use: embedded }\nregions: { us-east-1: ${region} }\n`,
  );
  const args = [...cluster, '--config', file];
  const directory = join(parent.path, 'mixed');
  await using server = await startServeProcess({ directory, args });
  await clientOf(server).send(new CreateBucketCommand({ Bucket: BUCKET }));
  const put = { Bucket: BUCKET, Key: 'k', Body: 'x'.repeat(300_000) };
  await clientOf(server).send(new PutObjectCommand(put));
  const { Body } = await clientOf(server).send(new GetObjectCommand({ Bucket: BUCKET, Key: 'k' }));
  expect(await Body?.transformToString()).toBe(put.Body);
  expect((await runPithos(['fsck', directory, ...args])).stdout).toContain('1 version, 1 blob of 300000 bytes');
});

test('a key that is made beside a server works at once', async () => {
  await using server = await startGateway();
  const { stdout } = await runPithos(['keys', 'create', '--tenant', 'ann', ...cluster]);
  const [accessKeyId = '', secretAccessKey = ''] = stdout.split(/\s+/);
  const client = clientOf({ endpoint: server.endpoint, keys: { accessKeyId, secretAccessKey } });
  expect((await client.send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
  expect((await runPithos(['keys', 'list', ...cluster])).stdout).toContain(`${accessKeyId}  tenant=ann`);
  expect((await runPithos(['keys', 'delete', accessKeyId, ...cluster])).code).toBe(0);
  const outcome = () =>
    client.send(new ListBucketsCommand({})).then(
      () => 'ok',
      ({ name }: Error) => name,
    );
  await expect.poll(outcome, { timeout: 1_500 }).toBe('InvalidAccessKeyId');
  expect((await runPithos(['keys', 'delete', accessKeyId, ...cluster])).code).toBe(1);
});

test('while its cluster is away a server answers 503 and is not ready, and then goes on by itself', async () => {
  await using proxy = await TcpProxy.start(testContactPoints()[0] ?? '');
  const args = ['--cassandra', proxy.address, '--keyspace', keyspace.options.keyspace];
  await using server = await startGateway({ args, env: { PITHOS_SERVICE_ADMIN_PORT: '0' } });
  const list = () => clientOf(server).send(new ListBucketsCommand({}));
  const ready = async () => (await fetch(`${adminOf(server)}/health/ready`)).status;
  await list();
  expect(await ready()).toBe(200);
  await proxy.cut();
  await expect(list()).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
  expect(await ready()).toBe(503);
  await proxy.mend();
  await expect.poll(ready, { timeout: 30_000 }).toBe(200);
  await expect.poll(() => list().then(() => 'ok', String), { timeout: 30_000 }).toBe('ok');
  const metrics = await (await fetch(`${adminOf(server)}/metrics`)).text();
  expect(metrics).toMatch(
    /pithos_cassandra_requests_total\{keyspace="test_\w+",table="s3_bucket_by_tenant",operation="read",outcome="ok"\} \d/,
  );
  expect(metrics).toMatch(/outcome="unavailable"\} [1-9]/);
});
