import type { BlobId } from '../../domain/names.ts';
import type { BlobAddress } from '../../domain/object-version.ts';
import type { BlobIntent, Pin } from '../reclaim.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { BlobLedger, blobRecord, blobState, dropRecord, putRecord, queueForReclaim } from './blob-ledger.ts';
import { decodeAddress, dueId, dueRange, dueTime } from './blob-rows.ts';
import { decodeManifestParts, MANIFEST_ROW_PARTS } from './manifest-rows.ts';
import { manifestHead, manifestParts } from './manifests.ts';
import type { MetaStep, MetaTables } from './meta-tables.ts';
import { numberAt, numberKey, timeOf } from './row-keys.ts';
import { decodePart } from './upload-rows.ts';
import { partsOf } from './uploads.ts';

/** Parts that one step takes out of a released manifest or an aborted upload. */
const RELEASED_PARTS_MAX = 4 * MANIFEST_ROW_PARTS;

/** Opens an intent or moves it on; a blob that is past its intent stays what it is. */
export function openIntent(step: MetaStep, { id, storageClass, atMs }: BlobIntent): void {
  const state = blobState(step.tables, id);
  if (state !== 'unknown' && state !== 'intended') return;
  const record = blobRecord(step.tables, id);
  if (record !== undefined) dropRecord(step, id, record);
  putRecord(step, id, { kind: 'intended', atMs: timeOf(atMs), storageClass, sizeBytes: 0 });
}

export function renewIntent(step: MetaStep, intent: BlobIntent): boolean {
  if (blobState(step.tables, intent.id) !== 'intended') return false;
  openIntent(step, intent);
  return true;
}

export function abandonIntent(step: MetaStep, id: BlobId): void {
  const record = blobRecord(step.tables, id);
  if (record?.kind !== 'intended') return;
  dropRecord(step, id, record);
  queueForReclaim(step, { id, storageClass: record.storageClass, sizeBytes: 0 }, step.nowMs);
}

export function expireIntents(step: MetaStep, { beforeMs, limit }: { beforeMs: number; limit: number }): number {
  let expired = 0;
  for (const { value } of step.tables.due.range({ ...dueRange('intent', timeOf(beforeMs, 'up')), limit })) {
    abandonIntent(step, decodeAddress(value).id);
    expired++;
  }
  return expired;
}

/** Before when what is queued may be reclaimed: `beforeMs`, or the oldest pin that has not expired. */
export function reclaimEnd(tables: MetaTables, { beforeMs, nowMs }: { beforeMs: number; nowMs: number }): number {
  let endMs = beforeMs;
  for (const { value } of tables.pins.range({ start: Buffer.of(0), end: Buffer.of(0xff) })) {
    const { sinceMs, expiresAtMs } = decodePin(value);
    if (expiresAtMs > nowMs) endMs = Math.min(endMs, sinceMs);
  }
  return timeOf(endMs, 'up');
}

/** Oldest first. */
export function listReclaimable(tables: MetaTables, endMs: number, limit: number): readonly BlobAddress[] {
  if (limit <= 0) return [];
  return Array.from(tables.due.range({ ...dueRange('blob', endMs), limit }), ({ value }) => decodeAddress(value));
}

/** Whether a released manifest or an aborted upload is to be taken apart. */
export function hasReleasedParts(tables: MetaTables, endMs: number): boolean {
  return tables.due.hasAny(dueRange('manifest', endMs)) || tables.due.hasAny(dueRange('aborted-upload', endMs));
}

/**
 * Takes some parts out of a released manifest or an aborted upload, and queues their blobs as of its release. The one
 * released first comes first: a blob that several held is then queued with the last of them.
 */
export function takeApart(step: MetaStep, endMs: number): void {
  const { tables } = step;
  const manifest = tables.due.first(dueRange('manifest', endMs))?.key;
  const upload = tables.due.first(dueRange('aborted-upload', endMs))?.key;
  if (manifest !== undefined && (upload === undefined || dueTime(manifest) <= dueTime(upload))) {
    takeManifestApart(step, manifest);
  } else if (upload !== undefined) takeUploadApart(step, upload);
}

export function forgetReclaimed(step: MetaStep, ids: readonly BlobId[]): void {
  for (const id of ids) {
    const record = blobRecord(step.tables, id);
    if (record?.kind === 'reclaimable') dropRecord(step, id, record);
  }
}

export function setPin({ tables, change }: MetaStep, { id, sinceMs, expiresAtMs }: Pin): void {
  change.put(tables.pins, pinKey(id), new RowWriter().integer(timeOf(sinceMs)).integer(timeOf(expiresAtMs)).finish());
}

/** Pins that have expired go with the one that is cleared: their processes died. */
export function clearPin({ tables, change, nowMs }: MetaStep, id: string): void {
  for (const { key, value } of tables.pins.range({ start: Buffer.of(0), end: Buffer.of(0xff) })) {
    if (key.equals(pinKey(id)) || decodePin(value).expiresAtMs <= nowMs) change.remove(tables.pins, key);
  }
}

function takeManifestApart(step: MetaStep, due: Buffer): void {
  const { tables, change } = step;
  const manifest = numberAt(dueId(due), 0);
  const blobs = new BlobLedger(step);
  let taken = 0;
  for (const { key, value } of tables.manifests.range(manifestParts(manifest))) {
    if (taken >= RELEASED_PARTS_MAX) {
      blobs.settleReleased(dueTime(due));
      return;
    }
    change.remove(tables.manifests, key);
    for (const { body, partNumber } of decodeManifestParts(value)) {
      if (body !== undefined) blobs.release(body, { kind: 'part', upload: manifest, partNumber });
      taken++;
    }
  }
  if (manifestHead(tables, manifest) !== undefined) change.remove(tables.manifests, numberKey(manifest));
  change.remove(tables.due, due);
  blobs.settleReleased(dueTime(due));
}

function takeUploadApart(step: MetaStep, due: Buffer): void {
  const { tables, change } = step;
  const upload = numberAt(dueId(due), 0);
  const blobs = new BlobLedger(step);
  let taken = 0;
  for (const { key, value } of tables.parts.range({ ...partsOf(upload), limit: RELEASED_PARTS_MAX })) {
    change.remove(tables.parts, key);
    const { body, partNumber } = decodePart(value);
    if (body !== undefined) blobs.release(body, { kind: 'part', upload, partNumber });
    taken++;
  }
  if (taken < RELEASED_PARTS_MAX) change.remove(tables.due, due);
  blobs.settleReleased(dueTime(due));
}

function pinKey(id: string): Buffer {
  return Buffer.from(id);
}

function decodePin(value: Buffer): { sinceMs: number; expiresAtMs: number } {
  const row = new RowReader(value);
  return { sinceMs: row.integer(), expiresAtMs: row.integer() };
}
