import { constants } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { must } from '../../../test/contract/drafts.ts';
import { makeTempDir } from '../../../test/support/temp-dir.ts';
import { BlobFile } from './blob-file.ts';
import { FRAME_BYTES } from './blob-frames.ts';
import { ALIGNED_FRAMES } from './frame-buffers.ts';

const BLOCK_BYTES = 512;

test.each([
  ['whole frames in aligned memory', () => [alignedFrame(1), alignedFrame(2)], true],
  [
    'whole frames, the last one shorter',
    () => [alignedFrame(1), alignedFrame(2), alignedFrame(3).subarray(0, 20)],
    true,
  ],
  ['a frame in aligned memory after one in other', () => [Buffer.alloc(FRAME_BYTES, 1), alignedFrame(2)], false],
  ['a frame in aligned memory before one in other', () => [alignedFrame(1), Buffer.alloc(FRAME_BYTES, 2)], true],
  ['frames in other memory', () => [Buffer.alloc(FRAME_BYTES, 1), Buffer.alloc(FRAME_BYTES, 2)], false],
  ['a frame that is not full', () => [alignedFrame(1).subarray(0, 1000)], false],
])('%s: all of it is written, and past the cache: %3$s', async (_, framesOf, isDirect) => {
  await using dir = await makeTempDir();
  const path = join(dir.path, 'blob');
  const file = await BlobFile.create(path);
  const frames = framesOf();
  await file.write(frames, 0);
  expect(await isOpenDirectly(path)).toBe(isDirect && process.platform === 'linux');
  await file.sync();
  file.close();
  expect(Buffer.concat(frames).equals(await readFile(path))).toBe(true);
  giveBack(frames);
});

test('what the system refuses to write past its cache is written through it, and so is what follows', async () => {
  await using dir = await makeTempDir();
  const path = join(dir.path, 'blob');
  const file = await BlobFile.create(path);
  const frames = [alignedFrame(1), alignedFrame(2)];
  // No block of any disk begins here.
  await file.write(frames, BLOCK_BYTES + 1);
  await file.write(frames, BLOCK_BYTES + 1 + 2 * FRAME_BYTES);
  file.close();
  const written = await readFile(path);
  expect(Buffer.concat([Buffer.alloc(BLOCK_BYTES + 1), ...frames, ...frames]).equals(written)).toBe(true);
  giveBack(frames);
});

test('a file that is there already is not touched', async () => {
  await using dir = await makeTempDir();
  const path = join(dir.path, 'blob');
  (await BlobFile.create(path)).close();
  await expect(BlobFile.create(path)).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable' });
});

function alignedFrame(content: number): Buffer {
  return must(ALIGNED_FRAMES.take()).fill(content);
}

function giveBack(frames: readonly Buffer[]): void {
  for (const frame of frames) if (ALIGNED_FRAMES.has(frame)) ALIGNED_FRAMES.give(frame);
}

/** Whether this process has a file open past the cache of the system (Linux). */
async function isOpenDirectly(path: string): Promise<boolean> {
  const flags = await Promise.all(
    (await readdir('/proc/self/fd').catch(() => [])).map(async (fd) => {
      const target = await readlink(`/proc/self/fd/${fd}`).catch(() => undefined);
      if (target !== path) return 0;
      const info = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8');
      return Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(info)?.[1] ?? '0', 8);
    }),
  );
  return flags.some((flag) => (flag & constants.O_DIRECT) !== 0);
}
