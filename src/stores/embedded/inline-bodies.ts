import { crc32, crc32c } from '@node-rs/crc32';
import { FREED_BYTES_MIN, freeOnReturn } from '../lent-pieces.ts';
import { StoreError } from '../store.ts';
import type { MetaStep, MetaTables } from './meta-tables.ts';
import { numberKey } from './row-keys.ts';

/**
 * Longest piece of an inline body, in bytes: with its header it fills one page of LMDB.
 *
 * A longer value needs pages side by side, and single pages that were freed are of no use to it: with 4 KiB bodies
 * in one value each, the list of free pages grew until a commit spent 170 µs of CPU on each put (10 µs so), and each
 * body took two pages.
 */
const PIECE_BYTES = 4072;
/** What is left of a body after full pieces stands in its version's row, if it is no longer than this, in bytes. */
const TAIL_BYTES_MAX = 128;
const CRCS = { CRC32: crc32, CRC32C: crc32c } as const;

/** What the row of a version holds of its inline body. */
export interface InlineBody {
  readonly kind: 'inline';
  /** CRC32 for all that is written; what has a CRC32C keeps it. */
  readonly algorithm: keyof typeof CRCS;
  /** Of the bytes and whose they are, so that those of another version are found out too. */
  readonly checksum: number;
  readonly tail: Uint8Array;
}

/** Stores the body of the version with this sequence. */
export function putInline({ tables, change }: MetaStep, bytes: Uint8Array, sequence: number): InlineBody {
  const pieces = countPieces(bytes.length);
  for (let piece = 0; piece < pieces; piece++) {
    const start = piece * PIECE_BYTES;
    change.put(tables.inline, pieceKey(sequence, piece), bytes.subarray(start, start + PIECE_BYTES));
  }
  const tail = bytes.subarray(pieces * PIECE_BYTES);
  return { kind: 'inline', algorithm: 'CRC32', checksum: checksumOf('CRC32', bytes, sequence), tail };
}

/** A copy of the body. Throws `corrupt` where it is not what was written. */
export function readInline(
  tables: MetaTables,
  { sequence, sizeBytes, body }: { readonly sequence: number; readonly sizeBytes: number; readonly body: InlineBody },
): Uint8Array {
  const bytes = roomFor(sizeBytes);
  const pieces = countPieces(sizeBytes);
  let filled = 0;
  for (let piece = 0; piece < pieces; piece++) {
    filled += tables.inline.copy(pieceKey(sequence, piece), bytes.subarray(filled, filled + PIECE_BYTES)) ?? 0;
  }
  if (filled + body.tail.length === sizeBytes) {
    bytes.set(body.tail, filled);
    if (checksumOf(body.algorithm, bytes, sequence) === body.checksum) return freeOnReturn(bytes);
  }
  throw new StoreError('corrupt', `The bytes of version ${sequence} are not what was written.`);
}

/** Room for a body: a short one out of Node's pool, which takes a tenth of the time; a long one by itself, to be freed. */
function roomFor(sizeBytes: number): Uint8Array {
  if (sizeBytes >= FREED_BYTES_MIN) return new Uint8Array(sizeBytes);
  const { buffer, byteOffset } = Buffer.allocUnsafe(sizeBytes);
  return new Uint8Array(buffer, byteOffset, sizeBytes);
}

export function removeInline({ tables, change }: MetaStep, sizeBytes: number, sequence: number): void {
  const pieces = countPieces(sizeBytes);
  for (let piece = 0; piece < pieces; piece++) change.remove(tables.inline, pieceKey(sequence, piece));
}

/** Pieces of a body that stand in the table, not in the row. */
function countPieces(sizeBytes: number): number {
  const full = Math.floor(sizeBytes / PIECE_BYTES);
  return sizeBytes - full * PIECE_BYTES > TAIL_BYTES_MAX ? full + 1 : full;
}

function pieceKey(sequence: number, piece: number): Buffer {
  return numberKey(sequence, piece);
}

function checksumOf(algorithm: InlineBody['algorithm'], bytes: Uint8Array, sequence: number): number {
  const crc = CRCS[algorithm];
  return crc(bytes, crc(numberKey(sequence)));
}
