import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClient } from './client.ts';
import { digestFile, digestTree, MIB, writeRandomFile, writeTree } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';

const VERSIONS = ['v2', 'v4'] as const;

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos({ env: { PITHOS_OPTIONS_SIGNATURE_V2: 'true' } });
  for (const version of VERSIONS) {
    const settings = {
      access_key: pithos.accessKeyId,
      secret_key: pithos.secretAccessKey,
      host_base: pithos.host,
      host_bucket: pithos.host,
      use_https: 'False',
      signature_v2: version === 'v2' ? 'True' : 'False',
      multipart_chunk_size_mb: '5',
      max_retries: '1',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    await writeFile(path(`s3cfg-${version}`), ['[default]', ...lines, ''].join('\n'));
  }
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

const path = (name: string): string => join(pithos.folder, name);
describe.each(VERSIONS)('s3cmd with signature %s', (version) => {
  const s3cmd = (...args: string[]): Promise<string> =>
    runClient('s3cmd', ['-c', path(`s3cfg-${version}`), '--no-progress', ...args], {
      cwd: pithos.folder,
      env: pithos.env,
    });

  test('makes a bucket, stores, lists, reads and deletes an object, and removes the bucket', async () => {
    await writeFile(path('small.txt'), 'hello from s3cmd\n');
    expect(await s3cmd('mb', `s3://${version}-small`)).toContain(`Bucket 's3://${version}-small/' created`);
    await s3cmd('put', 'small.txt', `s3://${version}-small/folder/small ünïcödé.txt`);
    expect(await s3cmd('ls')).toContain(`s3://${version}-small`);
    expect(await s3cmd('ls', `s3://${version}-small`)).toContain(`DIR  s3://${version}-small/folder/`);
    expect(await s3cmd('la')).toContain(`s3://${version}-small`);
    await s3cmd('get', `s3://${version}-small/folder/small ünïcödé.txt`, `${version}-small.back`);
    expect(await digestFile(path(`${version}-small.back`))).toBe(await digestFile(path('small.txt')));
    await s3cmd('cp', `s3://${version}-small/folder/small ünïcödé.txt`, `s3://${version}-small/copy.txt`);
    await s3cmd('mv', `s3://${version}-small/copy.txt`, `s3://${version}-small/moved.txt`);
    expect(await s3cmd('ls', '--recursive', `s3://${version}-small`)).not.toContain('copy.txt');
    await s3cmd('del', `s3://${version}-small/folder/small ünïcödé.txt`, `s3://${version}-small/moved.txt`);
    expect(await s3cmd('ls', '--recursive', `s3://${version}-small`)).toBe('');
    await s3cmd('rb', `s3://${version}-small`);
    expect(await s3cmd('ls')).not.toContain(`${version}-small`);
  });

  test('stores an object in parts and reads the same bytes back', async () => {
    await writeRandomFile(path('large.bin'), 23 * MIB);
    await s3cmd('mb', `s3://${version}-large`);
    await s3cmd('put', 'large.bin', `s3://${version}-large/large.bin`);
    const head = ['s3api', 'head-object', '--bucket', `${version}-large`, '--key', 'large.bin'];
    expect(await runClient('aws', head, { cwd: pithos.folder, env: pithos.env })).toMatch(/[0-9a-f]{32}-5\\"/);
    await s3cmd('get', `s3://${version}-large/large.bin`, `${version}-large.back`);
    expect(await digestFile(path(`${version}-large.back`))).toBe(await digestFile(path('large.bin')));
  });

  test('syncs a tree there and back, and deletes what is gone', async () => {
    await writeTree(path('tree'), 60);
    await s3cmd('mb', `s3://${version}-sync`);
    await s3cmd('sync', 'tree/', `s3://${version}-sync/tree/`);
    expect(await s3cmd('sync', 'tree/', `s3://${version}-sync/tree/`)).not.toContain('upload:');
    await s3cmd('sync', `s3://${version}-sync/tree/`, `${version}-tree.back/`);
    expect(await digestTree(path(`${version}-tree.back`))).toEqual(await digestTree(path('tree')));
    await s3cmd('del', '--recursive', '--force', `s3://${version}-sync/tree/folder-1/`);
    const left = await s3cmd('ls', '--recursive', `s3://${version}-sync`);
    expect(left).toContain('/folder-2/');
    expect(left).not.toContain('/folder-1/');
  });
});
