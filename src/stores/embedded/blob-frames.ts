import { crc32, crc32c } from '@node-rs/crc32';
import type { BlobId } from '../../domain/names.ts';

/** Bytes of one frame in a blob's file: a checksum, then its payload. All are full but for the last of a blob. */
export const FRAME_BYTES = 256 * 1024;
const CHECKSUM_BYTES = 4;
const INDEX_BYTES = 4;
/** Bytes of a blob in one frame. */
export const PAYLOAD_BYTES = FRAME_BYTES - CHECKSUM_BYTES;

/** The length of the file of a blob of this length. */
export function fileBytes(sizeBytes: number): number {
  return sizeBytes + Math.ceil(sizeBytes / PAYLOAD_BYTES) * CHECKSUM_BYTES;
}

type Crc = (bytes: Uint8Array, initial?: number) => number;

/** Writes and checks the checksums of one blob's frames: a CRC32 in each, or in each of an earlier blob a CRC32C. */
export class FrameSeal {
  /** Blob id, then the index of a frame. */
  readonly #place: Buffer;
  /** What the frames that are read may carry: one of the two from the first sound frame on. */
  #crcs: readonly Crc[] = [crc32, crc32c];

  constructor(id: BlobId) {
    this.#place = Buffer.concat([Buffer.from(id, 'hex'), Buffer.alloc(INDEX_BYTES)]);
  }

  /** Where the payload of a frame begins in its buffer. */
  static readonly payloadOffset = CHECKSUM_BYTES;

  /** Writes the checksum of a frame whose payload is in place. */
  seal(frame: Buffer, index: number): void {
    frame.writeUInt32LE(this.#checksum(crc32, frame, index), 0);
  }

  /** Whether the frame is the one that was written as frame `index` of this blob. */
  isSound(frame: Buffer, index: number): boolean {
    if (frame.length <= CHECKSUM_BYTES) return false;
    const written = frame.readUInt32LE(0);
    const crc = this.#crcs.find((each) => this.#checksum(each, frame, index) === written);
    if (crc === undefined) return false;
    this.#crcs = [crc];
    return true;
  }

  /** Of blob, place and payload, so that a frame in the wrong place is found out too. */
  #checksum(crc: Crc, frame: Buffer, index: number): number {
    this.#place.writeUInt32LE(index, this.#place.length - INDEX_BYTES);
    return crc(frame.subarray(CHECKSUM_BYTES), crc(this.#place));
  }
}
