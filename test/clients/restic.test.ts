import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runClient } from './client.ts';
import { digestTree, MIB, writeRandomFile, writeTree } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

const path = (name: string): string => join(pithos.folder, name);

test('restic backs a tree up, reads all its data to check it, and restores the same tree', async () => {
  const env = {
    ...pithos.env,
    RESTIC_REPOSITORY: `s3:${pithos.endpoint}/restic`,
    RESTIC_PASSWORD: 'the password of the test',
    RESTIC_CACHE_DIR: path('cache'),
  };
  const restic = (...args: string[]): Promise<string> => runClient('restic', args, { cwd: pithos.folder, env });
  await writeTree(path('tree'), 200);
  await writeRandomFile(path('tree/large.bin'), 32 * MIB);
  await restic('init');
  await restic('backup', 'tree');
  await writeRandomFile(path('tree/second.bin'), 5 * MIB);
  await restic('backup', 'tree');
  expect(await restic('snapshots', '--compact')).toContain('2 snapshots');
  expect(await restic('check', '--read-data')).toContain('no errors were found');
  await restic('restore', 'latest', '--target', 'restored');
  expect(await digestTree(path('restored/tree'))).toEqual(await digestTree(path('tree')));
  await restic('forget', '--keep-last', '1', '--prune');
  expect(await restic('check', '--read-data')).toContain('no errors were found');
});
