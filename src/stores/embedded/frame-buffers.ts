import { FRAME_BYTES } from './blob-frames.ts';
import { BufferPool } from './buffer-pool.ts';

/** Frames that are kept for the next reader or writer: 32 MiB. */
const KEPT_FRAMES = 128;

/**
 * Buffers of one frame each. Made anew for each read they would cost more than the reading: the memory outside its heap
 * that they stand for makes V8 collect garbage, all of its heap, about once for 64 MiB.
 */
export const FRAME_BUFFERS = new BufferPool({ sizeBytes: FRAME_BYTES, keptMax: KEPT_FRAMES });
