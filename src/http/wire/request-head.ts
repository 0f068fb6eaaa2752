import { S3Error } from '../../domain/s3-error.ts';

/** What stands before the body of a request: its line and its headers. */
export interface RequestHead {
  readonly method: string;
  /** The request target as it was sent, one character a byte. */
  readonly target: string;
  /** Names and values by turns, as they came, one character a byte; values without the white space around them. */
  readonly rawHeaders: readonly string[];
  readonly body: BodyFraming;
  /** Whether the connection is to serve another request after this one. */
  readonly isPersistent: boolean;
  /** The client sends its body only when it is told to (`Expect: 100-continue`). */
  readonly awaitsContinue: boolean;
}

/** Where the body of a request ends. Source: https://www.rfc-editor.org/rfc/rfc9112#section-6.3 */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' };

const NO_BODY: BodyFraming = { kind: 'none' };
const CHUNKED: BodyFraming = { kind: 'chunked' };
/** `method SP request-target SP HTTP-version`. A target is not looked into here, but holds neither space nor control. */
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.([01])$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A name, a colon and a value; no control but a tab, and neither half of a line's end. Linear in any line. */
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*((?:[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*)?)$/;
/** Of more bytes than any body may have; one with as many digits is told so by its operation. */
const LENGTH = /^[0-9]{1,16}$/;
/** Options in the values of `Connection`, one after the other with commas between. */
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i;
const LINE_END = '\r\n';
const SPACE = 0x20;
const TAB = 0x09;

/**
 * Parses a head: `text` is all of it, one character a byte, up to and with the end of its last line.
 *
 * Of what can be read in two ways nothing is accepted, for another parser before this one may have read the other: no
 * folded or unfinished lines, no space before a colon, one Host, one length, no length and no tab beside a coding.
 * Errors: BadRequest, MethodNotAllowed (CONNECT), NotImplemented (a transfer coding other than chunked).
 * Source: https://www.rfc-editor.org/rfc/rfc9112
 */
export function parseRequestHead(text: string): RequestHead {
  const lines = text.split(LINE_END);
  if (lines.pop() !== '') throw malformed('Each line of its head ends with CR and LF.');
  const { method, target, minor } = parseRequestLine(lines[0] ?? '');
  const rawHeaders: string[] = [];
  const framing = new Framing();
  for (let index = 1; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const match = HEADER_LINE.exec(line);
    const name = match?.[1];
    const start = match?.[2];
    if (name === undefined || start === undefined) {
      throw malformed('A header is a name, a colon and a value, without control characters, on a line of its own.');
    }
    const value = withoutBlanks(start);
    rawHeaders.push(name, value);
    framing.note(name, value, line);
  }
  return { method, target, rawHeaders, ...framing.settle(minor) };
}

/** The first line of a head, without its end. */
export function parseRequestLine(line: string): { readonly method: string; readonly target: string; minor: 0 | 1 } {
  const [, method, target, minor] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined) {
    throw malformed('It begins with a method, a target and HTTP/1.1, with one space between them.');
  }
  // Its target is no path, and what would follow it is no request.
  if (method === 'CONNECT') throw new S3Error('MethodNotAllowed', { elements: { Method: method } });
  return { method, target, minor: minor === '1' ? 1 : 0 };
}

/** Whether a head may begin with this byte; what may not is something else than HTTP, TLS for one. */
export function mayBeginHead(byte: number): boolean {
  return TOKEN.test(String.fromCharCode(byte));
}

/** What the headers say of the body, of the connection and of the host. */
class Framing {
  #length: string | undefined;
  #coding: string | undefined;
  #connection = '';
  #hosts = 0;
  #expects = false;

  note(name: string, value: string, line: string): void {
    switch (name.length) {
      case 4:
        if (name.toLowerCase() === 'host') this.#hosts += 1;
        return;
      case 6:
        if (name.toLowerCase() === 'expect') this.#expects ||= value.toLowerCase() === '100-continue';
        return;
      case 10:
        if (name.toLowerCase() === 'connection') this.#connection += `,${value}`;
        return;
      case 14:
        if (name.toLowerCase() === 'content-length') this.#noteLength(value);
        return;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') this.#noteCoding(value, line);
    }
  }

  settle(minor: 0 | 1): Pick<RequestHead, 'body' | 'isPersistent' | 'awaitsContinue'> {
    if (this.#hosts > 1) throw malformed('It names its host once.');
    if (minor === 1 && this.#hosts === 0) throw malformed('A request of HTTP/1.1 names its host.');
    if (this.#coding !== undefined && (minor === 0 || this.#length !== undefined)) {
      throw malformed(
        'Where its body ends is said by Content-Length or, in HTTP/1.1, by Transfer-Encoding: not by both.',
      );
    }
    return {
      body: this.#body(),
      isPersistent: !CLOSE.test(this.#connection) && (minor === 1 || KEEP_ALIVE.test(this.#connection)),
      awaitsContinue: this.#expects && minor === 1,
    };
  }

  #body(): BodyFraming {
    if (this.#coding !== undefined) return CHUNKED;
    const bytes = Number(this.#length ?? 0);
    return bytes === 0 ? NO_BODY : { kind: 'length', bytes };
  }

  #noteLength(value: string): void {
    if (this.#length !== undefined || !LENGTH.test(value)) {
      throw malformed('Content-Length is one number of bytes, in digits.');
    }
    this.#length = value;
  }

  #noteCoding(value: string, line: string): void {
    // Some parsers trim it; to others the coding is another one.
    if (line.includes('\t')) throw malformed('A tab stands beside its Transfer-Encoding.');
    if (this.#coding !== undefined || value.toLowerCase() !== 'chunked') {
      throw new S3Error('NotImplemented', { message: 'No Transfer-Encoding but chunked is implemented.' });
    }
    this.#coding = value;
  }
}

function withoutBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

export function malformed(why: string): S3Error {
  return new S3Error('BadRequest', { message: `The request is not well-formed HTTP. ${why}` });
}
