import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32, crc32c } from '@node-rs/crc32';
import { expect, test } from 'vitest';
import { collect, must, newBlobId, OPTIONS } from '../../../test/contract/drafts.ts';
import { makeTempDir } from '../../../test/support/temp-dir.ts';
import type { BlobId } from '../../domain/names.ts';
import { returnPiece } from '../lent-pieces.ts';
import { FRAME_BYTES, PAYLOAD_BYTES } from './blob-frames.ts';
import { EmbeddedBlobstore, openEmbeddedBlobstore } from './blobstore.ts';
import { DirectorySync } from './durable-directory.ts';
import { ALIGNED_FRAME_COUNT, ALIGNED_FRAMES } from './frame-buffers.ts';

const SIZE_BYTES = 2 * PAYLOAD_BYTES + 1000;
const CORRUPT = expect.objectContaining({ name: 'StoreError', kind: 'corrupt' });

const DAMAGES = [
  ['the checksum of a frame', 0],
  ['the first byte', 4],
  ['the last byte of a frame', FRAME_BYTES - 1],
  ['a byte of the second frame', FRAME_BYTES + 500],
  ['the last byte', 2 * FRAME_BYTES + 4 + 999],
] as const;
/** How the frames of a blob may be written: as they are now, and as earlier releases did. */
const WRITERS = [
  ['CRC32', writeBlob],
  ['CRC32C', writeEarlierBlob],
] as const;

test.each(
  WRITERS.flatMap(([crc, write]) => DAMAGES.map(([damage, position]) => [crc, damage, position, write] as const)),
)(
  'a blob in frames with a %s in which %s is wrong is corrupt, and what is wrong is never given out',
  async (_crc, _damage, position, write) => {
    await using dir = await makeTempDir();
    await using blobs = await openStore(dir.path);
    const id = await write(blobs, dir.path);
    await flip(dir.path, id, position);
    let readBytes = 0;
    const read = async (): Promise<void> => {
      for await (const bytes of blobs.read({ id, sizeBytes: SIZE_BYTES }, whole(), OPTIONS)) readBytes += bytes.length;
    };
    await expect(read()).rejects.toThrow(CORRUPT);
    expect(readBytes).toBe(Math.floor(position / FRAME_BYTES) * PAYLOAD_BYTES);
    expect(await blobs.verify({ id, sizeBytes: SIZE_BYTES }, { deep: true }, OPTIONS)).toBe('corrupt');
  },
);

test.each(WRITERS)('a blob in frames with a %s is read whole, and from any frame on', async (_, write) => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const blob = { id: await write(blobs, dir.path), sizeBytes: SIZE_BYTES };
  expect(await blobs.verify(blob, { deep: true }, OPTIONS)).toBe('sound');
  for (const offsetBytes of [0, PAYLOAD_BYTES - 5, PAYLOAD_BYTES, 2 * PAYLOAD_BYTES + 7]) {
    const range = { offsetBytes, lengthBytes: SIZE_BYTES - offsetBytes };
    const read = Buffer.concat(await collect(blobs.read(blob, range, OPTIONS)));
    expect(read.equals(bytesOf(SIZE_BYTES).subarray(offsetBytes))).toBe(true);
  }
});

test('frames are written with a CRC32 of blob, place and payload', async () => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const id = await writeBlob(blobs);
  const file = await readFile(pathOf(dir.path, id));
  expect(file.equals(framesOf(crc32, id, bytesOf(SIZE_BYTES)))).toBe(true);
});

test('a frame with another kind of checksum than those before it is corrupt', async () => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const id = await writeBlob(blobs);
  const path = pathOf(dir.path, id);
  const [now, earlier] = [await readFile(path), framesOf(crc32c, id, bytesOf(SIZE_BYTES))];
  await writeFile(path, Buffer.concat([now.subarray(0, FRAME_BYTES), earlier.subarray(FRAME_BYTES)]));
  expect(await blobs.verify({ id, sizeBytes: SIZE_BYTES }, { deep: true }, OPTIONS)).toBe('corrupt');
});

