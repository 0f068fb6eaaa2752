import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

let parent: TempDir;
let directory: string;
let server: ServeProcess;
beforeAll(async () => {
  parent = await makeTempDir();
  directory = join(parent.path, 'data');
  server = await startServeProcess({ directory });
});
afterAll(async () => {
  await server.stop();
  await parent[Symbol.asyncDispose]();
});

async function createKey(...args: readonly string[]): Promise<{ id: string; client: S3Client; line: string }> {
  const { stdout } = await runPithos(['keys', 'create', directory, ...args]);
  const [id = '', secret = ''] = stdout.split(/\s+/);
  const credentials = { accessKeyId: id, secretAccessKey: secret };
  const { endpoint } = server;
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true, maxAttempts: 1 });
  return { id, client, line: stdout.trim() };
}

async function errorOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'none';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

describe('keys, beside a running server', () => {
  test('a created key works at once, for its tenant alone', async () => {
    const [ann, bob] = [
      await createKey('--tenant', 'ann'),
      await createKey('--tenant', 'bob', '--display-name', 'Bob'),
    ];
    await ann.client.send(new CreateBucketCommand({ Bucket: 'of-ann' }));
    const list = async (client: S3Client) => await client.send(new ListBucketsCommand({}));
    expect((await list(ann.client)).Buckets?.map(({ Name }) => Name)).toEqual(['of-ann']);
    const bobs = await list(bob.client);
    expect(bobs.Buckets ?? []).toEqual([]);
    expect(bobs.Owner).toEqual({ ID: 'bob', DisplayName: 'Bob' });
  });

  test('a deleted key is refused within a second', async () => {
    const { id, client } = await createKey();
    await client.send(new ListBucketsCommand({}));
    expect(await runPithos(['keys', 'delete', id, directory])).toEqual({ code: 0, stdout: '', stderr: '' });
    const error = () => errorOf(client.send(new ListBucketsCommand({})));
    await expect.poll(error, { timeout: 1_500 }).toBe('InvalidAccessKeyId');
    expect(await runPithos(['keys', 'delete', id, directory])).toEqual({
      code: 1,
      stdout: '',
      stderr: `pithos: there is no access key ${id}.\n`,
    });
  });

  test('a list shows what a key may do, and its secret only on request', async () => {
    const { id, line } = await createKey('--tenant', 'carol', '--master', '--member-of', 'staff', 'ops');
    const shown = await runPithos(['keys', 'list', directory]);
    expect(shown.stdout.split('\n')).toContain(`${id}  tenant=carol  master  member-of=staff,ops`);
    const withSecrets = await runPithos(['keys', 'list', directory, '--show-secrets']);
    expect(withSecrets.stdout.split('\n')).toContain(line);
  });

  test('a key may at most what its policy allows, and a changed policy holds within a second', async () => {
    const file = join(parent.path, 'policy.json');
    const write = async (statement: object) => {
      const Statement = { Effect: 'Allow', Resource: '*', ...statement };
      await writeFile(file, JSON.stringify({ Version: '2012-10-17', Statement }));
    };
    await write({ Action: ['s3:ListAllMyBuckets', 's3:GetObject'] });
    const { id, client, line } = await createKey('--tenant', 'dora', '--policy', file);
    expect(line).toMatch(/tenant=dora {2}policy$/);
    const create = () => errorOf(client.send(new CreateBucketCommand({ Bucket: 'of-dora' })));
    expect(await errorOf(client.send(new ListBucketsCommand({})))).toBe('none');
    expect(await create()).toBe('AccessDenied');
    await write({ Action: 's3:CreateBucket', Resource: 'arn:aws:s3:::of-*' });
    const updated = await runPithos(['keys', 'update', id, directory, '--policy', file]);
    expect(updated).toEqual({ code: 0, stdout: `${id}  tenant=dora  policy\n`, stderr: '' });
    await expect.poll(create, { timeout: 1_500 }).toBe('none');
    const open = client.send(new CreateBucketCommand({ Bucket: 'of-dora-open', ACL: 'public-read' }));
    expect(await errorOf(open)).toBe('AccessDenied');
    expect(await errorOf(client.send(new ListBucketsCommand({})))).toBe('AccessDenied');
    const freed = await runPithos(['keys', 'update', id, directory, '--no-policy']);
    expect(freed).toEqual({ code: 0, stdout: `${id}  tenant=dora\n`, stderr: '' });
    await expect.poll(() => errorOf(client.send(new ListBucketsCommand({}))), { timeout: 1_500 }).toBe('none');
  });

  test('a policy that cannot be evaluated, a key that is not there and nothing to change are mistakes', async () => {
    const file = join(parent.path, 'bad.json');
    await writeFile(file, '{"Statement":{"Effect":"Allow","Action":"s3:Nothing","Resource":"*"}}');
    const created = await runPithos(['keys', 'create', directory, '--policy', file]);
    expect(created).toMatchObject({ code: 2, stderr: `pithos: ${file}: Policy has invalid action: "s3:Nothing"\n` });
    const missing = join(parent.path, 'missing.json');
    expect(await runPithos(['keys', 'create', directory, '--policy', missing])).toMatchObject({
      code: 2,
      stderr: `pithos: The policy ${missing} cannot be read.\n`,
    });
    const nobody = await runPithos(['keys', 'update', 'NOBODY', directory, '--no-policy']);
    expect(nobody).toMatchObject({ code: 1, stderr: 'pithos: there is no access key NOBODY.\n' });
    const nothing = await runPithos(['keys', 'update', 'NOBODY', directory]);
    expect(nothing).toMatchObject({ code: 2, stderr: 'pithos: Say what to change: --policy <file> or --no-policy.\n' });
  });

  test('an empty tenant is a mistake, and so is a directory without data', async () => {
    const empty = await runPithos(['keys', 'create', directory, '--tenant', '']);
    expect(empty).toMatchObject({ code: 2, stderr: 'pithos: --tenant must not be empty.\n' });
    const nowhere = join(parent.path, 'nowhere');
    const missing = await runPithos(['keys', 'list', nowhere]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toBe(
      `pithos: ${nowhere} is no data directory of Pithos: \`pithos serve ${nowhere}\` makes one.\n`,
    );
  });

  test('keys of a configuration file cannot be changed by a command', async () => {
    const environment = { PITHOS_KEYSTORE_USE: 'memory' };
    const ended = await runPithos(['keys', 'list', directory], environment);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('in the memory of the server') });
  });
});
