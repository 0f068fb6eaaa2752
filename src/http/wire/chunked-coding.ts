import { malformed } from './request-head.ts';

/** Longest line before a chunk, in bytes: its size in hex, and extensions, which are ignored. */
const SIZE_LINE_BYTES_MAX = 256;
/** All that follows the last chunk, in bytes. */
const TRAILER_BYTES_MAX = 16 * 1024;
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = String.raw`"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"`;
/** No white space stands around an extension: some parsers take it, others do not. */
const SIZE_LINE = new RegExp(`^([0-9a-fA-F]{1,13})(?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*$`);
const TRAILER_LINE = new RegExp(String.raw`^(${TOKEN}):[\t\x20-\x7e\x80-\xff]*$`);
/** What a head alone may say: some parsers take it from a trailer, and then read another request after it. */
const HEAD_ONLY = /^(?:content-length|transfer-encoding|connection)$/i;
const LINE_FEED = 0x0a;

/**
 * Frees a body of the chunked transfer coding: finds the pieces of its chunks as they come. Trailers are read over.
 *
 * Errors: BadRequest, where the coding is malformed; nothing can be read after that.
 * Source: https://www.rfc-editor.org/rfc/rfc9112#section-7.1
 */
export class ChunkedCoding {
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'end' = 'size';
  /** What is missing of the chunk. */
  #missingBytes = 0;
  /** What has come of a line, and of the trailer section, so far. */
  #line = '';
  #trailerBytes = 0;

  get isAtEnd(): boolean {
    return this.#state === 'end';
  }

  /** Tells `take` where pieces of the body begin and end; what is left after its end is returned. */
  decode(bytes: Buffer, take: (start: number, end: number) => void): Buffer | undefined {
    let position = 0;
    while (position < bytes.length) {
      if (this.#state === 'end') return bytes.subarray(position);
      position = this.#state === 'data' ? this.#takeData(bytes, position, take) : this.#takeLine(bytes, position);
    }
    return undefined;
  }

  #takeData(bytes: Buffer, position: number, take: (start: number, end: number) => void): number {
    const end = Math.min(bytes.length, position + this.#missingBytes);
    this.#missingBytes -= end - position;
    if (this.#missingBytes === 0) this.#state = 'data-end';
    take(position, end);
    return end;
  }

  /** Goes on to the next line feed, or to the end of what has come. */
  #takeLine(bytes: Buffer, position: number): number {
    const found = bytes.indexOf(LINE_FEED, position);
    const end = found === -1 ? bytes.length : found + 1;
    this.#line += bytes.toString('latin1', position, end);
    const bytesMax = this.#state === 'trailer' ? TRAILER_BYTES_MAX - this.#trailerBytes : SIZE_LINE_BYTES_MAX;
    if (this.#line.length > bytesMax) throw malformed('A line of its chunked coding is too long.');
    if (found === -1) return end;
    const line = this.#line;
    this.#line = '';
    if (!line.endsWith('\r\n')) throw malformed('A line of its chunked coding ends without CR and LF.');
    this.#readLine(line.slice(0, -2));
    return end;
  }

  #readLine(line: string): void {
    if (this.#state === 'size') {
      this.#missingBytes = parseSize(line);
      this.#state = this.#missingBytes === 0 ? 'trailer' : 'data';
    } else if (this.#state === 'data-end') {
      if (line !== '') throw malformed('A chunk is longer than its size says.');
      this.#state = 'size';
    } else if (line === '') {
      this.#state = 'end';
    } else {
      this.#trailerBytes += line.length + 2;
      checkTrailer(line);
    }
  }
}

function parseSize(line: string): number {
  const [, hex] = SIZE_LINE.exec(line) ?? [];
  if (hex === undefined) throw malformed('A chunk begins with its size in hex.');
  return Number.parseInt(hex, 16);
}

function checkTrailer(line: string): void {
  const [, name] = TRAILER_LINE.exec(line) ?? [];
  if (name === undefined) throw malformed('A trailer is a name, a colon and a value.');
  if (HEAD_ONLY.test(name)) throw malformed('A trailer says nothing of where the body ends or of the connection.');
}
