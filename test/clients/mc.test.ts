import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClient, tryClient } from './client.ts';
import { digestFile, digestTree, MIB, writeRandomFile, writeTree } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
  await mc('alias', 'set', 'pithos', pithos.endpoint, pithos.accessKeyId, pithos.secretAccessKey);
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

const path = (name: string): string => join(pithos.folder, name);
const options = () => ({ cwd: pithos.folder, env: { ...pithos.env, MC_CONFIG_DIR: path('mc') } });
const mc = (...args: string[]): Promise<string> => runClient('mc', ['--quiet', '--no-color', ...args], options());
/** The one fact about an object that its JSON names so. */
const fact = async (name: string, ...args: string[]) => JSON.parse(await mc('--json', ...args))[name];

describe('mc', () => {
  test('finds the server ready', async () => {
    expect(await mc('ready', 'pithos')).toContain('is ready');
  });

  test('stores an object, lists it, reads it, shares it, and removes it with its bucket', async () => {
    await writeFile(path('small.txt'), 'hello from mc\n');
    await mc('mb', 'pithos/mc-small');
    await mc('cp', '--attr', 'color=blue', 'small.txt', 'pithos/mc-small/a/b ü.txt');
    expect(await mc('ls', '--recursive', 'pithos/mc-small')).toContain('a/b ü.txt');
    expect(await mc('cat', 'pithos/mc-small/a/b ü.txt')).toBe('hello from mc\n');
    expect(await fact('metadata', 'stat', 'pithos/mc-small/a/b ü.txt')).toMatchObject({ 'X-Amz-Meta-Color': 'blue' });
    const url: string = await fact('share', 'share', 'download', 'pithos/mc-small/a/b ü.txt');
    expect(await runClient('curl', ['-sS', url], options())).toBe('hello from mc\n');
    await mc('rm', 'pithos/mc-small/a/b ü.txt');
    await mc('rb', 'pithos/mc-small');
    expect(await mc('ls', 'pithos')).not.toContain('mc-small');
  });

  test('mirrors a tree there and back, and finds no difference', async () => {
    await writeTree(path('tree'), 100);
    await mc('mb', 'pithos/mc-tree');
    await mc('mirror', 'tree', 'pithos/mc-tree/tree');
    await mc('mirror', 'pithos/mc-tree/tree', 'pithos/mc-tree/copy');
    expect(await mc('diff', 'pithos/mc-tree/tree', 'pithos/mc-tree/copy')).toBe('');
    await mc('rm', '--recursive', '--force', 'pithos/mc-tree/copy');
    await mc('mirror', 'pithos/mc-tree/tree', 'tree.back');
    expect(await digestTree(path('tree.back'))).toEqual(await digestTree(path('tree')));
    expect(await fact('objects', 'du', 'pithos/mc-tree')).toBe(100);
    await mc('rm', '--recursive', '--force', 'pithos/mc-tree/tree/folder-1/');
    expect(await mc('find', 'pithos/mc-tree')).not.toContain('/folder-1/');
  });

  test('stores an object in parts, copies it on the server and reads the same bytes back', async () => {
    await writeRandomFile(path('large.bin'), 33 * MIB);
    await mc('mb', 'pithos/mc-large');
    await mc('cp', 'large.bin', 'pithos/mc-large/large.bin');
    expect(await fact('etag', 'stat', 'pithos/mc-large/large.bin')).toMatch(/^[0-9a-f]{32}-\d$/);
    await mc('mv', 'pithos/mc-large/large.bin', 'pithos/mc-large/moved.bin');
    await mc('cp', 'pithos/mc-large/moved.bin', 'large.back');
    expect(await digestFile(path('large.back'))).toBe(await digestFile(path('large.bin')));
  });

  test('keeps versions and brings back what was removed', async () => {
    await writeFile(path('v.txt'), 'kept');
    await mc('mb', '--with-versioning', 'pithos/mc-versions');
    await mc('cp', 'v.txt', 'pithos/mc-versions/v.txt');
    await mc('rm', 'pithos/mc-versions/v.txt');
    expect((await tryClient('mc', ['cat', 'pithos/mc-versions/v.txt'], options())).exitCode).not.toBe(0);
    await mc('undo', '--force', 'pithos/mc-versions/v.txt');
    expect(await mc('cat', 'pithos/mc-versions/v.txt')).toBe('kept');
    await mc('rb', '--force', 'pithos/mc-versions');
  });

  test('lets everybody read a bucket, and takes that back', async () => {
    await writeFile(path('public.txt'), 'for all');
    await mc('mb', 'pithos/mc-public');
    await mc('cp', 'public.txt', 'pithos/mc-public/public.txt');
    const read = () => tryClient('curl', ['-sS', `${pithos.endpoint}/mc-public/public.txt`], options());
    expect((await read()).stdout).toContain('<Code>AccessDenied</Code>');
    await mc('anonymous', 'set', 'download', 'pithos/mc-public');
    expect(await mc('anonymous', 'get', 'pithos/mc-public')).toContain('`download`');
    expect((await read()).stdout).toBe('for all');
    await mc('anonymous', 'set', 'private', 'pithos/mc-public');
    expect((await read()).stdout).toContain('<Code>AccessDenied</Code>');
  });
});
