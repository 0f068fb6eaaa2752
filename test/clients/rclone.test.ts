import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClient, tryClient } from './client.ts';
import { digestFile, digestTree, MIB, writeRandomFile, writeTree } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';

const FILES_COUNT = 2_000;

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

const path = (name: string): string => join(pithos.folder, name);
const rclone = (...args: string[]): Promise<string> => runClient('rclone', args, options());
const options = () => ({
  cwd: pithos.folder,
  env: {
    ...pithos.env,
    RCLONE_CONFIG: path('no-configuration'),
    RCLONE_CONFIG_PITHOS_TYPE: 's3',
    RCLONE_CONFIG_PITHOS_PROVIDER: 'Other',
    RCLONE_CONFIG_PITHOS_ENDPOINT: pithos.endpoint,
    RCLONE_CONFIG_PITHOS_ACCESS_KEY_ID: pithos.accessKeyId,
    RCLONE_CONFIG_PITHOS_SECRET_ACCESS_KEY: pithos.secretAccessKey,
    RCLONE_TRANSFERS: '16',
    RCLONE_CHECKERS: '16',
    RCLONE_RETRIES: '1',
    RCLONE_LOW_LEVEL_RETRIES: '1',
  },
});

describe('rclone', () => {
  test(`syncs ${FILES_COUNT} files, checks them, and notices one that differs`, async () => {
    await writeTree(path('tree'), FILES_COUNT);
    await rclone('mkdir', 'pithos:rclone-tree');
    await rclone('sync', 'tree', 'pithos:rclone-tree/tree');
    await rclone('check', 'tree', 'pithos:rclone-tree/tree');
    expect(await rclone('size', '--json', 'pithos:rclone-tree')).toContain(`"count":${FILES_COUNT}`);
    const changed = join('tree', 'folder-7', 'plain-7.bin');
    await writeFile(path(changed), 'changed');
    const check = await tryClient('rclone', ['check', 'tree', 'pithos:rclone-tree/tree'], options());
    expect(check.exitCode).not.toBe(0);
    expect(check.stderr).toContain('plain-7.bin');
    await rclone('sync', 'tree', 'pithos:rclone-tree/tree');
    await rclone('sync', 'pithos:rclone-tree/tree', 'tree.back');
    expect(await digestTree(path('tree.back'))).toEqual(await digestTree(path('tree')));
    await rclone('purge', 'pithos:rclone-tree');
    expect(await rclone('lsd', 'pithos:')).not.toContain('rclone-tree');
  });

  test('stores an object in parts, copies it on the server and reads the same bytes back', async () => {
    await writeRandomFile(path('large.bin'), 33 * MIB);
    const parts = ['--s3-upload-cutoff', '8M', '--s3-chunk-size', '8M'];
    await rclone('copyto', ...parts, 'large.bin', 'pithos:rclone-large/large.bin');
    await rclone('copyto', 'pithos:rclone-large/large.bin', 'pithos:rclone-large/copies/large.bin');
    await rclone('moveto', 'pithos:rclone-large/copies/large.bin', 'pithos:rclone-large/moved/large.bin');
    expect(await rclone('lsf', '-R', '--files-only', 'pithos:rclone-large')).toBe('large.bin\nmoved/large.bin\n');
    await rclone('copyto', 'pithos:rclone-large/moved/large.bin', 'large.back');
    expect(await digestFile(path('large.back'))).toBe(await digestFile(path('large.bin')));
  });
});
