import { LentParts } from '../stores/lent-pieces.ts';
import type { ByteSource } from './byte-source.ts';

const LINE_FEED = 0x0a;

/** A piece of the source, and what is taken of it. */
interface BegunPiece {
  readonly bytes: Uint8Array;
  readonly parts: LentParts;
  /** Where what comes next begins. */
  position: number;
}

/** Reads lines and runs of bytes off a source, copying nothing but the few bytes of a line. */
export class ByteCursor {
  readonly #source: ByteSource;
  #begun: BegunPiece | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** At most `bytesMax` bytes, as many as are at hand; `undefined` at the end. Whoever has read them may return them. */
  async take(bytesMax: number): Promise<Uint8Array | undefined> {
    const piece = await this.#current();
    if (piece === undefined) return undefined;
    const { bytes, parts, position: start } = piece;
    if (start === 0 && bytes.length <= bytesMax) {
      // The piece itself: not looked at here any more.
      this.#begun = undefined;
      return bytes;
    }
    piece.position = Math.min(bytes.length, start + bytesMax);
    return parts.part(start, piece.position);
  }

  /**
   * The bytes before the next line feed, one character each, and skips it; `undefined` where the source ends before
   * one. Gives up once a line is longer than `bytesMax`.
   */
  async takeLine(bytesMax: number): Promise<{ readonly bytes: string } | 'too-long' | undefined> {
    let line = '';
    for (;;) {
      const piece = await this.#current();
      if (piece === undefined) return undefined;
      const { bytes, position: start } = piece;
      const found = bytes.indexOf(LINE_FEED, start);
      const end = found === -1 ? bytes.length : found;
      if (line.length + end - start > bytesMax) return 'too-long';
      line += Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
      piece.position = found === -1 ? end : end + 1;
      if (found !== -1) return { bytes: line };
    }
  }

  /** The piece that holds the next byte; `undefined` at the end. */
  async #current(): Promise<BegunPiece | undefined> {
    while (this.#begun === undefined || this.#begun.position === this.#begun.bytes.length) {
      this.#begun?.parts.end();
      this.#begun = undefined;
      const bytes = await this.#source.next();
      if (bytes === undefined) return undefined;
      this.#begun = { bytes, parts: new LentParts(bytes), position: 0 };
    }
    return this.#begun;
  }
}
