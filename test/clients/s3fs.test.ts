import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientPath, runClient } from './client.ts';
import { digestFile, digestTree, MIB, writeRandomFile, writeTree } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';

const MOUNT_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

const path = (name: string): string => join(pithos.folder, name);
const aws = (...args: string[]): Promise<string> => runClient('aws', args, { cwd: pithos.folder, env: pithos.env });

describe('s3fs', () => {
  test('mounts a bucket as a folder in which files are written, changed, renamed and removed', async () => {
    await aws('s3', 'mb', 's3://s3fs-bucket');
    await writeTree(path('tree'), 30);
    await writeRandomFile(path('large.bin'), 25 * MIB);
    await using _mounted = await mount('s3fs-bucket', path('mounted'));
    for (const name of ['tree', 'large.bin']) await cp(path(name), path(`mounted/${name}`), { recursive: true });
    expect(await digestTree(path('mounted/tree'))).toEqual(await digestTree(path('tree')));
    expect(await digestFile(path('mounted/large.bin'))).toBe(await digestFile(path('large.bin')));
    await aws('s3', 'cp', '--no-progress', 's3://s3fs-bucket/large.bin', 'large.back');
    expect(await digestFile(path('large.back'))).toBe(await digestFile(path('large.bin')));
    await writeFile(path('mounted/note.txt'), 'one');
    await appendFile(path('mounted/note.txt'), ' two');
    await rename(path('mounted/note.txt'), path('mounted/tree/renamed.txt'));
    expect(await aws('s3', 'cp', 's3://s3fs-bucket/tree/renamed.txt', '-')).toBe('one two');
    await rm(path('mounted/tree'), { recursive: true });
    expect(await readdir(path('mounted'))).toEqual(['large.bin']);
    expect(await aws('s3', 'ls', '--recursive', 's3://s3fs-bucket')).not.toContain('tree/');
  });

  test('shows what other clients store', async () => {
    await aws('s3', 'mb', 's3://s3fs-others');
    await writeFile(path('other.txt'), 'by the aws cli');
    await aws('s3', 'cp', 'other.txt', 's3://s3fs-others/a/b/other.txt');
    await using _mounted = await mount('s3fs-others', path('others'));
    expect(await readFile(path('others/a/b/other.txt'), 'utf8')).toBe('by the aws cli');
    expect((await stat(path('others/a/b/other.txt'))).size).toBe(14);
  });
});

/** Mounts a bucket until it is disposed of; says what s3fs said where it cannot. */
async function mount(bucket: string, folder: string): Promise<AsyncDisposable> {
  await mkdir(folder);
  await writeFile(path('passwd'), `${pithos.accessKeyId}:${pithos.secretAccessKey}\n`, { mode: 0o600 });
  const options = ['passwd_file=passwd', `url=${pithos.endpoint}`, 'use_path_request_style', 'retries=1'];
  const args = [bucket, folder, '-f', ...options.flatMap((option) => ['-o', option])];
  const s3fs = spawn(clientPath('s3fs'), args, {
    cwd: pithos.folder,
    env: pithos.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [s3fs.stdout, s3fs.stderr]) stream.setEncoding('utf8').on('data', (text) => said.push(text));
  const ended = once(s3fs, 'exit');
  const deadline = AbortSignal.timeout(MOUNT_TIMEOUT_MS);
  while (!readFileSync('/proc/self/mounts', 'utf8').includes(` ${folder} fuse.s3fs `)) {
    if (deadline.aborted || s3fs.exitCode !== null) {
      s3fs.kill('SIGKILL');
      throw new Error(`s3fs did not mount; it needs /dev/fuse and the right to mount:\n${said.join('')}`);
    }
    await pause(POLL_MS);
  }
  return {
    async [Symbol.asyncDispose]() {
      await runClient('fusermount3', ['-u', folder], { cwd: pithos.folder, env: pithos.env });
      await ended;
    },
  };
}
