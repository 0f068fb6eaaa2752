import { createHash } from 'node:crypto';
import type { BlobId } from '../../src/domain/names.ts';
import type { BlobExtent, Blobstore, ByteRange } from '../../src/stores/blobstore.ts';
import { collect, newBlobId, OPTIONS } from './drafts.ts';

/** Bytes of which no two stretches are alike; `seed` makes others. */
export function pattern(sizeBytes: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let index = 0; index < sizeBytes; index++)
    bytes[index] = (index * 31 + (index >>> 8) * 7 + (index >>> 16) + seed) & 0xff;
  return bytes;
}

export async function* streamOf(pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* pieces;
}

export async function writeBlob(store: Blobstore, bytes: Uint8Array, pieceBytes = bytes.length): Promise<BlobExtent> {
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += pieceBytes) pieces.push(bytes.subarray(start, start + pieceBytes));
  const id = newBlobId();
  return { id, ...(await store.write(id, streamOf(pieces), OPTIONS)) };
}

export function whole(blob: BlobExtent): ByteRange {
  return { offsetBytes: 0, lengthBytes: blob.sizeBytes };
}

export async function readAll(store: Blobstore, blob: BlobExtent): Promise<Uint8Array> {
  return new Uint8Array(Buffer.concat(await collect(store.read(blob, whole(blob), OPTIONS))));
}

export async function listIds(store: Blobstore): Promise<BlobId[]> {
  return (await collect(store.list(OPTIONS))).map(({ id }) => id);
}

export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
