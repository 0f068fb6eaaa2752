import { crc32c } from '@node-rs/crc32';
import type { BlobId } from '../../domain/names.ts';

/** Bytes of one frame in a blob's file: a CRC32C, then its payload. All are full but for the last of a blob. */
export const FRAME_BYTES = 256 * 1024;
const CHECKSUM_BYTES = 4;
/** Bytes of a blob in one frame. */
export const PAYLOAD_BYTES = FRAME_BYTES - CHECKSUM_BYTES;

/** The length of the file of a blob of this length. */
export function fileBytes(sizeBytes: number): number {
  return sizeBytes + Math.ceil(sizeBytes / PAYLOAD_BYTES) * CHECKSUM_BYTES;
}

/** Writes and checks the checksums of one blob's frames. */
export class FrameSeal {
  readonly #ofBlob: number;
  readonly #index = Buffer.alloc(4);

  constructor(id: BlobId) {
    this.#ofBlob = crc32c(Buffer.from(id, 'hex'));
  }

  /** Where the payload of a frame begins in its buffer. */
  static readonly payloadOffset = CHECKSUM_BYTES;

  /** Writes the checksum of a frame whose payload is in place. */
  seal(frame: Buffer, index: number): void {
    frame.writeUInt32LE(this.#checksum(frame, index), 0);
  }

  /** Whether the frame is the one that was written as frame `index` of this blob. */
  isSound(frame: Buffer, index: number): boolean {
    return frame.length > CHECKSUM_BYTES && frame.readUInt32LE(0) === this.#checksum(frame, index);
  }

  /** Of blob, place and payload, so that a frame in the wrong place is found out too. */
  #checksum(frame: Buffer, index: number): number {
    this.#index.writeUInt32LE(index);
    return crc32c(frame.subarray(CHECKSUM_BYTES), crc32c(this.#index, this.#ofBlob));
  }
}
