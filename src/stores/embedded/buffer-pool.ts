/** Buffers of one size that are used again, so that streaming does not make garbage. */
export class BufferPool {
  readonly #sizeBytes: number;
  readonly #keptMax: number;
  readonly #free: Buffer[] = [];

  /** Keeps at most `keptMax` buffers that nobody uses. */
  constructor({ sizeBytes, keptMax }: { sizeBytes: number; keptMax: number }) {
    this.#sizeBytes = sizeBytes;
    this.#keptMax = keptMax;
  }

  /** A buffer with any content. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#sizeBytes);
  }

  /** Gives a buffer, or any view of it, back; nobody may read or write any of it any more. */
  give({ buffer }: Uint8Array): void {
    if (this.#free.length < this.#keptMax) this.#free.push(Buffer.from(buffer));
  }
}

/** What follows the first `bytes` of these buffers. */
export function buffersAfter(buffers: readonly Buffer[], bytes: number): readonly Buffer[] {
  let skip = bytes;
  return buffers.flatMap((buffer) => {
    const part = buffer.subarray(skip);
    skip = Math.max(0, skip - buffer.length);
    return part.length === 0 ? [] : [part];
  });
}
