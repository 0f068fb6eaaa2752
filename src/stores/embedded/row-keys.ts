import { randomBytes } from 'node:crypto';
import { type BucketId, OBJECT_KEY_BYTES_MAX } from '../../domain/names.ts';
import type { ListPosition } from '../metastore.ts';

const BUCKET_ID_BYTES = 16;
const NUMBER_BYTES = 6;
/** Sequences and times in keys have 48 bits. */
export const KEY_NUMBER_MAX = 2 ** 48 - 1;

const ORDER_DIGITS = 12;
const RANDOM_BYTES = 10;
const ORDERED_ID = /^[0-9a-f]{32}$/;

/** A key of numbers of 48 bits, each sorting by its value. */
export function numberKey(...numbers: readonly number[]): Buffer {
  const key = Buffer.allocUnsafe(numbers.length * NUMBER_BYTES);
  for (let index = 0; index < numbers.length; index++)
    key.writeUIntBE(numbers[index] ?? 0, index * NUMBER_BYTES, NUMBER_BYTES);
  return key;
}

/** The number at `index` of a number key. */
export function numberAt(key: Buffer, index: number): number {
  return key.readUIntBE(index * NUMBER_BYTES, NUMBER_BYTES);
}

/** A key that sorts numbers downwards. */
export function descending(value: number): number {
  return KEY_NUMBER_MAX - value;
}

/** A time as keys hold it: whole milliseconds in 48 bits. A bound that excludes its end is rounded up. */
export function timeOf(ms: number, round: 'down' | 'up' = 'down'): number {
  const whole = round === 'up' ? Math.ceil(ms) : Math.floor(ms);
  return Math.min(KEY_NUMBER_MAX, Math.max(0, whole));
}

/** Bucket id, then the object key in UTF-8: no escapes, for only the last component may be of any length. */
export function objectRowKey(bucketId: BucketId, key: string): Buffer {
  const row = Buffer.allocUnsafe(BUCKET_ID_BYTES + Buffer.byteLength(key));
  row.write(bucketId, 0, 'hex');
  row.write(key, BUCKET_ID_BYTES, 'utf8');
  return row;
}

export function objectKeyOfRow(row: Buffer): string {
  return row.toString('utf8', BUCKET_ID_BYTES);
}

export function bucketIdOfRow(row: Buffer): string {
  return row.toString('hex', 0, BUCKET_ID_BYTES);
}

/** All keys that start with `prefix`. */
export function prefixRange(prefix: Buffer): { start: Buffer; end: Buffer } {
  return { start: prefix, end: afterPrefix(prefix) };
}

/**
 * The rows of a bucket whose keys start with `prefix`, from `from` on; `after-version` begins at its key.
 * `undefined` where there can be none.
 */
export function objectRowRange(
  bucketId: BucketId,
  prefix: string,
  from: ListPosition | undefined,
): { start: Buffer; end: Buffer } | undefined {
  if (Buffer.byteLength(prefix) > OBJECT_KEY_BYTES_MAX) return undefined;
  const { start, end } = prefixRange(objectRowKey(bucketId, prefix));
  if (from === undefined) return { start, end };
  const position = positionRowKey(bucketId, from);
  if (position === undefined || Buffer.compare(position, end) >= 0) return undefined;
  return { start: Buffer.compare(position, start) > 0 ? position : start, end };
}

function positionRowKey(bucketId: BucketId, from: ListPosition): Buffer | undefined {
  switch (from.kind) {
    case 'at-key':
    case 'after-version':
      return cut(objectRowKey(bucketId, from.key));
    case 'after-key':
      return cut(Buffer.concat([objectRowKey(bucketId, from.key), Buffer.of(0)]));
    case 'after-prefix':
      return from.prefix === '' ? undefined : afterPrefix(cut(objectRowKey(bucketId, from.prefix)));
  }
}

/** A position longer than any key: its first bytes decide as well, and LMDB takes no more. */
function cut(row: Buffer): Buffer {
  return row.subarray(0, BUCKET_ID_BYTES + OBJECT_KEY_BYTES_MAX + 1);
}

/** The first key after all that start with `prefix`; a prefix of 0xff alone has none but a longer one. */
function afterPrefix(prefix: Buffer): Buffer {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return Buffer.alloc(prefix.length + 1, 0xff);
  const after = Buffer.from(prefix.subarray(0, length));
  after[length - 1] = (after[length - 1] ?? 0) + 1;
  return after;
}

/** The random part of an ordered id, in hex. */
export function randomOfId(): string {
  return randomBytes(RANDOM_BYTES).toString('hex');
}

/** Digits of the random part. */
export const RANDOM_DIGITS = RANDOM_BYTES * 2;

/** 32 hex digits: the sequence, so that ids sort by it, and 80 random bits. */
export function orderedId(sequence: number, random: string): string {
  return sequence.toString(16).padStart(ORDER_DIGITS, '0') + random;
}

/** The sequence in an id, or `undefined` for a text that this engine did not make. */
export function sequenceOfId(id: string): number | undefined {
  return ORDERED_ID.test(id) ? Number.parseInt(id.slice(0, ORDER_DIGITS), 16) : undefined;
}
