/**
 * How many frames each stream of this process may move in one read or write: as many as it wants while few are open,
 * fewer when many share, and always one. So what streams hold in buffers grows slowly with their number; many keep the
 * disk busy between them with smaller reads and writes.
 */
export class FrameShares {
  readonly #sharedFrames: number;
  #streamsCount = 0;

  constructor(sharedFrames: number) {
    this.#sharedFrames = sharedFrames;
  }

  /** Counts one stream, until it is disposed of. */
  open(): Disposable {
    this.#streamsCount += 1;
    let isOpen = true;
    return {
      [Symbol.dispose]: () => {
        if (isOpen) this.#streamsCount -= 1;
        isOpen = false;
      },
    };
  }

  /** The share of a stream that wants `mostFrames`, as it is now. */
  upTo(mostFrames: number): number {
    const share = Math.floor(this.#sharedFrames / Math.max(1, this.#streamsCount));
    return Math.max(1, Math.min(mostFrames, share));
  }
}
