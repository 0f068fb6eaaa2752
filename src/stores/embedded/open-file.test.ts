import { readdirSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTempDir } from '../../../test/support/temp-dir.ts';
import { OpenFile } from './open-file.ts';

test('a file is written and read in several buffers, from any place on', async () => {
  await using dir = await makeTempDir();
  using file = await OpenFile.open(join(dir.path, 'file'), 'w+', 0o600);
  expect(await file.writev([Buffer.from('abc'), Buffer.from('defg')], 2)).toBe(7);
  await file.datasync();
  await file.sync();
  const buffers = [Buffer.alloc(4), Buffer.alloc(10, '.')];
  expect(await file.readv(buffers, 3)).toBe(6);
  expect(Buffer.concat(buffers).toString()).toBe('bcdefg........');
  expect(await file.readv(buffers, 9)).toBe(0);
});

test('a file that is closed reaches no other that has its descriptor since', async () => {
  await using dir = await makeTempDir();
  const closed = await OpenFile.open(join(dir.path, 'closed'), 'w+');
  closed.close();
  using other = await OpenFile.open(join(dir.path, 'other'), 'w+');
  await expect(closed.writev([Buffer.from('lost')], 0)).rejects.toThrow();
  await expect(closed.sync()).rejects.toThrow();
  closed.close();
  closed[Symbol.dispose]();
  expect(await other.writev([Buffer.from('kept')], 0)).toBe(4);
});

test('no descriptor is left over', async () => {
  await using dir = await makeTempDir();
  const path = join(dir.path, 'file');
  await writeFile(path, '');
  {
    using _first = await OpenFile.open(path, 'r');
    using _second = OpenFile.openAgain(path, 0);
    expect(openCount(path)).toBe(2);
  }
  expect(openCount(path)).toBe(0);
});

test('what cannot be opened throws what the system says', async () => {
  await using dir = await makeTempDir();
  const path = join(dir.path, 'none');
  await expect(OpenFile.open(path, 'r')).rejects.toMatchObject({ code: 'ENOENT' });
  expect(() => OpenFile.openAgain(path, 0)).toThrow(/ENOENT/);
});

/** How often this process has the file open. */
function openCount(path: string): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link === path).length;
}
