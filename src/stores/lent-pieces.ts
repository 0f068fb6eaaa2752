/** Smaller pieces are left to the garbage collector, in bytes: it takes what is new for less than it costs to lend it. */
export const FREED_BYTES_MIN = 2 * 1024;
/** Node 20 cannot free a buffer. */
const CAN_FREE = typeof ArrayBuffer.prototype.transfer === 'function';

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

/**
 * Lends a piece whose memory is freed when it is returned, where it is worth it and the piece, or what is read no more
 * with it, has a buffer for itself. V8 only counts such memory: left to it, all of its heap is collected about once for
 * 30 MiB of it.
 */
export function freeOnReturn<Piece extends Uint8Array>(piece: Piece, within: Uint8Array = piece): Piece {
  const { buffer } = piece;
  const isAlone = within.length === buffer.byteLength && within.buffer === buffer;
  const isWorthIt = CAN_FREE && buffer.byteLength >= FREED_BYTES_MIN;
  if (isWorthIt && isAlone && buffer instanceof ArrayBuffer) takers.set(piece, () => void buffer.transfer(0));
  return piece;
}

/** Says that nobody reads this piece any more; does nothing where it was not lent, or was returned already. */
export function returnPiece(piece: Uint8Array): void {
  const takeBack = takers.get(piece);
  if (takeBack === undefined) return;
  takers.delete(piece);
  takeBack();
}

function isLent(piece: Uint8Array): boolean {
  return takers.has(piece);
}

/** What returns the piece when it is called; `undefined` where it was not lent. */
export function returnerOf(piece: Uint8Array): (() => void) | undefined {
  return isLent(piece) ? () => returnPiece(piece) : undefined;
}

/**
 * Takes parts of a piece, which are lent where the piece is: it is returned once every part is, and no other will be
 * taken. Parts do not overlap.
 */
export class LentParts {
  readonly #piece: Uint8Array;
  readonly #isLent: boolean;
  /** Parts that are read still, and one for those to come. */
  #openCount = 1;

  constructor(piece: Uint8Array) {
    this.#piece = piece;
    this.#isLent = isLent(piece);
  }

  part(start: number, end: number): Uint8Array {
    const part = this.#piece.subarray(start, end);
    if (!this.#isLent) return part;
    this.#openCount += 1;
    return lendPiece(part, () => this.end());
  }

  /** Says that no other part will be taken; to be called once, where nobody reads what no part holds. */
  end(): void {
    this.#openCount -= 1;
    if (this.#openCount === 0) returnPiece(this.#piece);
  }
}