test('a blob that the system fails to read is unavailable: its bytes may be sound', async () => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const id = await writeBlob(blobs);
  const folder = dirname(pathOf(dir.path, id));
  await rm(folder, { recursive: true });
  await writeFile(folder, 'in its way');
  const reading = collect(blobs.read({ id, sizeBytes: SIZE_BYTES }, whole(), OPTIONS));
  await expect(reading).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable' });
});

test.each(WRITERS)(
  'a frame with a %s in the place of another, and the file of another blob, are corrupt',
  async (_, write) => {
    await using dir = await makeTempDir();
    await using blobs = await openStore(dir.path);
    const [one, other] = [await write(blobs, dir.path), await write(blobs, dir.path)];
    const path = pathOf(dir.path, one);
    const bytes = await readFile(path);
    const swapped = Buffer.concat([
      bytes.subarray(FRAME_BYTES, 2 * FRAME_BYTES),
      bytes.subarray(0, FRAME_BYTES),
      bytes.subarray(2 * FRAME_BYTES),
    ]);
    await writeFile(path, swapped);
    await writeFile(pathOf(dir.path, other), bytes);
    for (const id of [one, other]) {
      await expect(collect(blobs.read({ id, sizeBytes: SIZE_BYTES }, whole(), OPTIONS))).rejects.toThrow(CORRUPT);
    }
  },
);

test.each([0, 3, FRAME_BYTES, 2 * FRAME_BYTES + 500])('a file cut to %i bytes is corrupt', async (lengthBytes) => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const id = await writeBlob(blobs);
  await truncate(pathOf(dir.path, id), lengthBytes);
  await expect(collect(blobs.read({ id, sizeBytes: SIZE_BYTES }, whole(), OPTIONS))).rejects.toThrow(CORRUPT);
  expect(await blobs.verify({ id, sizeBytes: SIZE_BYTES }, { deep: false }, OPTIONS)).toBe('corrupt');
});

test('blobs that many write at one time, more than there is aligned memory for, are all sound', async () => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const ids = Array.from({ length: ALIGNED_FRAME_COUNT + 16 }, () => newBlobId());
  const { promise: allHaveBegun, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  const bytes = bytesOf(SIZE_BYTES);
  const slowBody = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 1000);
    begun += 1;
    if (begun === ids.length) resolve();
    await allHaveBegun;
    yield bytes.subarray(1000);
  };
  await Promise.all(ids.map((id) => blobs.write(id, slowBody(), OPTIONS)));
  for (const id of ids) {
    expect(await blobs.verify({ id, sizeBytes: SIZE_BYTES }, { deep: true }, OPTIONS)).toBe('sound');
  }
  expect(ALIGNED_FRAMES.freeCount).toBe(ALIGNED_FRAME_COUNT);
});

test('below the watermark writes are storage-full with figures, and reads and deletes work', async () => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const id = await writeBlob(blobs);
  await using full = await openStore(dir.path, Number.MAX_SAFE_INTEGER);
  const refused = { name: 'StoreError', kind: 'storage-full', message: expect.stringMatching(/\d+ bytes are free/) };
  await expect(writeBlob(full)).rejects.toMatchObject(refused);
  await expect(full.checkWritable(OPTIONS)).rejects.toMatchObject(refused);
  expect(await collect(full.read({ id, sizeBytes: SIZE_BYTES }, whole(), OPTIONS))).not.toHaveLength(0);
  await full.delete(id, OPTIONS);
  expect(await collect(full.list(OPTIONS))).toEqual([]);
});

test('a sync that fails ends the process: it is told once, nothing is acknowledged, and every later write fails', async () => {
  await using dir = await makeTempDir();
  const told: unknown[] = [];
  const failure = Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
  const broken = new DirectorySync({ sync: () => Promise.reject(failure), close: () => undefined });
  const options = { directory: dir.path, durability: 'strict', diskFreeBytesMin: 0 } as const;
  await using blobs = new EmbeddedBlobstore({ ...options, onFatal: (error) => told.push(error) }, broken);
  for (let round = 0; round < 2; round++) {
    await expect(writeBlob(blobs)).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable', cause: failure });
    await expect(blobs.checkWritable(OPTIONS)).rejects.toMatchObject({ kind: 'unavailable', cause: failure });
  }
  expect(told).toEqual([expect.objectContaining({ cause: failure })]);
  expect(await collect(blobs.list(OPTIONS))).toEqual([]);
});

