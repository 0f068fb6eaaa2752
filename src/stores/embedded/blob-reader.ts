import type { BlobExtent, ByteRange } from '../blobstore.ts';
import { lendPiece } from '../lent-pieces.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { FRAME_BYTES, FrameSeal, fileBytes, PAYLOAD_BYTES } from './blob-frames.ts';
import { buffersAfter } from './buffer-pool.ts';
import { FRAME_BUFFERS, FRAME_SHARES } from './frame-buffers.ts';
import type { OpenFile } from './open-file.ts';

/** Frames in one read: 1 MiB. */
const READ_FRAMES = 4;

/**
 * The bytes of a range, each frame verified before any of it is given out. Every piece has a buffer of its own, lent
 * (`returnPiece`), for a reply may still be sending one when it asks for the next. Throws `corrupt`.
 */
export async function* readFrames(
  file: OpenFile,
  blob: BlobExtent,
  range: ByteRange,
  { signal }: CallOptions,
): AsyncGenerator<Uint8Array> {
  const seal = new FrameSeal(blob.id);
  const end = range.offsetBytes + range.lengthBytes;
  const lastFrame = Math.ceil(end / PAYLOAD_BYTES);
  const endOfFile = fileBytes(blob.sizeBytes);
  using _stream = FRAME_SHARES.open();
  for (let first = Math.floor(range.offsetBytes / PAYLOAD_BYTES); first < lastFrame; ) {
    signal.throwIfAborted();
    const next = endOfRun(first, lastFrame);
    const start = first * FRAME_BYTES;
    const stop = Math.min(next * FRAME_BYTES, endOfFile);
    const buffers = takeBuffers(stop - start);
    const filledBytes = await fill(file, buffers, start);
    signal.throwIfAborted();
    for (const [count, frame] of buffers.entries()) {
      const index = first + count;
      if (filledBytes < stop - start || !seal.isSound(frame, index)) {
        throw new StoreError('corrupt', `Blob ${blob.id} is not what was written, at byte ${index * PAYLOAD_BYTES}.`);
      }
      const payload = frame.subarray(FrameSeal.payloadOffset);
      const offset = index * PAYLOAD_BYTES;
      const piece = payload.subarray(Math.max(0, range.offsetBytes - offset), Math.min(payload.length, end - offset));
      yield lendPiece(piece, () => FRAME_BUFFERS.give(frame));
    }
    first = next;
  }
}

/** Where a read that begins at a frame ends. One more frame is no reason to read again: a body of 1 MiB has four, and some bytes. */
function endOfRun(first: number, lastFrame: number): number {
  const end = first + FRAME_SHARES.upTo(READ_FRAMES);
  return end >= lastFrame - 1 ? lastFrame : end;
}

/** Buffers of so many bytes together, all of one frame but for the last. */
function takeBuffers(bytes: number): Buffer[] {
  const buffers: Buffer[] = [];
  for (let left = bytes; left > 0; left -= FRAME_BYTES) buffers.push(FRAME_BUFFERS.take().subarray(0, left));
  return buffers;
}

/** Fills the buffers from a place in the file; gives back how many bytes it found, fewer only where the file ends before. */
async function fill(file: OpenFile, buffers: readonly Buffer[], start: number): Promise<number> {
  let filled = 0;
  for (let rest = buffers; rest.length > 0; rest = buffersAfter(buffers, filled)) {
    const bytesRead = await file.readv(rest, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
