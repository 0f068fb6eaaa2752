import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startServeProcess } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

test('a compose file of another server starts this one: its root key, and buckets with their ACLs', async () => {
  await using parent = await makeTempDir();
  const start = () =>
    startServeProcess({
      directory: join(parent.path, 'data'),
      args: ['--log-format', 'json', '--bucket', 'photos', '--bucket', 'site:public-read'],
      env: {
        PITHOS_ACCESS_KEY_ID: '',
        PITHOS_SECRET_ACCESS_KEY: '',
        MINIO_ROOT_USER: 'root',
        MINIO_ROOT_PASSWORD: 'of my own',
      },
    });
  {
    await using server = await start();
    const { endpoint } = server;
    const credentials = { accessKeyId: 'root', secretAccessKey: 'of my own' };
    const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true, maxAttempts: 1 });
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['photos', 'site']);
    expect((await fetch(`${endpoint}/site`)).status).toBe(200);
    expect((await fetch(`${endpoint}/photos`)).status).toBe(403);
    expect(server.output()).not.toContain('of my own');
  }
  // What is there stays.
  await using again = await start();
  expect((await fetch(`${again.endpoint}/site`)).status).toBe(200);
  expect(again.output()).not.toContain('made a bucket');
});

test('the log goes to files, and nothing to standard output where it is to be quiet', async () => {
  await using parent = await makeTempDir();
  const file = join(parent.path, 'logs', 'pithos.log');
  const args = [
    'serve',
    join(parent.path, 'data'),
    '-q',
    '--log-file',
    file,
    '--port',
    '0',
    '--set',
    'service.host=nowhere.invalid',
  ];
  const ended = await runPithos([...args, '--admin-port', 'off', '--workers', '1', '--bucket', 'made-first']);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain('nowhere.invalid');
  expect(JSON.parse((await readFile(file, 'utf8')).split('\n')[0] ?? '')).toMatchObject({ bucket: 'made-first' });
  const refused = await runPithos(['serve', join(parent.path, 'data'), '--log-file', `${file}/x`, '--port', '0']);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`The log file ${file}/x cannot be written to`),
  });
});

test('a file of Pithos 0.7 is told what of it is not honoured, and --set knows every setting', async () => {
  await using parent = await makeTempDir();
  const file = join(parent.path, 'pithos.yaml');
  await writeFile(file, 'service: { max-threads: 5 }\nreporters: []\n');
  expect(await runPithos(['config', 'check', '-f', file])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('S3: 127.0.0.1 port 8080'),
    stderr: expect.stringContaining(`warning: ${file}:1:12: service.max-threads: was a setting of the web server`),
  });
  const printed = await runPithos(['config', 'print', '-f', file, '--set', 'options.signature-v2=false']);
  expect(printed.stdout).toContain('signature-v2: false');
  expect(await runPithos(['config', 'print', '--set', 'service.prt=1'])).toMatchObject({
    code: 2,
    stderr: 'pithos: There is no setting service.prt: did you mean service.port?\n',
  });
  expect((await runPithos(['config', 'schema'])).stdout).toContain('"Configuration of Pithos"');
});
