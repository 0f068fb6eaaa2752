import { expect, test } from 'vitest';
import { md5Padding } from './md5-padding.ts';

test.each([
  [0, 64],
  [1, 63],
  [55, 9],
  [56, 72],
  [63, 65],
  [64, 64],
  [119, 9],
  [120, 72],
  [2 ** 29 - 1, 65],
  [2 ** 32 + 5, 59],
  [5 * 2 ** 40, 64],
])('a message of %i bytes is padded with %i, of which the last eight are its length in bits', (messageBytes, bytes) => {
  const padding = Buffer.from(md5Padding(messageBytes));
  expect(padding).toHaveLength(bytes);
  expect(padding.subarray(0, -8)).toEqual(Buffer.from([0x80, ...new Array(bytes - 9).fill(0)]));
  expect(padding.readBigUInt64LE(bytes - 8)).toBe(BigInt(messageBytes) * 8n);
});
