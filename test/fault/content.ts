import { createCipheriv } from 'node:crypto';

/** A prime below 1 MiB, so that no two places of a body that the store could confuse hold the same bytes. */
const POOL_BYTES = 1_048_573;
const ID_BYTES = 8;

const POOL = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16)).update(Buffer.alloc(POOL_BYTES));

/**
 * The bytes of one write, which no other write has: they begin with its number. They are made when they are needed,
 * as views of one buffer, so that bodies of any length cost no memory.
 */
export class Content {
  readonly id: number;
  readonly sizeBytes: number;

  /** `id`: not negative; `sizeBytes`: at least 8. */
  constructor(id: number, sizeBytes: number) {
    this.id = id;
    this.sizeBytes = sizeBytes;
  }

  /** The bytes of a range in order, each piece at most 1 MiB. */
  *pieces(start = 0, end = this.sizeBytes): Generator<Uint8Array> {
    let at = start;
    if (at < ID_BYTES) {
      const head = Buffer.alloc(ID_BYTES);
      head.writeDoubleBE(this.id);
      yield head.subarray(at, Math.min(end, ID_BYTES));
      at = ID_BYTES;
    }
    while (at < end) {
      const from = (this.id * 7_919 + at) % POOL_BYTES;
      const piece = POOL.subarray(from, from + Math.min(end - at, POOL_BYTES - from));
      yield piece;
      at += piece.length;
    }
  }

  /** Whether `bytes` are what stands at `offset`. */
  has(bytes: Uint8Array, offset: number): boolean {
    if (offset + bytes.length > this.sizeBytes) return false;
    let at = 0;
    for (const piece of this.pieces(offset, offset + bytes.length)) {
      if (Buffer.compare(piece, bytes.subarray(at, at + piece.length)) !== 0) return false;
      at += piece.length;
    }
    return true;
  }
}

/** The number of the content that `bytes` claim to be. */
export function contentIdOf(bytes: Buffer): number {
  return bytes.length < ID_BYTES ? Number.NaN : bytes.readDoubleBE(0);
}