test('an id is used once: a second write of it fails and leaves the first', async () => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const id = await writeBlob(blobs);
  await expect(blobs.write(id, bodyOf(Buffer.alloc(10)), OPTIONS)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(await blobs.verify({ id, sizeBytes: SIZE_BYTES }, { deep: true }, OPTIONS)).toBe('sound');
});

test('what else lies in the directory is not listed', async () => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const id = await writeBlob(blobs);
  await writeFile(join(dir.path, 'note.txt'), 'mine');
  await writeFile(join(dir.path, id.slice(0, 2), 'note.txt'), 'mine');
  expect((await collect(blobs.list(OPTIONS))).map((blob) => blob.id)).toEqual([id]);
});

test('a piece that was returned lends its buffer to a later read; the bytes of one that was not never change', async () => {
  await using dir = await makeTempDir();
  await using blobs = await openStore(dir.path);
  const [held, returned] = await pieces(blobs, await writeBlob(blobs));
  const copy = Buffer.from(must(held));
  returnPiece(must(returned));
  returnPiece(must(returned));
  const later = await Promise.all([1, 2].map(async () => await pieces(blobs, await writeBlob(blobs))));
  const usedAgain = later.flat().filter(({ buffer }) => buffer === returned?.buffer);
  expect(usedAgain).toHaveLength(1);
  expect(later.flat().map(({ buffer }) => buffer)).not.toContain(held?.buffer);
  expect(Buffer.compare(must(held), copy)).toBe(0);
});

async function pieces(blobs: EmbeddedBlobstore, id: BlobId): Promise<readonly Uint8Array[]> {
  const read: Uint8Array[] = [];
  for await (const piece of blobs.read({ id, sizeBytes: SIZE_BYTES }, whole(), OPTIONS)) read.push(piece);
  return read;
}

async function openStore(directory: string, diskFreeBytesMin = 0): Promise<EmbeddedBlobstore> {
  return await openEmbeddedBlobstore({ directory, durability: 'strict', diskFreeBytesMin });
}

async function writeBlob(blobs: EmbeddedBlobstore): Promise<BlobId> {
  const id = newBlobId();
  await blobs.write(id, bodyOf(bytesOf(SIZE_BYTES)), OPTIONS);
  return id;
}

async function writeEarlierBlob(blobs: EmbeddedBlobstore, directory: string): Promise<BlobId> {
  const id = await writeBlob(blobs);
  await writeFile(pathOf(directory, id), framesOf(crc32c, id, bytesOf(SIZE_BYTES)));
  return id;
}

/** The file of a blob, by hand. */
function framesOf(crc: typeof crc32, id: BlobId, bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let index = 0; index * PAYLOAD_BYTES < bytes.length; index++) {
    const payload = bytes.subarray(index * PAYLOAD_BYTES, (index + 1) * PAYLOAD_BYTES);
    const checksum = crc(payload, crc(Buffer.concat([Buffer.from(id, 'hex'), littleEndian(index)])));
    pieces.push(littleEndian(checksum), payload);
  }
  return Buffer.concat(pieces);
}

function littleEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function bytesOf(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = (index * 31 + (index >> 10)) & 0xff;
  return bytes;
}

async function* bodyOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

function whole(): { offsetBytes: number; lengthBytes: number } {
  return { offsetBytes: 0, lengthBytes: SIZE_BYTES };
}

function pathOf(directory: string, id: BlobId): string {
  return join(directory, id.slice(0, 2), id);
}

async function flip(directory: string, id: BlobId, position: number): Promise<void> {
  const bytes = await readFile(pathOf(directory, id));
  bytes[position] = must(bytes[position]) ^ 1;
  await writeFile(pathOf(directory, id), bytes);
}
