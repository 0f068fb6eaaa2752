import type { ByteSource } from './byte-source.ts';

const LINE_FEED = 0x0a;

/** Reads lines and runs of bytes off a source, copying nothing but the few bytes of a line. */
export class ByteCursor {
  readonly #source: ByteSource;
  #piece: Uint8Array | undefined;
  #position = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** At most `bytesMax` bytes, as many as are at hand; `undefined` at the end. */
  async take(bytesMax: number): Promise<Uint8Array | undefined> {
    const piece = await this.#current();
    if (piece === undefined) return undefined;
    if (this.#position === 0 && piece.length <= bytesMax) {
      // The piece itself, which whoever reads it may return: not looked at here any more.
      this.#piece = undefined;
      return piece;
    }
    const end = Math.min(piece.length, this.#position + bytesMax);
    const taken = piece.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  /**
   * The bytes before the next line feed, one character each, and skips it; `undefined` where the source ends before
   * one. Gives up once a line is longer than `bytesMax`.
   */
  async takeLine(bytesMax: number): Promise<{ readonly bytes: string } | 'too-long' | undefined> {
    let bytes = '';
    for (;;) {
      const piece = await this.#current();
      if (piece === undefined) return undefined;
      const found = piece.indexOf(LINE_FEED, this.#position);
      const end = found === -1 ? piece.length : found;
      if (bytes.length + end - this.#position > bytesMax) return 'too-long';
      bytes += Buffer.from(piece.buffer, piece.byteOffset + this.#position, end - this.#position).toString('latin1');
      this.#position = found === -1 ? end : end + 1;
      if (found !== -1) return { bytes };
    }
  }

  /** The piece that holds the next byte; `undefined` at the end. */
  async #current(): Promise<Uint8Array | undefined> {
    while (this.#piece === undefined || this.#position === this.#piece.length) {
      this.#piece = await this.#source.next();
      this.#position = 0;
      if (this.#piece === undefined) return undefined;
    }
    return this.#piece;
  }
}
