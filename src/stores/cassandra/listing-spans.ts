import type { ListPosition } from '../metastore.ts';
import { type BucketState, endOf, rangeIndex } from './bucket-state.ts';

/** Where a listing begins and ends, as bytes: `to` is exclusive; `undefined`: to the last key. */
export interface ByteSpan {
  readonly from: Uint8Array;
  readonly isInclusive: boolean;
  readonly to: Uint8Array | undefined;
}

/** What of a span lies in one range. */
export interface Piece {
  readonly rangeId: string;
  readonly span: ByteSpan;
}

const BYTE_MAX = 0xff;

export const EVERY_KEY: ByteSpan = { from: new Uint8Array(), isInclusive: true, to: undefined };

/** The keys that start with `prefix`, from a position on; `undefined` where there can be none. */
export function spanOf(
  prefix: string,
  from: Exclude<ListPosition, { kind: 'after-version' }> | undefined,
): ByteSpan | undefined {
  const prefixBytes = Buffer.from(prefix);
  const span = { from: prefixBytes, isInclusive: true, to: afterPrefix(prefixBytes) };
  if (from === undefined) return span;
  const start = startOf(from);
  if (start === undefined) return undefined;
  const order = Buffer.compare(start.from, span.from);
  const isLater = order > 0 || (order === 0 && !start.isInclusive);
  const later = isLater ? { ...span, ...start } : span;
  return later.to !== undefined && Buffer.compare(later.from, later.to) >= 0 ? undefined : later;
}

/** The span cut at the borders of the ranges, in order. */
export function* piecesOf({ ranges }: BucketState, span: ByteSpan): Generator<Piece> {
  for (let index = rangeIndex(ranges, span.from); index < ranges.length; index++) {
    const range = ranges[index];
    if (range === undefined) return;
    const isBeyond = span.to !== undefined && Buffer.compare(range.start, span.to) >= 0;
    if (isBeyond) return;
    const end = endOf(ranges, index);
    const to = end === undefined || (span.to !== undefined && Buffer.compare(span.to, end) < 0) ? span.to : end;
    const isStart = Buffer.compare(range.start, span.from) <= 0;
    const piece = isStart ? { ...span, to } : { from: range.start, isInclusive: true, to };
    yield { rangeId: range.id, span: piece };
  }
}

/** The smallest byte string that is greater than all that start with `prefix`; `undefined`: there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let end = prefix.length; end > 0; end--) {
    const byte = prefix[end - 1] ?? BYTE_MAX;
    if (byte === BYTE_MAX) continue;
    const after = Uint8Array.prototype.slice.call(prefix, 0, end);
    after[end - 1] = byte + 1;
    return after;
  }
  return undefined;
}

function startOf(
  from: Exclude<ListPosition, { kind: 'after-version' }>,
): { readonly from: Uint8Array; readonly isInclusive: boolean } | undefined {
  switch (from.kind) {
    case 'at-key':
      return { from: Buffer.from(from.key), isInclusive: true };
    case 'after-key':
      return { from: Buffer.from(from.key), isInclusive: false };
    case 'after-prefix': {
      const after = afterPrefix(Buffer.from(from.prefix));
      return after === undefined ? undefined : { from: after, isInclusive: true };
    }
  }
}
