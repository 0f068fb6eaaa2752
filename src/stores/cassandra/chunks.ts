import { crc32c } from '@node-rs/crc32';
import type { BlobId } from '../../domain/names.ts';
import type { Key } from './cells.ts';

/** Bytes of a chunk, a row; the last one of a blob is shorter. */
export const CHUNK_BYTES = 256 * 1024;
/** Chunks of a block, a partition. */
export const BLOCK_CHUNKS = 16;
export const BLOCK_BYTES = BLOCK_CHUNKS * CHUNK_BYTES;

const FORMAT = 1;
/** Bytes of a row before those of the blob: the format, then a CRC32C of whose bytes these are, where, and what. */
export const CHUNK_HEADER_BYTES = 5;

/** Where a chunk lies. */
export interface ChunkPlace {
  readonly id: BlobId;
  /** Counts from 0 through the blob. */
  readonly index: number;
}

export function blockOf({ index }: ChunkPlace): number {
  return Math.floor(index / BLOCK_CHUNKS);
}

/** The partition of a chunk. */
export function partitionOf(store: string, place: ChunkPlace): Key {
  return [store, place.id, blockOf(place)];
}

export function rowKeyOf({ index }: ChunkPlace): Key {
  return [index % BLOCK_CHUNKS];
}

/** How long a chunk of a blob is, in bytes. */
export function chunkBytes({ sizeBytes }: { readonly sizeBytes: number }, index: number): number {
  return Math.min(CHUNK_BYTES, sizeBytes - index * CHUNK_BYTES);
}

/** Writes the header of a row whose payload is in place behind it, so that no byte is copied once more. */
export function sealChunk(place: ChunkPlace, row: Buffer): void {
  row[0] = FORMAT;
  row.writeUInt32LE(checksumOf(place, row.subarray(CHUNK_HEADER_BYTES)), 1);
}

/** The bytes of a chunk that must be `lengthBytes` long, or `undefined` where the row is not what was written. */
export function openChunk(place: ChunkPlace, row: Uint8Array, lengthBytes: number): Uint8Array | undefined {
  if (row.length !== CHUNK_HEADER_BYTES + lengthBytes || row[0] !== FORMAT) return undefined;
  const payload = row.subarray(CHUNK_HEADER_BYTES);
  const expected = new DataView(row.buffer, row.byteOffset, row.byteLength).getUint32(1, true);
  return checksumOf(place, payload) === expected ? payload : undefined;
}

function checksumOf({ id, index }: ChunkPlace, payload: Uint8Array): number {
  return crc32c(payload, crc32c(`${id}/${index}`));
}
