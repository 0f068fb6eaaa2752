import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { makeTempDir } from '../../../test/support/temp-dir.ts';
import { DiskSpace } from './disk-space.ts';
import { openEnvironment } from './environment.ts';
import { reusableBytes } from './free-pages.ts';

const MUCH = Number.MAX_SAFE_INTEGER;

test('the watermark refuses with figures, unless enough is free inside the files', () => {
  const directory = tmpdir();
  new DiskSpace({ directory, freeBytesMin: 0 }).requireFree();
  const refused = { kind: 'storage-full', message: expect.stringContaining(`below the watermark of ${MUCH}`) };
  expect(() => new DiskSpace({ directory, freeBytesMin: MUCH }).requireFree()).toThrow(
    expect.objectContaining(refused),
  );
  new DiskSpace({ directory, freeBytesMin: MUCH, reusableBytes: () => MUCH }).requireFree();
});

test('what is deleted from a file is free inside it; of a file whose tables are not all known nothing is', async () => {
  await using dir = await makeTempDir();
  const root = openEnvironment({ directory: dir.path, file: 'test.mdb', durability: 'relaxed', mapBytes: 1024 ** 3 });
  try {
    const rows = root.openDB<Buffer, Buffer>({ name: 'rows', encoding: 'binary', keyEncoding: 'binary' });
    const opened = new Map([['rows', rows]]);
    const keys = Array.from({ length: 1000 }, (_, index) => Buffer.from(`key-${index}`));
    await root.transaction(() => {
      for (const key of keys) rows.putSync(key, Buffer.alloc(4000));
    });
    const before = reusableBytes(root, opened);
    expect(before).toBeLessThan(100_000);
    await root.transaction(() => {
      for (const key of keys) rows.removeSync(key);
    });
    const after = reusableBytes(root, opened);
    expect(after).toBeGreaterThan(4_000_000);
    expect(after).toBeLessThan(5_000_000);
    expect(reusableBytes(root, new Map())).toBe(0);
  } finally {
    await root.close();
  }
});
