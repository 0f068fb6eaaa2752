import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, opendir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobId, parseBlobId } from '../../domain/names.ts';
import type { BlobCondition, BlobExtent, Blobstore, ByteRange } from '../blobstore.ts';
import { iterateUntil } from '../iterate-until.ts';
import { returnPiece } from '../lent-pieces.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { BlobFile, FILE_MODE } from './blob-file.ts';
import { fileBytes } from './blob-frames.ts';
import { readFrames } from './blob-reader.ts';
import { BlobWriter } from './blob-writer.ts';
import { DiskSpace } from './disk-space.ts';
import { DirectorySync, type Durability, makeDirectory } from './durable-directory.ts';
import { FRAME_SHARES } from './frame-buffers.ts';
import { OpenFile } from './open-file.ts';
import { asFileError, fileError, fileSize, isNoFile, systemCode } from './system-error.ts';

export interface BlobstoreOptions {
  /** Made where it is missing. */
  readonly directory: string;
  readonly durability: Durability;
  /** Writes are refused while less is free, in bytes; unless given, 1 GiB or 2 % of a small disk. */
  readonly diskFreeBytesMin?: number;
  /** Called once, when the process must end: a sync failed, and no later one can be trusted. */
  readonly onFatal?: (error: StoreError) => void;
}

/** Blobs lie in 256 directories, by the first two digits of their ids. */
const SHARD_DIGITS = 2;
const SHARD = /^[0-9a-f]{2}$/;
const BLOB_ID = /^[0-9a-f]{32}$/;
/** Where something else than a file has a blob's name, it is neither followed nor waited for. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const DIRECTORY_MODE = 0o700;
const PROBE_PREFIX = 'probe-';

/** Where the file of a blob lies in the directory of its blobstore. */
export function blobPath(directory: string, id: BlobId): string {
  return join(directory, id.slice(0, SHARD_DIGITS), id);
}

/** Opens the blobstore of a directory; other processes may too. */
export async function openEmbeddedBlobstore(options: BlobstoreOptions): Promise<EmbeddedBlobstore> {
  const { directory, durability } = options;
  await makeDirectory(directory, durability);
  return new EmbeddedBlobstore(options, new DirectorySync(await OpenFile.open(directory, 'r')));
}

/**
 * Blobs as files named by their ids; a key never becomes a path.
 *
 * A blob is acknowledged when its bytes and its directory entry are synced. A sync that fails ends the process: it
 * is never repeated, for what it did not write may be gone from memory too.
 */
export class EmbeddedBlobstore implements Blobstore {
  readonly description: string;
  readonly #directory: string;
  readonly #isStrict: boolean;
  readonly #space: DiskSpace;
  readonly #top: DirectorySync;
  readonly #shards = new Map<string, Promise<DirectorySync>>();
  readonly #onFatal: ((error: StoreError) => void) | undefined;
  #failure: StoreError | undefined;

  /** Use `openEmbeddedBlobstore`. */
  constructor({ directory, durability, diskFreeBytesMin, onFatal }: BlobstoreOptions, top: DirectorySync) {
    this.description = `embedded: files in ${directory}, ${durability}`;
    this.#directory = directory;
    this.#isStrict = durability === 'strict';
    this.#space = new DiskSpace({ directory, freeBytesMin: diskFreeBytesMin });
    this.#top = top;
    this.#onFatal = onFatal;
  }

