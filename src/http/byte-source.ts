/**
 * Where the bytes of a body come from, piece by piece. A piece is never empty and belongs to the reader; `undefined`
 * is the end. A piece that is there already comes without a promise.
 */
export interface ByteSource {
  next(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}
