import type { BlobId } from '../../domain/names.ts';
import type { BlobAddress, ManifestId, ObjectBody } from '../../domain/object-version.ts';
import type { BlobIntent, BlobState } from '../reclaim.ts';
import type { BlobHolder, State, VersionRow } from './state.ts';

/** Opens an intent or moves it on; a blob that is past its intent stays what it is. */
export function openIntent(state: State, { id, storageClass, atMs }: BlobIntent): void {
  const kind = blobState(state, id);
  if (kind !== 'unknown' && kind !== 'intended') return;
  state.blobs.set(id, { address: { id, storageClass, sizeBytes: 0 }, state: { kind: 'intended', atMs } });
}

export function renewIntent(state: State, intent: BlobIntent): boolean {
  if (blobState(state, intent.id) !== 'intended') return false;
  openIntent(state, intent);
  return true;
}

export function abandonIntent(state: State, id: BlobId): void {
  const row = state.blobs.get(id);
  if (row?.state.kind === 'intended') queueForReclaim(state, row.address);
}

export function expireIntents(state: State, { beforeMs, limit }: { beforeMs: number; limit: number }): number {
  let expired = 0;
  for (const row of state.blobs.values()) {
    if (expired >= limit) break;
    if (row.state.kind !== 'intended' || row.state.atMs >= beforeMs) continue;
    queueForReclaim(state, row.address);
    expired++;
  }
  return expired;
}

/** Oldest first. Manifests that were released before the blobs it lists are forgotten. */
export function listReclaimable(
  state: State,
  { beforeMs, nowMs, limit }: { beforeMs: number; nowMs: number; limit: number },
): readonly BlobAddress[] {
  let endMs = beforeMs;
  for (const pin of state.pins.values()) {
    if (pin.expiresAtMs > nowMs) endMs = Math.min(endMs, pin.sinceMs);
  }
  for (const [id, { releasedAtMs }] of state.manifests) {
    if (releasedAtMs !== undefined && releasedAtMs < endMs) state.manifests.delete(id);
  }
  const queued: { readonly address: BlobAddress; readonly queuedAtMs: number }[] = [];
  for (const row of state.blobs.values()) {
    if (row.state.kind !== 'reclaimable' || row.state.queuedAtMs >= endMs) continue;
    queued.push({ address: row.address, queuedAtMs: row.state.queuedAtMs });
  }
  return queued
    .sort((a, b) => a.queuedAtMs - b.queuedAtMs)
    .slice(0, limit)
    .map(({ address }) => address);
}

export function forgetReclaimed(state: State, ids: readonly BlobId[]): void {
  for (const id of ids) {
    if (blobState(state, id) === 'reclaimable') state.blobs.delete(id);
  }
}

export function blobState(state: State, id: BlobId): BlobState {
  return state.blobs.get(id)?.state.kind ?? 'unknown';
}

export function listReferenced(state: State): readonly BlobAddress[] {
  return [...state.blobs.values()].filter((row) => row.state.kind === 'referenced').map((row) => row.address);
}

/** Whether a new holder may take the blob: it has an open intent or a reference. */
export function isBlobUsable(state: State, id: BlobId): boolean {
  const kind = blobState(state, id);
  return kind === 'intended' || kind === 'referenced';
}

/** Makes `holder` hold a usable blob; an open intent goes. Holding twice is holding once. */
export function holdBlob(state: State, address: BlobAddress, holder: BlobHolder): void {
  const row = state.blobs.get(address.id);
  if (row?.state.kind === 'referenced') row.state.holders.add(holder);
  else state.blobs.set(address.id, { address, state: { kind: 'referenced', holders: new Set([holder]) } });
}

/** Ends the hold of `holder`; the blob is queued for reclaim when that was the last one. */
export function releaseBlob(state: State, id: BlobId, holder: BlobHolder): void {
  const row = state.blobs.get(id);
  if (row?.state.kind !== 'referenced' || !row.state.holders.delete(holder)) return;
  if (row.state.holders.size === 0) queueForReclaim(state, row.address);
}

/** What `body` needs and cannot have any more, or `undefined`. */
export function missingOfBody(state: State, body: ObjectBody): BlobAddress | ManifestId | undefined {
  switch (body.kind) {
    case 'inline':
      return undefined;
    case 'blob':
      return isBlobUsable(state, body.blob.id) ? undefined : body.blob;
    case 'manifest':
      return isManifestUsable(state, body.manifestId) ? undefined : body.manifestId;
  }
}

export function holdBody(state: State, body: ObjectBody, row: VersionRow): void {
  if (body.kind === 'blob') holdBlob(state, body.blob, row);
  if (body.kind === 'manifest') state.manifests.get(body.manifestId)?.holders.add(row);
}

export function releaseBody(state: State, body: ObjectBody, row: VersionRow): void {
  if (body.kind === 'blob') releaseBlob(state, body.blob.id, row);
  if (body.kind === 'manifest') releaseManifest(state, body.manifestId, row);
}

/** Whether a new version may have the manifest: some other has it still. */
function isManifestUsable(state: State, id: ManifestId): boolean {
  const manifest = state.manifests.get(id);
  return manifest !== undefined && manifest.releasedAtMs === undefined;
}

function releaseManifest(state: State, id: ManifestId, row: VersionRow): void {
  const manifest = state.manifests.get(id);
  if (manifest === undefined || !manifest.holders.delete(row) || manifest.holders.size > 0) return;
  manifest.releasedAtMs = state.nowMs();
  for (const { body } of manifest.parts) {
    if (body !== undefined) releaseBlob(state, body.id, manifest);
  }
}

function queueForReclaim(state: State, address: BlobAddress): void {
  // Set anew, so that the queue stands in the order of its times.
  state.blobs.delete(address.id);
  state.blobs.set(address.id, { address, state: { kind: 'reclaimable', queuedAtMs: state.nowMs() } });
}
