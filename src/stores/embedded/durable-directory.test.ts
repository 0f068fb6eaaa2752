import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTempDir } from '../../../test/support/temp-dir.ts';
import { DirectorySync, makeDirectory, type SyncHandle } from './durable-directory.ts';

test('many writers of one directory share a sync: one that runs, and one for all who came meanwhile', async () => {
  const handle = new FakeHandle();
  const directory = new DirectorySync(handle);
  const first = directory.sync();
  const later = Array.from({ length: 50 }, () => directory.sync());
  expect(handle.running).toHaveLength(1);
  handle.running[0]?.resolve();
  await first;
  await expect.poll(() => handle.running.length).toBe(2);
  handle.running[1]?.resolve();
  await Promise.all(later);
  expect(handle.running).toHaveLength(2);
  const afterwards = directory.sync();
  handle.running[2]?.resolve();
  await afterwards;
});

test('a sync that fails fails all who waited for it, and no others', async () => {
  const handle = new FakeHandle();
  const directory = new DirectorySync(handle);
  const first = directory.sync();
  const later = [directory.sync(), directory.sync()];
  handle.running[0]?.resolve();
  await first;
  await expect.poll(() => handle.running.length).toBe(2);
  const failure = new Error('EIO');
  handle.running[1]?.reject(failure);
  const results = await Promise.allSettled(later);
  expect(results).toEqual([
    { status: 'rejected', reason: failure },
    { status: 'rejected', reason: failure },
  ]);
});

test('a directory and its parents are made for their owner alone, and may be there', async () => {
  await using dir = await makeTempDir();
  const path = join(dir.path, 'a/b/c');
  await makeDirectory(path, 'strict');
  await makeDirectory(path, 'strict');
  expect(await readdir(path)).toEqual([]);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
});

/** A directory whose syncs end when the test says so. */
class FakeHandle implements SyncHandle {
  readonly running: PromiseWithResolvers<void>[] = [];

  sync(): Promise<void> {
    const started = Promise.withResolvers<void>();
    this.running.push(started);
    return started.promise;
  }

  close(): void {
    // Nothing is open.
  }
}