  async write(id: BlobId, body: AsyncIterable<Uint8Array>, { signal }: CallOptions): Promise<{ sizeBytes: number }> {
    signal.throwIfAborted();
    this.#requireSound();
    this.#space.requireFree();
    const shard = await this.#shard(id);
    const path = this.#path(id);
    using file = await BlobFile.create(path);
    try {
      const sizeBytes = await this.#fill(file, id, iterateUntil(body, signal));
      if (this.#isStrict) await this.#sync(path, [file.sync(), shard.sync()]);
      file.close();
      return { sizeBytes };
    } catch (error) {
      // Where it cannot be removed, reclaim finds it by its intent.
      await unlink(path).catch(() => undefined);
      throw error;
    }
  }

  async *read(blob: BlobExtent, range: ByteRange, options: CallOptions): AsyncGenerator<Uint8Array> {
    options.signal.throwIfAborted();
    try {
      using file = await OpenFile.open(this.#path(blob.id), READ_FLAGS);
      yield* readFrames(file, blob, range, options);
    } catch (error) {
      throw readError(blob.id, error);
    }
  }

  async delete(id: BlobId, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    this.#requireSound();
    const path = this.#path(id);
    try {
      await unlink(path);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return;
      throw fileError(`delete ${path}`, error);
    }
    // Or a power cut would bring back a file that the metastore has forgotten.
    if (this.#isStrict) await this.#sync(path, [(await this.#shard(id)).sync()]);
  }

  async verify(blob: BlobExtent, { deep }: { deep: boolean }, options: CallOptions): Promise<BlobCondition> {
    options.signal.throwIfAborted();
    const storedBytes = await fileSize(this.#path(blob.id));
    if (storedBytes === undefined) return 'missing';
    if (storedBytes !== fileBytes(blob.sizeBytes)) return 'corrupt';
    if (!deep) return 'sound';
    try {
      const whole = { offsetBytes: 0, lengthBytes: blob.sizeBytes };
      for await (const _ of this.read(blob, whole, options)) options.signal.throwIfAborted();
      return 'sound';
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'corrupt') throw error;
      return (await fileSize(this.#path(blob.id))) === undefined ? 'missing' : 'corrupt';
    }
  }

  async *list({ signal }: CallOptions): AsyncGenerator<{ readonly id: BlobId; readonly storedBytes: number }> {
    signal.throwIfAborted();
    for await (const shard of await opendir(this.#directory)) {
      if (!SHARD.test(shard.name)) continue;
      for await (const { name } of await opendir(join(this.#directory, shard.name))) {
        signal.throwIfAborted();
        const storedBytes = BLOB_ID.test(name) ? await fileSize(join(this.#directory, shard.name, name)) : undefined;
        if (storedBytes !== undefined) yield { id: parseBlobId(name), storedBytes };
      }
    }
  }

  async checkWritable({ signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    this.#requireSound();
    this.#space.requireFree();
    const path = join(this.#directory, PROBE_PREFIX + randomBytes(8).toString('hex'));
    try {
      await using file = await open(path, 'wx', FILE_MODE);
      await file.write('writable');
      if (this.#isStrict) await this.#sync(path, [file.datasync(), this.#top.sync()]);
      await unlink(path);
    } catch (error) {
      throw error instanceof StoreError ? error : fileError(`write ${path}`, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const shards = await Promise.all(this.#shards.values());
    for (const shard of [this.#top, ...shards]) await shard[Symbol.asyncDispose]();
  }

  /** Writes a body to its file, but does not sync it. */
  async #fill(file: BlobFile, id: BlobId, body: AsyncIterable<Uint8Array>): Promise<number> {
    using _stream = FRAME_SHARES.open();
    const writer = new BlobWriter(file, id);
    try {
      for await (const chunk of body) {
        this.#requireSound();
        // A long body must not take what the watermark keeps for others.
        this.#space.requireFree();
        await writer.add(chunk);
        returnPiece(chunk);
      }
      await writer.end();
      return writer.sizeBytes;
    } catch (error) {
      await writer.settle();
      throw error;
    }
  }

  #path(id: BlobId): string {
    return blobPath(this.#directory, id);
  }

  /** The directory of a blob, made and open. */
  #shard(id: BlobId): Promise<DirectorySync> {
    const name = id.slice(0, SHARD_DIGITS);
    const existing = this.#shards.get(name);
    if (existing !== undefined) return existing;
    const opening = this.#openShard(join(this.#directory, name));
    this.#shards.set(name, opening);
    opening.catch(() => this.#shards.delete(name));
    return opening;
  }

  async #openShard(path: string): Promise<DirectorySync> {
    try {
      await mkdir(path, { mode: DIRECTORY_MODE });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw fileError(`make ${path}`, error);
    }
    // Even where it was there: the process that made it may not have synced it yet.
    if (this.#isStrict) await this.#sync(path, [this.#top.sync()]);
    try {
      return new DirectorySync(await OpenFile.open(path, 'r'));
    } catch (error) {
      throw fileError(`open ${path}`, error);
    }
  }

  /** Waits for syncs of which none may fail. A disk that is full only then says so here, and harms nobody else. */
  async #sync(path: string, syncs: readonly Promise<void>[]): Promise<void> {
    const results = await Promise.allSettled(syncs);
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      const error = fileError(`sync ${path}`, result.reason);
      if (error.kind !== 'storage-full') this.#fail(error);
      throw error;
    }
  }

  #fail(error: StoreError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#onFatal?.(error);
  }

  #requireSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function readError(id: BlobId, error: unknown): unknown {
  if (systemCode(error) === 'ENOENT') return new StoreError('corrupt', `Blob ${id} is missing.`, { cause: error });
  if (isNoFile(error)) return new StoreError('corrupt', `Blob ${id} is no file.`, { cause: error });
  return asFileError(`read blob ${id}`, error);
}
