import { AlignedBuffers } from './aligned-buffers.ts';
import { FRAME_BYTES } from './blob-frames.ts';
import { BufferPool } from './buffer-pool.ts';
import { FrameShares } from './frame-shares.ts';

/** Frames that are kept for the next reader or writer: 32 MiB. */
const KEPT_FRAMES = 128;

/**
 * Buffers of one frame each. Made anew for each read they would cost more than the reading: the memory outside its heap
 * that they stand for makes V8 collect garbage, all of its heap, about once for 64 MiB.
 */
export const FRAME_BUFFERS = new BufferPool({ sizeBytes: FRAME_BYTES, keptMax: KEPT_FRAMES });

/** Of these writers take first: 16 MiB, twice what all writes share, for the next ones fill meanwhile. */
export const ALIGNED_FRAME_COUNT = 64;
export const ALIGNED_FRAMES = new AlignedBuffers({ sizeBytes: FRAME_BYTES, count: ALIGNED_FRAME_COUNT });

/** What the reads, or the writes, of all streams take of them together, while each takes more than one: 8 MiB. */
const SHARED_FRAMES = 32;

/** How many of those buffers a read or a write of a stream may take. */
export const FRAME_SHARES = new FrameShares(SHARED_FRAMES);
