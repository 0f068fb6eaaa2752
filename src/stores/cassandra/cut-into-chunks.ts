import { iterateUntil } from '../iterate-until.ts';
import { returnPiece } from '../lent-pieces.ts';
import { CHUNK_BYTES, CHUNK_HEADER_BYTES } from './chunks.ts';

/** A row that is to be sealed: room for its header, then the bytes of the blob. */
export interface CutChunk {
  readonly row: Buffer;
  /** Whether the body ends with it. */
  readonly isLast: boolean;
}

/**
 * Cuts a body into rows of chunks, each in a buffer of its own: full ones but for the last. A full chunk is given out
 * when the body goes on or ends, so that the last one is known. A body of no bytes has none. Pieces are returned.
 * Ends with the signal's reason as soon as it fires, although the body may wait.
 */
export async function* cutIntoChunks(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<CutChunk> {
  let row: Buffer | undefined;
  let end = 0;
  for await (const piece of iterateUntil(body, signal)) {
    for (let taken = 0; taken < piece.length; ) {
      if (row !== undefined && end === row.length) {
        yield { row, isLast: false };
        row = undefined;
      }
      if (row === undefined) {
        row = Buffer.allocUnsafeSlow(CHUNK_HEADER_BYTES + CHUNK_BYTES);
        end = CHUNK_HEADER_BYTES;
      }
      const part = piece.subarray(taken, taken + row.length - end);
      row.set(part, end);
      end += part.length;
      taken += part.length;
    }
    returnPiece(piece);
  }
  if (row !== undefined) yield { row: row.subarray(0, end), isLast: true };
}
