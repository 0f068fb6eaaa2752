import type { BlobId } from '../../domain/names.ts';
import type { BlobCondition, BlobExtent, Blobstore, ByteRange } from '../blobstore.ts';
import { type CallOptions, StoreError } from '../store.ts';

/** A blobstore in a Map: the bytes of each blob in the pieces in which they came. */
export class MemoryBlobstore implements Blobstore {
  readonly description = 'memory: nothing survives the process';
  readonly #blobs = new Map<BlobId, MemoryBlob>();

  async write(id: BlobId, body: AsyncIterable<Uint8Array>, { signal }: CallOptions): Promise<{ sizeBytes: number }> {
    signal.throwIfAborted();
    if (this.#blobs.has(id)) throw new TypeError(`Blob ${id} was written before: an id is used once.`);
    const blob: MemoryBlob = { pieces: [], sizeBytes: 0 };
    this.#blobs.set(id, blob);
    try {
      for await (const piece of untilAborted(body, signal)) {
        blob.pieces.push(new Uint8Array(piece));
        blob.sizeBytes += piece.length;
      }
    } catch (error) {
      if (this.#blobs.get(id) === blob) this.#blobs.delete(id);
      throw error;
    }
    return { sizeBytes: blob.sizeBytes };
  }

  async *read(extent: BlobExtent, range: ByteRange, { signal }: CallOptions): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    const endBytes = range.offsetBytes + range.lengthBytes;
    if (range.offsetBytes < 0 || range.lengthBytes < 0 || endBytes > extent.sizeBytes) {
      throw new RangeError(`The range ${range.offsetBytes}–${endBytes} leaves a blob of ${extent.sizeBytes} bytes.`);
    }
    const blob = this.#blobs.get(extent.id);
    if (blob?.sizeBytes !== extent.sizeBytes) {
      const found = blob === undefined ? 'is missing' : `has ${blob.sizeBytes} bytes`;
      throw new StoreError('corrupt', `Blob ${extent.id} of ${extent.sizeBytes} bytes ${found}.`);
    }
    let pieceStartBytes = 0;
    for (const piece of blob.pieces) {
      if (pieceStartBytes >= endBytes) return;
      const start = Math.max(range.offsetBytes - pieceStartBytes, 0);
      const end = Math.min(endBytes - pieceStartBytes, piece.length);
      if (start < end) {
        signal.throwIfAborted();
        yield piece.subarray(start, end);
      }
      pieceStartBytes += piece.length;
    }
  }

  async delete(id: BlobId, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    this.#blobs.delete(id);
  }

  async verify(extent: BlobExtent, _check: { deep: boolean }, { signal }: CallOptions): Promise<BlobCondition> {
    signal.throwIfAborted();
    const blob = this.#blobs.get(extent.id);
    if (blob === undefined) return 'missing';
    return blob.sizeBytes === extent.sizeBytes ? 'sound' : 'corrupt';
  }

  async *list({ signal }: CallOptions): AsyncIterable<{ readonly id: BlobId; readonly storedBytes: number }> {
    signal.throwIfAborted();
    for (const [id, { sizeBytes }] of this.#blobs) {
      yield { id, storedBytes: sizeBytes };
      signal.throwIfAborted();
    }
  }

  async checkWritable({ signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
  }

  /** Forgets every blob. A read or write that is under way goes on by itself. */
  reset(): void {
    this.#blobs.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reset();
  }
}

interface MemoryBlob {
  readonly pieces: Uint8Array[];
  sizeBytes: number;
}

/** `body` until `signal` fires, which ends it although the body may be waiting for its next piece. */
async function* untilAborted(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const aborted = Promise.withResolvers<never>();
  // A rejection that nobody awaits any more is no error.
  aborted.promise.catch(() => undefined);
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort);
  const iterator = body[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const result = await Promise.race([iterator.next(), aborted.promise]);
      if (result.done === true) break;
      yield result.value;
      signal.throwIfAborted();
    }
    ended = true;
  } finally {
    signal.removeEventListener('abort', abort);
    // Not awaited: a body that waits for its next piece answers only after that.
    if (!ended) void iterator.return?.().catch(() => undefined);
  }
}
