import { crc32c } from '@node-rs/crc32';
import { StoreError } from '../store.ts';

/** Largest row, in bytes: what S3 lets a client say about one object fits several times. */
export const ROW_BYTES_MAX = 32_000;

/** The layout of rows; a reader refuses any other. */
const ROW_FORMAT = 1;
const CHECKSUM_BYTES = 4;
const SCRATCH_BYTES = 64 * 1024;
/** Longest encoding of a safe integer in groups of seven bits. */
const INTEGER_BYTES_MAX = 8;

const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/**
 * Writes one row: a CRC32C of all that follows, the format, then values one after the other.
 * There is one scratch buffer: a row is finished before the next is begun, with no `await` between.
 */
export class RowWriter {
  #end = CHECKSUM_BYTES;

  constructor() {
    this.byte(ROW_FORMAT);
  }

  byte(value: number): this {
    this.#reserve(1);
    scratch[this.#end++] = value;
    return this;
  }

  /** A safe integer from 0 on, in groups of seven bits, lowest first. */
  integer(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no integer for a row.`);
    this.#reserve(INTEGER_BYTES_MAX);
    let rest = value;
    while (rest >= 0x80) {
      scratch[this.#end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    scratch[this.#end++] = rest;
    return this;
  }

  text(value: string): this {
    const lengthBytes = Buffer.byteLength(value);
    this.integer(lengthBytes);
    this.#reserve(lengthBytes);
    this.#end += scratch.write(value, this.#end, 'utf8');
    return this;
  }

  /** Bytes without their length: the reader knows it. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    scratch.set(bytes, this.#end);
    this.#end += bytes.length;
    return this;
  }

  /** Hex digits as bytes, without their length. */
  hex(digits: string): this {
    this.#reserve(digits.length / 2);
    this.#end += scratch.write(digits, this.#end, 'hex');
    return this;
  }

  /** The row, in a buffer of its own. */
  finish(): Buffer {
    scratch.writeUInt32LE(crc32c(scratch.subarray(CHECKSUM_BYTES, this.#end)), 0);
    return Buffer.from(scratch.subarray(0, this.#end));
  }

  #reserve(lengthBytes: number): void {
    if (this.#end + lengthBytes > ROW_BYTES_MAX) {
      throw new RangeError(`A row of the metastore has at most ${ROW_BYTES_MAX} bytes.`);
    }
  }
}

/** Reads what `RowWriter` wrote. Throws `corrupt` where the row is not what was written. */
export class RowReader {
  readonly #row: Buffer;
  #position = CHECKSUM_BYTES;

  constructor(row: Buffer) {
    if (row.length <= CHECKSUM_BYTES || row.readUInt32LE(0) !== crc32c(row.subarray(CHECKSUM_BYTES))) {
      throw new StoreError('corrupt', 'A row of the metadata does not match its checksum.');
    }
    this.#row = row;
    const format = this.byte();
    if (format !== ROW_FORMAT) {
      throw new StoreError('corrupt', `A row of the metadata has format ${format}; this release knows ${ROW_FORMAT}.`);
    }
  }

  byte(): number {
    const value = this.#row[this.#position++];
    if (value === undefined) throw new StoreError('corrupt', 'A row of the metadata ends too early.');
    return value;
  }

  integer(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const lengthBytes = this.integer();
    const start = this.#skip(lengthBytes);
    return this.#row.toString('utf8', start, start + lengthBytes);
  }

  hex(digits: number): string {
    const start = this.#skip(digits / 2);
    return this.#row.toString('hex', start, start + digits / 2);
  }

  /** All that was not read yet. */
  rest(): Buffer {
    return this.#row.subarray(this.#position);
  }

  #skip(lengthBytes: number): number {
    const start = this.#position;
    this.#position += lengthBytes;
    if (this.#position > this.#row.length) throw new StoreError('corrupt', 'A row of the metadata ends too early.');
    return start;
  }
}
