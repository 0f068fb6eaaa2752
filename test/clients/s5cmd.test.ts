import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClient } from './client.ts';
import { digestFile, digestTree, MIB, writeRandomFile, writeTree } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

const path = (name: string): string => join(pithos.folder, name);
const s5cmd = (...args: string[]): Promise<string> =>
  runClient('s5cmd', ['--retry-count', '0', ...args], { cwd: pithos.folder, env: pithos.env });

describe('s5cmd', () => {
  test('copies a tree there and back with many workers, and deletes it in batches', async () => {
    await writeTree(path('tree'), 300);
    await s5cmd('mb', 's3://s5cmd-tree');
    await s5cmd('cp', 'tree/', 's3://s5cmd-tree/tree/');
    expect((await s5cmd('ls', 's3://s5cmd-tree/tree/*')).trim().split('\n')).toHaveLength(300);
    await s5cmd('cp', 's3://s5cmd-tree/tree/*', 'tree.back/');
    expect(await digestTree(path('tree.back'))).toEqual(await digestTree(path('tree')));
    await s5cmd('rm', 's3://s5cmd-tree/*');
    await s5cmd('rb', 's3://s5cmd-tree');
    expect(await s5cmd('ls')).not.toContain('s5cmd-tree');
  });

  test('stores an object in parts and reads the same bytes back', async () => {
    await writeRandomFile(path('large.bin'), 41 * MIB);
    await s5cmd('mb', 's3://s5cmd-large');
    await s5cmd('cp', '--part-size', '8', 'large.bin', 's3://s5cmd-large/large.bin');
    await s5cmd('cp', '--part-size', '8', 's3://s5cmd-large/large.bin', 'large.back');
    expect(await digestFile(path('large.back'))).toBe(await digestFile(path('large.bin')));
  });

  test('gives back metadata that is not ASCII', async () => {
    await writeFile(path('greeting.txt'), 'hello');
    await s5cmd('mb', 's3://s5cmd-metadata');
    await s5cmd('cp', '--metadata', 'greeting=Grüße 🎈', 'greeting.txt', 's3://s5cmd-metadata/greeting.txt');
    const head = JSON.parse(await s5cmd('--json', 'head', 's3://s5cmd-metadata/greeting.txt'));
    expect(head.metadata).toEqual({ greeting: 'Grüße 🎈' });
  });
});
