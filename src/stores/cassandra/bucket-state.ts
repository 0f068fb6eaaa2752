import { readChoice, writeChoice } from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { StoreError } from '../store.ts';
import { type OpId, parseOpId } from './context.ts';
import { bufferOf } from './key-head.ts';
import { OP_DIGITS } from './version-rows.ts';

/**
 * What all gateways must agree on about a bucket: whether it is open, and in which partitions its listing lies.
 *
 * A bucket that nothing was ever said about is open, with one range.
 */
export interface BucketState {
  readonly status: BucketStatus;
  /** Counts the changes of the ranges. */
  readonly epoch: number;
  /** Where listings read, in the order of their starts; the first one starts before every key. */
  readonly ranges: readonly ListingRange[];
  readonly change: RangeChange | undefined;
}

export type BucketStatus =
  | { readonly kind: 'open' }
  /** Somebody checks whether it is empty; `op` names who. */
  | { readonly kind: 'closing'; readonly op: OpId }
  | { readonly kind: 'closed' };

/** A part of the keys of a bucket, up to the start of the next range: one partition. */
export interface ListingRange {
  /** The smallest byte string that belongs to it; need not be a key. */
  readonly start: Uint8Array;
  readonly id: string;
}

/**
 * Ranges that are being replaced. Writers write to both places all the while; listings read `ranges`, which are the
 * old ones while their rows are copied, and the new ones afterwards.
 */
export interface RangeChange {
  readonly phase: 'copying' | 'switched';
  /** The other place: the new ranges while copying, the old ones after the switch. */
  readonly others: readonly ListingRange[];
  /** Where the last of `others` ends; `undefined`: after every key. */
  readonly end: Uint8Array | undefined;
}

const FIRST_RANGE_ID = '0';
const STATE_BYTES_MAX = 240_000;
const STATUSES = ['open', 'closing', 'closed'] as const;
const PHASES = ['copying', 'switched'] as const;
const ABSENT = 0;
const PRESENT = 1;

export const NEW_BUCKET: BucketState = {
  status: { kind: 'open' },
  epoch: 0,
  ranges: [{ start: new Uint8Array(), id: FIRST_RANGE_ID }],
  change: undefined,
};

/** The partitions that a row of `key` must be written to. */
export function placesOf(state: BucketState, key: Uint8Array): readonly string[] {
  const places = [rangeAt(state.ranges, key).id];
  const { change } = state;
  if (change === undefined) return places;
  const [first] = change.others;
  const isBefore = first !== undefined && Buffer.compare(key, first.start) < 0;
  const isAfter = change.end !== undefined && Buffer.compare(key, change.end) >= 0;
  return isBefore || isAfter ? places : [...places, rangeAt(change.others, key).id];
}

/** The place in `ranges` of the one that `key` belongs to. */
export function rangeIndex(ranges: readonly ListingRange[], key: Uint8Array): number {
  let low = 0;
  let high = ranges.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range !== undefined && Buffer.compare(range.start, key) <= 0) low = middle;
    else high = middle;
  }
  return low;
}

function rangeAt(ranges: readonly ListingRange[], key: Uint8Array): ListingRange {
  const range = ranges[rangeIndex(ranges, key)];
  if (range === undefined) throw new StoreError('corrupt', 'A bucket has no range for its keys.');
  return range;
}

/** Where the range at `index` ends: the start of the next one, or `undefined` after the last. */
export function endOf(ranges: readonly ListingRange[], index: number): Uint8Array | undefined {
  return ranges[index + 1]?.start;
}

export function encodeBucketState({ status, epoch, ranges, change }: BucketState): Buffer {
  const row = new RowWriter({ bytesMax: STATE_BYTES_MAX });
  writeChoice(row, STATUSES, status.kind);
  if (status.kind === 'closing') row.hex(status.op);
  row.integer(epoch);
  writeRanges(row, ranges);
  if (change === undefined) return row.byte(ABSENT).finish();
  writeChoice(row.byte(PRESENT), PHASES, change.phase);
  writeRanges(row, change.others);
  if (change.end === undefined) row.byte(ABSENT);
  else row.byte(PRESENT).bytes(change.end);
  return row.finish();
}

export function decodeBucketState(value: Uint8Array): BucketState {
  const row = new RowReader(bufferOf(value));
  const kind = readChoice(row, STATUSES);
  const status: BucketStatus = kind === 'closing' ? { kind, op: parseOpId(row.hex(OP_DIGITS)) } : { kind };
  const epoch = row.integer();
  const ranges = readRanges(row);
  if (row.byte() === ABSENT) return { status, epoch, ranges, change: undefined };
  const phase = readChoice(row, PHASES);
  const others = readRanges(row);
  const end = row.byte() === ABSENT ? undefined : row.bytes();
  return { status, epoch, ranges, change: { phase, others, end } };
}

function writeRanges(row: RowWriter, ranges: readonly ListingRange[]): void {
  row.integer(ranges.length);
  for (const { start, id } of ranges) row.bytes(start).text(id);
}

function readRanges(row: RowReader): readonly ListingRange[] {
  return Array.from({ length: row.count() }, () => ({ start: row.bytes(), id: row.text() }));
}
