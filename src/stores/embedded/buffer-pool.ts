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

  /** Gives a buffer back; nobody may read or write it any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#keptMax) this.#free.push(buffer);
  }
}
