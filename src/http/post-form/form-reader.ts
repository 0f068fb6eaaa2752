import { S3Error } from '../../domain/s3-error.ts';
import { headerText } from '../../operations/headers/header-text.ts';
import type { ByteSource } from '../byte-source.ts';

/** Largest sum of the names and values of all fields, in bytes. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html */
export const FIELDS_BYTES_MAX = 20 * 1024;
/** All that may stand before the file: fields, their headers and boundaries. */
const PREAMBLE_BYTES_MAX = 128 * 1024;
/** One header of a part. */
const HEADER_BYTES_MAX = 4 * 1024;
/** Behind pieces smaller than this there is room for more of them. */
const SMALL_PIECE_BYTES = 1024;
const ROOM_BYTES_MIN = 4 * 1024;
/** A boundary has at most 70 characters. Source: https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1 */
const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;",]{1,70}))/i;
const DISPOSITION = /^content-disposition:\s*form-data\s*(?<parameters>;.*)$/i;
const PARAMETER = /;\s*(?<name>[\w*-]+)=(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<token>[^;\s]*))\s*/gy;
const FILE = 'file';
const LINE_END = Buffer.from('\r\n');

/** A browser form up to its file, whose bytes are read on demand. What stands behind the file is not looked at. */
export interface PostForm {
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>;
  /** As the browser names it, without folders; '' where it does not. */
  readonly filename: string;
  /** Throws MalformedPOSTRequest where the form ends within the file, and what the source throws. */
  readonly file: AsyncIterable<Uint8Array>;
}

interface PartHead {
  /** In lower case. */
  readonly name: string;
  readonly filename: string;
}

/**
 * Reads a `multipart/form-data` body as far as the file, which is the part named `file`, whatever else has a file name.
 *
 * Errors: MalformedPOSTRequest, IncorrectNumberOfFilesInPostRequest (no file), InvalidArgument (a field twice),
 *   MaxPostPreDataLengthExceededError 400, and what the source throws.
 * Source: https://www.rfc-editor.org/rfc/rfc7578
 */
export async function readPostForm(source: ByteSource, contentType: string): Promise<PostForm> {
  const [, quoted, token] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? token;
  if (boundary === undefined) throw malformed('Its Content-Type names no boundary.');
  const reader = new PartReader(source, boundary);
  await reader.skipPreamble();
  const fields = new Map<string, string>();
  let fieldsBytes = 0;
  for (let head = await reader.head(); head !== undefined; head = await reader.head()) {
    const { name, filename } = head;
    if (name === FILE) return { fields, filename, file: reader.file() };
    if (fields.has(name)) {
      throw new S3Error('InvalidArgument', {
        message: `A form has each field once: ${name} stands twice.`,
        elements: { ArgumentName: name },
      });
    }
    const value = await reader.value();
    fieldsBytes += name.length + value.length;
    if (fieldsBytes > FIELDS_BYTES_MAX) throw fieldsTooLarge();
    fields.set(name, headerText(value));
  }
  throw new S3Error('IncorrectNumberOfFilesInPostRequest');
}

/** Cuts a body at its boundaries, holding little more than one piece of it in memory. */
class PartReader {
  readonly #source: ByteSource;
  /** What ends a part: the line end before a boundary belongs to it. */
  readonly #delimiter: Buffer;
  /** Bytes not consumed yet. The first boundary has no line before it, so a line end is put there. */
  #rest: Buffer = LINE_END;
  /** Where `#rest` lies, and more may be put behind it. */
  #room: Buffer = Buffer.alloc(0);
  #consumedBytes = 0;

  constructor(source: ByteSource, boundary: string) {
    this.#source = source;
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  }

  async skipPreamble(): Promise<void> {
    await this.#takeBefore(this.#delimiter, PREAMBLE_BYTES_MAX);
  }

