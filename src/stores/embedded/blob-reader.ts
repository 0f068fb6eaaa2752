import type { FileHandle } from 'node:fs/promises';
import type { BlobExtent, ByteRange } from '../blobstore.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { FRAME_BYTES, FrameSeal, fileBytes, PAYLOAD_BYTES } from './blob-frames.ts';

/** Frames in one read. */
const READ_FRAMES = 4;

/**
 * The bytes of a range, each frame verified before any of it is given out. Every piece has a buffer of its own, for
 * a reply may still be sending one when it asks for the next. Throws `corrupt`.
 */
export async function* readFrames(
  file: FileHandle,
  blob: BlobExtent,
  range: ByteRange,
  { signal }: CallOptions,
): AsyncGenerator<Uint8Array> {
  const seal = new FrameSeal(blob.id);
  const end = range.offsetBytes + range.lengthBytes;
  const lastFrame = Math.ceil(end / PAYLOAD_BYTES);
  for (let first = Math.floor(range.offsetBytes / PAYLOAD_BYTES); first < lastFrame; first += READ_FRAMES) {
    signal.throwIfAborted();
    const start = first * FRAME_BYTES;
    const stop = Math.min(Math.min(first + READ_FRAMES, lastFrame) * FRAME_BYTES, fileBytes(blob.sizeBytes));
    const bytes = await readFully(file, start, stop);
    signal.throwIfAborted();
    for (let index = first; (index - first) * FRAME_BYTES < stop - start; index++) {
      const frame = bytes.subarray((index - first) * FRAME_BYTES, (index - first + 1) * FRAME_BYTES);
      if (bytes.length < stop - start || !seal.isSound(frame, index)) {
        throw new StoreError('corrupt', `Blob ${blob.id} is not what was written, at byte ${index * PAYLOAD_BYTES}.`);
      }
      const payload = frame.subarray(FrameSeal.payloadOffset);
      const offset = index * PAYLOAD_BYTES;
      yield payload.subarray(Math.max(0, range.offsetBytes - offset), Math.min(payload.length, end - offset));
    }
  }
}

/** Fewer bytes only where the file ends before. */
async function readFully(file: FileHandle, start: number, stop: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(stop - start);
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) return bytes.subarray(0, filled);
    filled += bytesRead;
  }
  return bytes;
}
