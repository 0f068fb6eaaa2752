import { expect, test } from 'vitest';
import { freeOnReturn, LentParts, lendPiece, returnerOf, returnPiece } from './lent-pieces.ts';

/** Long enough to be freed, in bytes. */
const FREED_BYTES = 32 * 1024;
const CAN_FREE = typeof ArrayBuffer.prototype.transfer === 'function';

test('a piece is taken back once, when it is returned', () => {
  let returns = 0;
  const piece = lendPiece(new Uint8Array(8), () => void returns++);
  returnPiece(piece);
  returnPiece(piece);
  expect(returns).toBe(1);
});

test('a part of a piece takes nothing back: the rest may be read still', () => {
  let returns = 0;
  const piece = lendPiece(new Uint8Array(8), () => void returns++);
  returnPiece(piece.subarray(0, 4));
  returnPiece(piece.subarray(0));
  expect(returns).toBe(0);
});

test('memory is freed when its piece is returned, and only where the piece has it for itself', () => {
  const alone = freeOnReturn(new Uint8Array(FREED_BYTES));
  const part = freeOnReturn(new Uint8Array(2 * FREED_BYTES).subarray(FREED_BYTES));
  const small = freeOnReturn(new Uint8Array(8));
  for (const piece of [alone, part, small]) returnPiece(piece);
  expect([alone, part, small].map(({ length }) => length)).toEqual([CAN_FREE ? 0 : FREED_BYTES, FREED_BYTES, 8]);
});

test('the end of a buffer is freed with its start, where that is read no more', () => {
  const [read, shared] = [new Uint8Array(FREED_BYTES), new Uint8Array(2 * FREED_BYTES)];
  const end = freeOnReturn(read.subarray(8), read);
  const partOfHalf = freeOnReturn(shared.subarray(8, FREED_BYTES), shared.subarray(0, FREED_BYTES));
  for (const piece of [end, partOfHalf]) returnPiece(piece);
  expect(read.length).toBe(CAN_FREE ? 0 : FREED_BYTES);
  expect(shared.length).toBe(2 * FREED_BYTES);
});

test('a piece is returned once all parts of it are, and no other will be taken', () => {
  let returns = 0;
  const parts = new LentParts(lendPiece(Uint8Array.of(1, 2, 3, 4), () => void returns++));
  const [first, second] = [parts.part(0, 1), parts.part(2, 4)];
  expect([[...first], [...second]]).toEqual([[1], [3, 4]]);
  returnPiece(first);
  returnPiece(first);
  parts.end();
  expect(returns).toBe(0);
  const partsOfPart = new LentParts(second);
  partsOfPart.end();
  expect(returns).toBe(1);
});

test('a piece that was not lent has parts that nobody wants back', () => {
  const parts = new LentParts(new Uint8Array(4));
  expect(returnerOf(parts.part(0, 2))).toBeUndefined();
});

test('only what was lent has somebody to return it to', () => {
  const lent = lendPiece(new Uint8Array(8), () => undefined);
  expect(returnerOf(new Uint8Array(8))).toBeUndefined();
  returnerOf(lent)?.();
  expect(returnerOf(lent)).toBeUndefined();
});
