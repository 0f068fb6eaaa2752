import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockDataDirectory, prepareDataDirectory, requireDataDirectory } from './data-directory.ts';

let parent: string;
let directory: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'pithos-directory-'));
  directory = join(parent, 'data');
});
afterEach(() => rm(parent, { recursive: true }));

describe('a data directory', () => {
  test('is made for its user alone and can be prepared again', async () => {
    await prepareDataDirectory(directory);
    await prepareDataDirectory(directory);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect(await readdir(directory)).toEqual(['format']);
    await requireDataDirectory(directory);
  });

  test("is not made of somebody's other files", async () => {
    await mkdir(directory);
    await writeFile(join(directory, 'thesis.txt'), '');
    await expect(prepareDataDirectory(directory)).rejects.toThrow(/is not empty and is no data directory of Pithos/);
  });

  test('may be the root of a fresh file system', async () => {
    await mkdir(join(directory, 'lost+found'), { recursive: true });
    await prepareDataDirectory(directory);
  });

  test('of a newer version is refused', async () => {
    await mkdir(directory);
    await writeFile(join(directory, 'format'), 'pithos 2\n');
    await expect(prepareDataDirectory(directory)).rejects.toThrow(
      /format 2 of a newer Pithos; this one knows 1: upgrade/,
    );
    await expect(requireDataDirectory(directory)).rejects.toThrow(/newer Pithos/);
  });

  test('that cannot be made is told in one sentence', async () => {
    await writeFile(directory, '');
    await expect(prepareDataDirectory(directory)).rejects.toThrow(/^The data directory .* cannot be used: E\w+.*\.$/);
  });

  test('is asked for by commands that do not make one', async () => {
    await expect(requireDataDirectory(directory)).rejects.toThrow(/is no data directory of Pithos/);
  });
});

describe('the lock of a data directory', () => {
  beforeEach(() => prepareDataDirectory(directory));

  test('keeps a second server out while it is held, and only then', async () => {
    const lock = await lockDataDirectory(directory);
    await expect(lockDataDirectory(directory)).rejects.toThrow(`in use by the server with process id ${process.pid}`);
    await lock[Symbol.asyncDispose]();
    await using again = await lockDataDirectory(directory);
    expect(again).toBeDefined();
    expect(await readdir(directory)).toHaveLength(2);
  });

  test('goes to one at most of many that ask at once', async () => {
    await writeFile(join(directory, 'lock-0'), await lockOfEndedProcess());
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataDirectory(directory)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value[Symbol.asyncDispose]();
    expect(await readdir(directory)).toEqual(['format']);
  });

  test('of a process that ended is taken over', async () => {
    await writeFile(join(directory, 'lock-0'), await lockOfEndedProcess());
    await using lock = await lockDataDirectory(directory);
    expect(lock).toBeDefined();
  });

  test('of a process whose id another one has now is taken over', async () => {
    await writeFile(join(directory, 'lock-0'), JSON.stringify({ pid: process.pid, started: 'another boot' }));
    await using lock = await lockDataDirectory(directory);
    expect(lock).toBeDefined();
  });

  test('that cannot be read is taken over', async () => {
    await writeFile(join(directory, 'lock-0'), '{"pid":');
    await using lock = await lockDataDirectory(directory);
    expect(lock).toBeDefined();
  });
});

async function lockOfEndedProcess(): Promise<string> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return JSON.stringify({ pid: child.pid });
}
