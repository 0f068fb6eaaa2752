import { expect, test } from 'vitest';
import { lendPiece } from '../lent-pieces.ts';
import { CHUNK_BYTES, CHUNK_HEADER_BYTES } from './chunks.ts';
import { cutIntoChunks } from './cut-into-chunks.ts';

test('a body is cut into full chunks and a last one, and its pieces are returned once they are copied', async () => {
  const lengths = [CHUNK_BYTES - 1, 3, CHUNK_BYTES];
  const returned: number[] = [];
  async function* body() {
    for (const [index, length] of lengths.entries()) {
      expect(returned).toHaveLength(index);
      yield lendPiece(new Uint8Array(length).fill(index + 1), () => void returned.push(index));
    }
  }
  const rows: Buffer[] = [];
  const lasts: boolean[] = [];
  for await (const { row, isLast } of cutIntoChunks(body(), new AbortController().signal)) {
    rows.push(row.subarray(CHUNK_HEADER_BYTES));
    lasts.push(isLast);
  }
  expect(returned).toEqual([0, 1, 2]);
  expect(rows.map(({ length }) => length)).toEqual([CHUNK_BYTES, CHUNK_BYTES, 2]);
  expect(lasts).toEqual([false, false, true]);
  const whole = Buffer.concat(lengths.map((length, index) => Buffer.alloc(length, index + 1)));
  expect(Buffer.concat(rows).equals(whole)).toBe(true);
});
