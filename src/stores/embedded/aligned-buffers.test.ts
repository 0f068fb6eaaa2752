import { expect, test, vi } from 'vitest';
import { must } from '../../../test/contract/drafts.ts';
import { AlignedBuffers } from './aligned-buffers.ts';

const SIZE_BYTES = 64 * 1024;

test('there are as many buffers as were asked for, no two share a byte, and what is given back is taken again', () => {
  const buffers = new AlignedBuffers({ sizeBytes: SIZE_BYTES, count: 3 });
  const taken = [1, 2, 3].map((mark) => must(buffers.take()).fill(mark));
  expect(buffers.take()).toBeUndefined();
  expect(taken.map((buffer) => [buffer.length, buffer[0], buffer.at(-1)])).toEqual([
    [SIZE_BYTES, 1, 1],
    [SIZE_BYTES, 2, 2],
    [SIZE_BYTES, 3, 3],
  ]);
  buffers.give(must(taken[1]).subarray(0, 10));
  expect(buffers.take()?.equals(must(taken[1]))).toBe(true);
  expect(buffers.take()).toBeUndefined();
});

test('a buffer of its own, or a part of it, is known from others', () => {
  const buffers = new AlignedBuffers({ sizeBytes: SIZE_BYTES, count: 1 });
  expect(buffers.has(Buffer.alloc(SIZE_BYTES))).toBe(false);
  const taken = must(buffers.take());
  expect([taken, taken.subarray(0, 10)].map((buffer) => buffers.has(buffer))).toEqual([true, true]);
  expect([Buffer.alloc(SIZE_BYTES), Buffer.alloc(0)].map((buffer) => buffers.has(buffer))).toEqual([false, false]);
});

test('where WebAssembly cannot be had there are none, and nothing fails', () => {
  vi.stubGlobal('WebAssembly', undefined);
  const buffers = new AlignedBuffers({ sizeBytes: SIZE_BYTES, count: 2 });
  expect([buffers.take(), buffers.take(), buffers.freeCount]).toEqual([undefined, undefined, 0]);
  expect(buffers.has(Buffer.from(new ArrayBuffer(0)))).toBe(false);
  vi.unstubAllGlobals();
});