  /** The head of the part behind the boundary that was consumed last; `undefined` where that ends the form. */
  async head(): Promise<PartHead | undefined> {
    while (this.#rest.length < 2) await this.#readMore();
    if (this.#rest.toString('latin1', 0, 2) === '--') return undefined;
    if ((await this.#takeLine()).trim() !== '') throw malformed('A boundary is followed by something else.');
    let head: PartHead | undefined;
    for (let line = await this.#takeLine(); line !== ''; line = await this.#takeLine()) {
      head ??= parseDisposition(headerText(line));
    }
    if (head === undefined) throw malformed('A part has no Content-Disposition: form-data with a name.');
    return head;
  }

  /** The value of a field, one character a byte, and the boundary behind it. */
  value(): Promise<string> {
    return this.#takeBefore(this.#delimiter, FIELDS_BYTES_MAX);
  }

  /** The bytes before the next boundary. */
  async *file(): AsyncGenerator<Uint8Array> {
    const delimiter = this.#delimiter;
    for (;;) {
      const found = this.#rest.indexOf(delimiter);
      const readyBytes = found === -1 ? this.#rest.length - delimiter.length + 1 : found;
      if (readyBytes > 0) {
        yield this.#rest.subarray(0, readyBytes);
        this.#rest = this.#rest.subarray(readyBytes);
      }
      if (found !== -1) return;
      await this.#readMore();
    }
  }

  #takeLine(): Promise<string> {
    return this.#takeBefore(LINE_END, HEADER_BYTES_MAX);
  }

  /** Consumes what stands before `end`, which is given back, and `end`. */
  async #takeBefore(end: Buffer, bytesMax: number): Promise<string> {
    for (let searchedBytes = 0; ; ) {
      const found = this.#rest.indexOf(end, searchedBytes);
      if ((found === -1 ? this.#rest.length - end.length : found) > bytesMax) throw fieldsTooLarge();
      if (found !== -1) {
        const taken = this.#rest.toString('latin1', 0, found);
        this.#rest = this.#rest.subarray(found + end.length);
        this.#consumedBytes += found + end.length;
        if (this.#consumedBytes > PREAMBLE_BYTES_MAX) throw fieldsTooLarge();
        return taken;
      }
      searchedBytes = Math.max(0, this.#rest.length - end.length + 1);
      await this.#readMore();
    }
  }

  /** Small pieces go behind what is there already, so that a body that comes byte by byte is not copied for each. */
  async #readMore(): Promise<void> {
    const piece = await this.#source.next();
    if (piece === undefined) throw malformed('It ends before its last boundary.');
    const restBytes = this.#rest.length;
    const start = this.#rest.byteOffset - this.#room.byteOffset;
    const isWithin = this.#rest.buffer === this.#room.buffer && start >= 0;
    if (isWithin && start + restBytes + piece.length <= this.#room.length) {
      this.#room.set(piece, start + restBytes);
      this.#rest = this.#room.subarray(start, start + restBytes + piece.length);
      return;
    }
    const bytes = restBytes + piece.length;
    this.#room = Buffer.allocUnsafeSlow(piece.length < SMALL_PIECE_BYTES ? Math.max(2 * bytes, ROOM_BYTES_MIN) : bytes);
    this.#room.set(this.#rest, 0);
    this.#room.set(piece, restBytes);
    this.#rest = this.#room.subarray(0, bytes);
  }
}

function parseDisposition(line: string): PartHead | undefined {
  const text = DISPOSITION.exec(line)?.groups?.['parameters'];
  if (text === undefined) return undefined;
  const parameters = new Map<string, string>();
  for (const { groups = {} } of text.matchAll(PARAMETER)) {
    const value = groups['quoted']?.replace(/\\(["\\])/g, '$1') ?? groups['token'] ?? '';
    parameters.set((groups['name'] ?? '').toLowerCase(), value);
  }
  const name = parameters.get('name');
  if (name === undefined || name === '') return undefined;
  const filename = parseExtended(parameters.get('filename*')) ?? parameters.get('filename') ?? '';
  return { name: name.toLowerCase(), filename: filename.replace(/^.*[/\\]/s, '') };
}

/** Source: https://www.rfc-editor.org/rfc/rfc8187 */
function parseExtended(text: string | undefined): string | undefined {
  const encoded = /^utf-8'[^']*'(?<value>.*)$/i.exec(text ?? '')?.groups?.['value'];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

export function fieldsTooLarge(): S3Error {
  return new S3Error('MaxPostPreDataLengthExceededError', {
    message: `Your POST request fields preceding the upload file were too large: they have at most ${FIELDS_BYTES_MAX} bytes.`,
  });
}

function malformed(message: string): S3Error {
  return new S3Error('MalformedPOSTRequest', {
    message: `The body of your POST request is not well-formed multipart/form-data. ${message}`,
  });
}
