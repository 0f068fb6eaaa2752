import { parseUploadId, type UploadId } from '../../domain/names.ts';
import { type ManifestId, type ObjectBody, parseManifestId } from '../../domain/object-version.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { type OpId, parseOpId } from './context.ts';
import { OP_DIGITS, readVersion, type VersionRecord, writeVersion } from './version-rows.ts';

/**
 * The head of a key: all that a read of the current version needs, and what later writes must know. Transactions
 * replace it as a whole.
 */
export interface KeyHead {
  readonly current: VersionRecord | undefined;
  /** Versions below the current one; each is a row. */
  readonly olderCount: number;
  /** Where the version in the null slot stands, be it the current one or older. */
  readonly nullOrder: number | undefined;
  /** Whether a delete marker was ever current: then the listing has a row for the hidden key too. */
  readonly wasHidden: boolean;
  /** The attempts that were applied last, newest last: tells whose outcome was in doubt. */
  readonly applied: readonly OpId[];
  /** The attempts that were given up by others: whoever made them must not apply them. */
  readonly refused: readonly OpId[];
  /** Uploads that became versions here, and whose record may not say so yet. */
  readonly completions: readonly Completed[];
}

/** The trace of a complete, kept until the upload's own record says it is completed. */
export interface Completed {
  readonly uploadId: UploadId;
  readonly op: OpId;
  readonly order: number;
  readonly isNull: boolean;
}

/** A body that a version holds by its op. */
export interface Holding {
  readonly op: OpId;
  readonly body: SharedBody;
}

/** A body that is not in its row: others may hold it too. */
export type SharedBody = Exclude<ObjectBody, { kind: 'inline' }>;

/** A head, and the sequence it stands at: 0 where there is none. */
export interface KeyState {
  readonly sequence: number;
  readonly head: KeyHead;
}

/** Versions without their order, which the step gives them. */
type Unordered<Record> = Record extends VersionRecord ? Omit<Record, 'order'> : never;
export type VersionToBe = Unordered<VersionRecord>;

/** One row of older versions; without a record it is deleted. */
export interface OlderChange {
  readonly order: number;
  readonly record: VersionRecord | undefined;
}

/** What a step makes of a key. */
export interface KeyChange {
  readonly head: KeyHead;
  readonly older: readonly OlderChange[];
  /** What no version of the key holds any more. */
  readonly drops: readonly Holding[];
}

/** Attempts that a head remembers of each kind. */
const OPS_MAX = 16;
const HEAD_BYTES_MAX = 200_000;
const ABSENT = 0;
const PRESENT = 1;

export const NO_KEY: KeyState = {
  sequence: 0,
  head: {
    current: undefined,
    olderCount: 0,
    nullOrder: undefined,
    wasHidden: false,
    applied: [],
    refused: [],
    completions: [],
  },
};

/** Makes `record` current; `older` is the null version where that is not the current one. */
export function pushVersion(head: KeyHead, record: VersionRecord, older: VersionRecord | undefined): KeyChange {
  const { current } = head;
  const nullOrder = record.isNull ? head.nullOrder : undefined;
  const replaced = nullOrder === undefined ? undefined : nullOrder === current?.order ? current : older;
  const changes: OlderChange[] = [];
  if (replaced !== undefined && replaced !== current) changes.push({ order: replaced.order, record: undefined });
  if (current !== undefined && replaced !== current) changes.push({ order: current.order, record: current });
  const removed = replaced !== undefined && replaced !== current ? 1 : 0;
  const added = current !== undefined && replaced !== current ? 1 : 0;
  return {
    head: {
      ...head,
      current: record,
      olderCount: head.olderCount - removed + added,
      nullOrder: record.isNull ? record.order : head.nullOrder,
      wasHidden: head.wasHidden || record.kind === 'delete-marker',
    },
    older: changes,
    drops: holdingsOf(replaced),
  };
}

/** Removes the current version; `next`, the newest older one, takes its place. */
export function removeCurrent(head: KeyHead, next: VersionRecord | undefined): KeyChange {
  const removed = head.current;
  return {
    head: {
      ...head,
      current: next,
      olderCount: next === undefined ? head.olderCount : head.olderCount - 1,
      nullOrder: removed?.isNull === true ? undefined : head.nullOrder,
      wasHidden: head.wasHidden || next?.kind === 'delete-marker',
    },
    older: next === undefined ? [] : [{ order: next.order, record: undefined }],
    drops: holdingsOf(removed),
  };
}

