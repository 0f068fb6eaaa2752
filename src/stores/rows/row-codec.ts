import { crc32c } from '@node-rs/crc32';
import { StoreError } from '../store.ts';

/** Largest row without its checksum unless given, in bytes: what S3 lets a client say about one object fits several times. */
export const ROW_BYTES_MAX = 64_000;

/** The layout of rows; a reader refuses any other. */
const ROW_FORMAT = 1;
const CHECKSUM_BYTES = 4;
/** The CRC32C of any bytes followed by their own CRC32C, lowest byte first. */
const SOUND_CRC32C = 0x48674bc7;
const SCRATCH_BYTES = 256 * 1024;
/** Longest encoding of a safe integer in groups of seven bits. */
const INTEGER_BYTES_MAX = 8;

const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/**
 * Writes one row: the format, values one after the other, then a CRC32C of all that.
 * There is one scratch buffer: a row is finished before the next is begun, with no `await` between.
 */
export class RowWriter {
  #end = 0;
  readonly #bytesMax: number;

  /** `bytesMax`: at most 250,000. */
  constructor({ bytesMax = ROW_BYTES_MAX }: { readonly bytesMax?: number } = {}) {
    this.#bytesMax = bytesMax;
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

  bytes(bytes: Uint8Array): this {
    this.integer(bytes.length);
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
    const end = scratch.writeUInt32LE(crc32c(scratch.subarray(0, this.#end)), this.#end);
    const row = Buffer.allocUnsafe(end);
    scratch.copy(row, 0, 0, end);
    return row;
  }

  #reserve(lengthBytes: number): void {
    if (this.#end + lengthBytes > this.#bytesMax) {
      throw new RangeError(`A row of the metastore has at most ${this.#bytesMax} bytes.`);
    }
  }
}

/** Reads what `RowWriter` wrote. Throws `corrupt` where the row is not what was written. */
export class RowReader {
  readonly #row: Buffer;
  #position = 0;
  readonly #end: number;

  constructor(row: Buffer) {
    if (crc32c(row) !== SOUND_CRC32C) {
      throw new StoreError('corrupt', 'A row of the metadata does not match its checksum.');
    }
    this.#end = row.length - CHECKSUM_BYTES;
    this.#row = row;
    const format = this.byte();
    if (format !== ROW_FORMAT) {
      throw new StoreError('corrupt', `A row of the metadata has format ${format}; this release knows ${ROW_FORMAT}.`);
    }
  }

  /** Whether values follow: those that a later release added stand at the end. */
  get hasMore(): boolean {
    return this.#position < this.#end;
  }

  byte(): number {
    return this.#row[this.#skip(1)] ?? 0;
  }

  integer(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value))
        throw new StoreError('corrupt', 'A row of the metadata has too large a number.');
      if (byte < 0x80) return value;
    }
  }

  /** How many values follow, each of a byte or more. */
  count(): number {
    const count = this.integer();
    if (count > this.#end - this.#position) {
      throw new StoreError('corrupt', `A row of the metadata ends before the ${count} values that it says it has.`);
    }
    return count;
  }

  text(): string {
    const lengthBytes = this.integer();
    const start = this.#skip(lengthBytes);
    return this.#row.toString('utf8', start, start + lengthBytes);
  }

  /** A text that `parse` takes; one that it refuses, by a TypeError, is corrupt. */
  parsed<Value>(parse: (text: string) => Value): Value {
    try {
      return parse(this.text());
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw impossibleName(error);
    }
  }

  hex(digits: number): string {
    const start = this.#skip(digits / 2);
    return this.#row.toString('hex', start, start + digits / 2);
  }

  /** A view of the row. */
  bytes(): Buffer {
    const lengthBytes = this.integer();
    const start = this.#skip(lengthBytes);
    return this.#row.subarray(start, start + lengthBytes);
  }

  #skip(lengthBytes: number): number {
    const start = this.#position;
    this.#position += lengthBytes;
    if (this.#position > this.#end) throw new StoreError('corrupt', 'A row of the metadata ends too early.');
    return start;
  }
}

function impossibleName(cause: TypeError): StoreError {
  return new StoreError('corrupt', 'A row of the metadata has a name that cannot be one.', { cause });
}
