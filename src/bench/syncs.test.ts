import { expect, test } from 'vitest';
import { isSync } from './syncs.ts';

const KNOWN = { syncedFiles: new Set(['100/23']), processOf: new Map([[104, 100]]) };

test.each([
  ['100   fdatasync(22)                     = 0', true],
  ['104   fsync(22 <unfinished ...>', true],
  ['104   <... fsync resumed>)              = 0', false],
  ['100   msync(0x7f0000000000, 4096, MS_SYNC) = 0', true],
  ['100   msync(0x7f0000000000, 4096, MS_ASYNC) = 0', false],
  ['100   openat(AT_FDCWD, ""..., O_WRONLY|O_CREAT|O_DSYNC, 0644) = 9', true],
  ['100   openat(AT_FDCWD, ""..., O_RDONLY) = 9', false],
  ['104   pwrite64(23, ""..., 4096, 0)      = 4096', true],
  ['104   pwrite64(24, ""..., 4096, 0)      = 4096', false],
  ['200   write(23, ""..., 10)              = 10', false],
  ['100   +++ exited with 0 +++', false],
  ['', false],
])('of a trace, %j is a sync: %j', (line, expected) => {
  expect(isSync(line, KNOWN)).toBe(expected);
});
