/** The unit in which WebAssembly counts memory. */
const WASM_PAGE_BYTES = 64 * 1024;

/** What is used of it; Node's types do not have it. */
declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
};

/**
 * Buffers that begin at a page of the system's memory, so that a disk can be written from them directly (O_DIRECT), and
 * that are used again. All lie in one memory of WebAssembly: it is the one kind in Node that begins at a page. The
 * system gives a page of it when that is first written.
 */
export class AlignedBuffers {
  readonly #sizeBytes: number;
  readonly #count: number;
  #memory: ArrayBuffer | undefined;
  readonly #free: Buffer[] = [];

  /** As many buffers as `count`, of a multiple of 64 KiB each. */
  constructor({ sizeBytes, count }: { sizeBytes: number; count: number }) {
    this.#sizeBytes = sizeBytes;
    this.#count = count;
  }

  /** How many could be taken now. */
  get freeCount(): number {
    return this.#free.length;
  }

  /** A buffer with any content; `undefined` where all are in use, or the system gives no memory of this kind. */
  take(): Buffer | undefined {
    if (this.#memory === undefined) this.#make();
    return this.#free.pop();
  }

  /** Whether a buffer, or what begins where it does, was taken here. */
  has({ buffer }: Uint8Array): boolean {
    return buffer === this.#memory && buffer.byteLength > 0;
  }

  /** Gives a buffer, or what begins where it does, back; nobody may read or write any of it any more. */
  give({ buffer, byteOffset }: Uint8Array): void {
    this.#free.push(Buffer.from(buffer, byteOffset, this.#sizeBytes));
  }

  #make(): void {
    const totalBytes = this.#count * this.#sizeBytes;
    this.#memory = pageAligned(totalBytes);
    // The one that is given back last is taken next, and the first one first of all: what few need stays small.
    for (let end = this.#memory.byteLength; end > 0; end -= this.#sizeBytes) {
      this.#free.push(Buffer.from(this.#memory, end - this.#sizeBytes, this.#sizeBytes));
    }
  }
}

/** Memory of that length, or of none, where the process may not have the room of addresses that goes with it. */
function pageAligned(lengthBytes: number): ArrayBuffer {
  const pages = lengthBytes / WASM_PAGE_BYTES;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer;
  } catch {
    return new ArrayBuffer(0);
  }
}
