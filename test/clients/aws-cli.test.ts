import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClient, tryClient } from './client.ts';
import { digestFile, digestTree, MIB, writeRandomFile, writeTree } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

const aws = (...args: string[]): Promise<string> => runClient('aws', args, { cwd: pithos.folder, env: pithos.env });
const tryAws = (...args: string[]) => tryClient('aws', args, { cwd: pithos.folder, env: pithos.env });
const path = (name: string): string => join(pithos.folder, name);

describe('aws', () => {
  test('makes a bucket, stores a small object, lists it, reads it back and removes both', async () => {
    await writeFile(path('small.txt'), 'hello from the aws cli\n');
    expect(await aws('s3', 'mb', 's3://aws-small')).toContain('make_bucket: aws-small');
    expect(await aws('s3', 'ls')).toContain('aws-small');
    await aws('s3', 'cp', 'small.txt', 's3://aws-small/a/b/small.txt');
    expect(await aws('s3', 'ls', 's3://aws-small/a/')).toContain('PRE b/');
    expect(await aws('s3', 'ls', 's3://aws-small/a/b/')).toMatch(/ 23 small\.txt\n$/);
    expect(await aws('s3', 'cp', 's3://aws-small/a/b/small.txt', '-')).toBe('hello from the aws cli\n');
    const refused = await tryAws('s3', 'rb', 's3://aws-small');
    expect(refused.stderr).toContain('BucketNotEmpty');
    await aws('s3', 'rm', 's3://aws-small/a/b/small.txt');
    expect(await aws('s3', 'rb', 's3://aws-small')).toContain('remove_bucket: aws-small');
    expect(await aws('s3', 'ls')).not.toContain('aws-small');
  });

  test('stores 100 MiB in parts and reads the same bytes back', async () => {
    await writeRandomFile(path('large.bin'), 100 * MIB);
    await aws('s3', 'mb', 's3://aws-large');
    await aws('s3', 'cp', '--no-progress', 'large.bin', 's3://aws-large/large.bin');
    const head = JSON.parse(await aws('s3api', 'head-object', '--bucket', 'aws-large', '--key', 'large.bin'));
    expect(head.ContentLength).toBe(100 * MIB);
    expect(head.ETag).toMatch(/^"[0-9a-f]{32}-13"$/);
    await aws('s3', 'cp', '--no-progress', 's3://aws-large/large.bin', 'large.back');
    expect(await digestFile(path('large.back'))).toBe(await digestFile(path('large.bin')));
    await aws('s3', 'cp', '--no-progress', 's3://aws-large/large.bin', 's3://aws-large/copy.bin');
    await aws('s3', 'cp', '--no-progress', 's3://aws-large/copy.bin', 'copy.back');
    expect(await digestFile(path('copy.back'))).toBe(await digestFile(path('large.bin')));
  });

  test('syncs a tree there and back, and finds nothing to do the second time', async () => {
    await writeTree(path('tree'), 60);
    await aws('s3', 'mb', 's3://aws-sync');
    await aws('s3', 'sync', '--no-progress', 'tree', 's3://aws-sync/tree');
    expect(await aws('s3', 'sync', '--no-progress', 'tree', 's3://aws-sync/tree')).toBe('');
    await aws('s3', 'sync', '--no-progress', 's3://aws-sync/tree', 'tree.back');
    expect(await digestTree(path('tree.back'))).toEqual(await digestTree(path('tree')));
    await rm(path('tree/folder-3'), { recursive: true });
    await aws('s3', 'sync', '--no-progress', '--delete', 'tree', 's3://aws-sync/tree');
    await mkdir(path('tree.less'));
    await aws('s3', 'sync', '--no-progress', 's3://aws-sync/tree', 'tree.less');
    expect(await digestTree(path('tree.less'))).toEqual(await digestTree(path('tree')));
  });

  test('signs a URL that curl can fetch, and that curl cannot fetch once it is changed', async () => {
    await writeFile(path('shared.txt'), 'shared');
    await aws('s3', 'mb', 's3://aws-presign');
    await aws('s3', 'cp', 'shared.txt', 's3://aws-presign/a key.txt');
    const url = (await aws('s3', 'presign', 's3://aws-presign/a key.txt')).trim();
    const curl = (target: string) => tryClient('curl', ['-sS', '--fail-with-body', target], pithosRun());
    expect(await curl(url)).toMatchObject({ exitCode: 0, stdout: 'shared' });
    const changed = await curl(url.replace('a%20key.txt', 'b%20key.txt'));
    expect(changed.exitCode).not.toBe(0);
    expect(changed.stdout).toContain('<Code>SignatureDoesNotMatch</Code>');
  });

  test('writes on conditions only where they hold', async () => {
    await writeFile(path('one.txt'), 'one');
    await aws('s3', 'mb', 's3://aws-conditions');
    const put = ['s3api', 'put-object', '--bucket', 'aws-conditions', '--key', 'k', '--body', 'one.txt'];
    const { ETag } = JSON.parse(await aws(...put, '--if-none-match', '*'));
    expect((await tryAws(...put, '--if-none-match', '*')).stderr).toContain('PreconditionFailed');
    await aws(...put, '--if-match', ETag);
    expect((await tryAws(...put, '--if-match', '"00000000000000000000000000000000"')).stderr).toContain(
      'PreconditionFailed',
    );
  });

  test('keeps versions, hides them behind a delete marker and brings them back', async () => {
    const bucket = ['--bucket', 'aws-versions'];
    await writeFile(path('v1.txt'), 'first');
    await writeFile(path('v2.txt'), 'second');
    await aws('s3', 'mb', 's3://aws-versions');
    await aws('s3api', 'put-bucket-versioning', ...bucket, '--versioning-configuration', 'Status=Enabled');
    expect(await aws('s3api', 'get-bucket-versioning', ...bucket)).toContain('"Status": "Enabled"');
    const put = async (body: string) =>
      JSON.parse(await aws('s3api', 'put-object', ...bucket, '--key', 'k', '--body', body)).VersionId;
    const first = await put('v1.txt');
    const second = await put('v2.txt');
    const marker = JSON.parse(await aws('s3api', 'delete-object', ...bucket, '--key', 'k'));
    expect(marker.DeleteMarker).toBe(true);
    expect((await tryAws('s3api', 'get-object', ...bucket, '--key', 'k', 'gone.txt')).stderr).toContain('NoSuchKey');
    const listed = JSON.parse(await aws('s3api', 'list-object-versions', ...bucket));
    expect(listed.Versions.map((version: { VersionId: string }) => version.VersionId)).toEqual([second, first]);
    expect(listed.DeleteMarkers[0]).toMatchObject({ VersionId: marker.VersionId, IsLatest: true });
    await aws('s3api', 'get-object', ...bucket, '--key', 'k', '--version-id', first, 'first.back');
    expect(await digestFile(path('first.back'))).toBe(await digestFile(path('v1.txt')));
    await aws('s3api', 'delete-object', ...bucket, '--key', 'k', '--version-id', marker.VersionId);
    await aws('s3api', 'get-object', ...bucket, '--key', 'k', 'current.back');
    expect(await digestFile(path('current.back'))).toBe(await digestFile(path('v2.txt')));
  });
});

const pithosRun = () => ({ cwd: pithos.folder, env: pithos.env });
