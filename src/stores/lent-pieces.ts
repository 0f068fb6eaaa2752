/**
 * Pieces of bodies whose memory is wanted back. Whoever is done with a piece may say so, and its buffer is used again, or
 * freed; of one that is never returned, the garbage collector takes the buffer. So only the last reader of a piece, who
 * knows that nobody else holds it, may return it, and nobody has to. A part of a piece is another piece, which was not
 * lent.
 */
const takers = new WeakMap<Uint8Array, () => void>();

/** Marks a piece, the only one in its buffer; `takeBack` is called at most once, when nobody reads the piece any more. */
export function lendPiece(piece: Uint8Array, takeBack: () => void): Uint8Array {
  takers.set(piece, takeBack);
  return piece;
}

/** Says that nobody reads this piece any more; does nothing where it was not lent, or was returned already. */
export function returnPiece(piece: Uint8Array): void {
  const takeBack = takers.get(piece);
  if (takeBack === undefined) return;
  takers.delete(piece);
  takeBack();
}
