import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServer } from '../../src/start-server.ts';
import { requireCompletion } from '../../src/stores/embedded/backup-target.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

/** What somebody can do who hands over a backup to be restored, or can write where one is kept. */

const BLOB_BYTES = 600_000;

let parent: TempDir;
let data: string;
let target: string;
let restored: string;
beforeEach(async () => {
  parent = await makeTempDir();
  data = join(parent.path, 'data');
  target = join(parent.path, 'backup');
  restored = join(parent.path, 'restored');
  await using server = await startServer({ store: { directory: data } });
  const client = new S3Client(server.clientConfig());
  await client.send(new CreateBucketCommand({ Bucket: 'kept' }));
  await client.send(new PutObjectCommand({ Bucket: 'kept', Key: 'key', Body: Buffer.alloc(BLOB_BYTES, 'k') }));
});
afterEach(() => parent[Symbol.asyncDispose]());

describe('a backup that is restored', () => {
  beforeEach(async () => {
    expect(await runPithos(['backup', target, data])).toMatchObject({ code: 0 });
  });

  test('has a manifest that names its own files, and sizes that can be, or is refused', async () => {
    const sound = await readCompletion();
    const files = ['../data/data.mdb', '/etc/passwd', 'blobs', 'metadata-0123456789abcdef.mdb/../x', ''];
    const manifests: unknown[] = files.map((file) => ({ ...sound, metadata: { ...sound.metadata, file } }));
    manifests.push({ ...sound, bytes: -1.5 }, { ...sound, metadata: null }, 7, JSON.parse('{"__proto__":{"blobs":1}}'));
    for (const manifest of manifests) {
      await writeFile(join(target, 'complete.json'), JSON.stringify(manifest));
      await expect(requireCompletion(target), JSON.stringify(manifest)).rejects.toThrow('is not what was written');
    }
    expect(await restore()).toMatchObject({ code: 2, stderr: expect.stringContaining('is not what was written') });
  });

  test('whose manifest is a gigabyte, or a pipe, is refused at once', async () => {
    await rm(join(target, 'complete.json'));
    execFileSync('truncate', ['-s', '1G', join(target, 'complete.json')]);
    expect(await restore()).toMatchObject({ code: 2, stderr: expect.stringContaining('is not what was written') });
    await rm(join(target, 'complete.json'));
    execFileSync('mkfifo', [join(target, 'complete.json'), join(target, 'lock-0123456789abcdef')]);
    expect(await restore()).toMatchObject({ code: 2, stderr: expect.stringContaining('has no whole backup') });
  });

  test('takes no file of the machine for its metadata, by a link', async () => {
    const outside = join(parent.path, 'secret');
    await writeFile(outside, 'secret');
    const completion = await readCompletion();
    const { metadata } = completion;
    await rm(join(target, metadata.file));
    await symlink(outside, join(target, metadata.file));
    const sha256 = createHash('sha256').update('secret').digest('hex');
    const manifest = { ...completion, metadata: { ...metadata, sizeBytes: 6, sha256 } };
    await writeFile(join(target, 'complete.json'), JSON.stringify(manifest));
    expect(await restore()).toMatchObject({ code: 2, stderr: expect.stringContaining('is missing') });
    await expect(stat(restored)).rejects.toThrow('ENOENT');
  });

  test.each([
    ['a link to a sound blob elsewhere', (path: string, elsewhere: string) => symlink(elsewhere, path)],
    ['a pipe', (path: string) => execFileSync('mkfifo', [path])],
    ['a directory', (path: string) => mkdir(path)],
  ])('brings no blob that is %s, and waits for none', async (_, put) => {
    const [blob = ''] = await blobFiles(target);
    const elsewhere = join(parent.path, basename(blob));
    await rename(blob, elsewhere);
    await put(blob, elsewhere);
    const ended = await restore();
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringMatching(/^Region us-east-1: .*\n1 problem: /) });
    expect(await blobFiles(restored)).toEqual([]);
  });
});

describe('a backup that is taken', () => {
  test('writes through no link that lies in its target', async () => {
    const outside = join(parent.path, 'of-somebody');
    await writeFile(outside, 'precious');
    await mkdir(target);
    for (const name of ['pithos-backup.new', 'complete.json.new']) await symlink(outside, join(target, name));
    expect(await runPithos(['backup', target, data])).toMatchObject({ code: 0 });
    await symlink(outside, join(target, 'complete.json.new'));
    await symlink(dirname(outside), join(target, 'incoming'));
    expect(await runPithos(['backup', target, data])).toMatchObject({ code: 0 });
    expect(await readFile(outside, 'utf8')).toBe('precious');
    expect((await readdir(parent.path)).sort()).toEqual(['backup', 'data', 'of-somebody']);
  });

  test.each([
    ['the target is a link into the data directory', () => symlink(data, target), 'backup'],
    ['a directory above the target is one', () => symlink(data, join(parent.path, 'way')), 'way/new/backup'],
  ])('stays apart from the data where %s', async (_, link, path) => {
    await link();
    const before = await readdir(data);
    const ended = await runPithos(['backup', join(parent.path, path), data]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('lie in each other') });
    expect(await readdir(data)).toEqual(before);
  });
});

async function restore() {
  return await runPithos(['restore', target, restored]);
}

async function readCompletion(): Promise<{ metadata: { file: string; sizeBytes: number; sha256: string } }> {
  return JSON.parse(await readFile(join(target, 'complete.json'), 'utf8'));
}

async function blobFiles(directory: string): Promise<string[]> {
  const entries = await readdir(join(directory, 'blobs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
