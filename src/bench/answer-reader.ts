/** An answer that came back whole. */
export interface Answer {
  readonly status: number;
  /** The status line and the headers. */
  readonly head: string;
  /** Without its framing; empty where it was compared as it came. */
  readonly body: Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = 0x0a;
const NO_BODY = Buffer.alloc(0);
/** Longest head, and longest body that is kept, in bytes. */
const HEAD_BYTES_MAX = 64 * 1024;
const KEPT_BYTES_MAX = 64 * 1024 ** 2;
/** Longest line between two chunks, in bytes. */
const LINE_BYTES_MAX = 4096;
/** Where the code stands in a status line: `HTTP/1.1 200 OK`. */
const STATUS_AT = { from: 9, to: 12 };
const STATUSES_WITHOUT_BODY: readonly number[] = [204, 304];

type Framing =
  | { readonly kind: 'length'; leftBytes: number }
  | { readonly kind: 'chunked'; expects: 'size' | 'data' | 'data-end' | 'trailers'; leftBytes: number; line: string };

/**
 * Reads one answer from the pieces in which it arrives, with as little work as it can. The body of a success is
 * compared with `expected`, where there is one, and not kept.
 *
 * Throws an `Error` in a sentence for a body that differs, is shorter or longer, and for what is no HTTP.
 */
export class AnswerReader {
  readonly #expected: Uint8Array | undefined;
  #head: Buffer | undefined = NO_BODY;
  #headText = '';
  #status = 0;
  #framing: Framing = { kind: 'length', leftBytes: 0 };
  #bodyBytes = 0;
  readonly #kept: Buffer[] = [];

  constructor(expected: Uint8Array | undefined) {
    this.#expected = expected;
  }

  /** Takes what arrived, which may change afterwards; true when the answer is whole. */
  take(bytes: Buffer): boolean {
    if (this.#head === undefined) return this.#takeBody(bytes);
    const head = Buffer.concat([this.#head, bytes]);
    const end = head.indexOf(HEAD_END);
    if (end < 0) {
      if (head.length > HEAD_BYTES_MAX) throw new Error(`The head is longer than ${HEAD_BYTES_MAX} bytes.`);
      this.#head = head;
      return false;
    }
    this.#head = undefined;
    this.#readHead(head.toString('latin1', 0, end));
    return this.#takeBody(head.subarray(end + HEAD_END.length));
  }

  /** To be asked once the answer is whole. */
  answer(): Answer {
    const expectedBytes = this.#isCompared ? (this.#expected?.length ?? 0) : this.#bodyBytes;
    if (this.#bodyBytes !== expectedBytes) {
      throw new Error(`The body has ${this.#bodyBytes} bytes and not ${expectedBytes}.`);
    }
    return { status: this.#status, head: this.#headText, body: Buffer.concat(this.#kept) };
  }

  get #isCompared(): boolean {
    return this.#expected !== undefined && this.#status < 300;
  }

  #readHead(head: string): void {
    this.#headText = head;
    this.#status = Number(head.slice(STATUS_AT.from, STATUS_AT.to));
    if (!(head.startsWith('HTTP/1.') && this.#status >= 200)) throw new Error('The answer is no answer of HTTP/1.1.');
    if (STATUSES_WITHOUT_BODY.includes(this.#status)) return;
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#framing = { kind: 'chunked', expects: 'size', leftBytes: 0, line: '' };
    } else {
      this.#framing = { kind: 'length', leftBytes: Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0) };
    }
  }

  #takeBody(bytes: Buffer): boolean {
    const framing = this.#framing;
    let at = 0;
    while (at < bytes.length) {
      if (isWhole(framing)) throw new Error('More came than the answer.');
      if (framing.kind === 'length' || framing.expects === 'data') {
        const piece = bytes.subarray(at, at + framing.leftBytes);
        this.#takeData(piece);
        at += piece.length;
        framing.leftBytes -= piece.length;
        if (framing.kind === 'chunked' && framing.leftBytes === 0) framing.expects = 'data-end';
      } else {
        at = takeLine(framing, bytes, at);
      }
    }
    return isWhole(framing);
  }

  #takeData(piece: Buffer): void {
    if (this.#isCompared) {
      const same = this.#expected?.subarray(this.#bodyBytes, this.#bodyBytes + piece.length);
      if (same === undefined || !piece.equals(same)) {
        throw new Error(`The body differs within the ${piece.length} bytes after byte ${this.#bodyBytes}.`);
      }
    } else {
      if (this.#bodyBytes + piece.length > KEPT_BYTES_MAX) {
        throw new Error(`The body is longer than ${KEPT_BYTES_MAX} bytes.`);
      }
      this.#kept.push(Buffer.from(piece));
    }
    this.#bodyBytes += piece.length;
  }
}

function isWhole(framing: Framing): boolean {
  return framing.leftBytes === 0 && (framing.kind === 'length' || framing.expects === 'data');
}

/** Takes what there is of a line between chunks; after the last one `data` of no bytes is expected. */
function takeLine(framing: Framing & { kind: 'chunked' }, bytes: Buffer, at: number): number {
  const end = bytes.indexOf(LINE_END, at);
  framing.line += bytes.toString('latin1', at, end < 0 ? bytes.length : end + 1);
  if (framing.line.length > LINE_BYTES_MAX) throw new Error(`A line of chunks is longer than ${LINE_BYTES_MAX} bytes.`);
  if (end < 0) return bytes.length;
  const line = framing.line.trim();
  framing.line = '';
  if (framing.expects === 'size') {
    const sizeBytes = Number.parseInt(line, 16);
    if (!(sizeBytes >= 0)) throw new Error('The size of a chunk is no number.');
    framing.leftBytes = sizeBytes;
    framing.expects = sizeBytes === 0 ? 'trailers' : 'data';
  } else if (framing.expects === 'data-end') {
    framing.expects = 'size';
  } else if (line === '') {
    framing.expects = 'data';
  }
  return end + 1;
}
