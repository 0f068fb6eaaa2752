import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';

const PIECE = Buffer.alloc(1024 ** 2);
export const MIB = 1024 ** 2;

/** `sizeBytes` bytes that do not compress, in pieces of at most 1 MiB; the same ones for the same seed. */
export function* randomBytesOf(seed: string, sizeBytes: number): Generator<Buffer> {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  for (let left = sizeBytes; left > 0; left -= PIECE.length) {
    yield cipher.update(left < PIECE.length ? PIECE.subarray(0, left) : PIECE);
  }
}

/** Writes a file of `sizeBytes` random bytes, with the folders above it. */
export async function writeRandomFile(path: string, sizeBytes: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await pipeline(randomBytesOf(path, sizeBytes), createWriteStream(path));
}

/** Writes `count` small files of 0 bytes to 8 KiB into 20 folders, some with names that need escaping. */
export async function writeTree(folder: string, count: number): Promise<void> {
  const odd = ['plain', 'with space', 'plus+and&more', 'ünïcödé', '日本語', '%41percent', "quote'd"];
  for (let index = 0; index < count; index += 1) {
    const path = join(folder, `folder-${index % 20}`, `${odd[index % odd.length]}-${index}.bin`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, Buffer.concat([...randomBytesOf(path, (index * 37) % 8192)]));
  }
}

/** The SHA-256 of every file below `folder`, by its path from there. */
export async function digestTree(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const digests: Record<string, string> = {};
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    digests[relative(folder, path)] = await digestFile(path);
  }
  return digests;
}

export async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: MIB })) hash.update(piece);
  return hash.digest('hex');
}