/** Removes a version that is not the current one. */
export function removeOlder(head: KeyHead, removed: VersionRecord): KeyChange {
  return {
    head: {
      ...head,
      olderCount: head.olderCount - 1,
      nullOrder: removed.isNull ? undefined : head.nullOrder,
    },
    older: [{ order: removed.order, record: undefined }],
    drops: holdingsOf(removed),
  };
}

/** Puts `record` in the place of the version with its order. */
export function replaceVersion(head: KeyHead, record: VersionRecord): KeyChange {
  if (head.current?.order === record.order) return { head: { ...head, current: record }, older: [], drops: [] };
  return { head, older: [{ order: record.order, record }], drops: [] };
}

export function withApplied(head: KeyHead, op: OpId, rememberedMax = OPS_MAX): KeyHead {
  return { ...head, applied: [...head.applied, op].slice(-rememberedMax) };
}

export function withRefused(head: KeyHead, op: OpId): KeyHead {
  return { ...head, refused: [...head.refused, op].slice(-OPS_MAX) };
}

/** Whether `head` names every attempt that was applied since `before`, an earlier head of the same key. */
export function remembersAllSince(head: KeyHead, before: KeyHead, rememberedMax = OPS_MAX): boolean {
  const newest = before.applied.at(-1);
  return head.applied.length < rememberedMax || (newest !== undefined && head.applied.includes(newest));
}

/** Whether others may have given the attempt up; of one that is old the name may be forgotten. */
export function mayBeRefused(head: KeyHead, op: OpId, { isOld }: { readonly isOld: boolean }): boolean {
  return head.refused.includes(op) || (isOld && head.refused.length === OPS_MAX);
}

export function holdingsOf(record: VersionRecord | undefined): readonly Holding[] {
  if (record?.kind !== 'object' || record.body.kind === 'inline') return [];
  return [{ op: record.op, body: record.body }];
}

export function encodeKeyHead(head: KeyHead): Buffer {
  const row = new RowWriter({ bytesMax: HEAD_BYTES_MAX });
  // The version comes first: reads decode no further.
  writeOptional(row, head.current);
  row.integer(head.olderCount).integer(head.nullOrder ?? 0);
  row.byte(head.wasHidden ? PRESENT : ABSENT);
  writeOps(row, head.applied);
  writeOps(row, head.refused);
  row.integer(head.completions.length);
  for (const { uploadId, op, order, isNull } of head.completions) {
    row.text(uploadId).hex(op).integer(order);
    row.byte(isNull ? PRESENT : ABSENT);
  }
  return row.finish();
}

export function decodeKeyHead(value: Uint8Array): KeyHead {
  const row = new RowReader(bufferOf(value));
  const current = row.byte() === ABSENT ? undefined : readVersion(row);
  const olderCount = row.integer();
  const nullOrder = row.integer() || undefined;
  const wasHidden = row.byte() === PRESENT;
  const applied = readOps(row);
  const refused = readOps(row);
  const completions = Array.from({ length: row.count() }, () => ({
    uploadId: row.parsed(parseUploadId),
    op: parseOpId(row.hex(OP_DIGITS)),
    order: row.integer(),
    isNull: row.byte() === PRESENT,
  }));
  return { current, olderCount, nullOrder, wasHidden, applied, refused, completions };
}

export function encodeOlder(record: VersionRecord): Buffer {
  const row = new RowWriter({ bytesMax: HEAD_BYTES_MAX });
  writeVersion(row, record);
  return row.finish();
}

export function decodeOlder(value: Uint8Array): VersionRecord {
  return readVersion(new RowReader(bufferOf(value)));
}

export function bufferOf(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** The manifest of one attempt to complete an upload. */
export function manifestIdOf(op: OpId, uploadId: UploadId): ManifestId {
  return parseManifestId(`${uploadId}-${op}`);
}

function writeOptional(row: RowWriter, version: VersionRecord | undefined): void {
  if (version === undefined) row.byte(ABSENT);
  else writeVersion(row.byte(PRESENT), version);
}

function writeOps(row: RowWriter, ops: readonly OpId[]): void {
  row.integer(ops.length);
  for (const op of ops) row.hex(op);
}

function readOps(row: RowReader): readonly OpId[] {
  return Array.from({ length: row.count() }, () => parseOpId(row.hex(OP_DIGITS)));
}
