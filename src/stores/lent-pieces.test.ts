import { expect, test } from 'vitest';
import { lendPiece, returnPiece } from './lent-pieces.ts';

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
