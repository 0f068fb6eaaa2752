import type { BlobId } from '../../domain/names.ts';
import type { BlobAddress } from '../../domain/object-version.ts';
import type { BlobState } from '../reclaim.ts';
import {
  type BlobRecord,
  blobKey,
  decodeRecord,
  dueKey,
  encodeAddress,
  encodeRecord,
  type Holder,
  holderOfKey,
  referenceKey,
} from './blob-rows.ts';
import { decodeManifestHead } from './manifest-rows.ts';
import type { MetaStep, MetaTables } from './meta-tables.ts';
import { numberKey, prefixRange } from './row-keys.ts';
import { decodeUpload } from './upload-rows.ts';

/** The state of a blob, read from its record and its references. */
export function blobState(tables: MetaTables, id: BlobId): BlobState {
  const record = blobRecord(tables, id);
  if (record !== undefined) return record.kind;
  let state: BlobState = 'unknown';
  for (const key of tables.blobs.keys(prefixRange(blobKey(id)))) {
    const holder = holderOfKey(key);
    if (holder === undefined) continue;
    if (isLive(tables, holder)) return 'referenced';
    // What held it is queued; the step that takes it apart queues the blob.
    state = 'reclaimable';
  }
  return state;
}

export function blobRecord(tables: MetaTables, id: BlobId): BlobRecord | undefined {
  const value = tables.blobs.get(blobKey(id));
  return value === undefined ? undefined : decodeRecord(value);
}

/** Whether a new holder may take the blob: it has an open intent or a reference. */
export function isBlobUsable(tables: MetaTables, id: BlobId): boolean {
  const state = blobState(tables, id);
  return state === 'intended' || state === 'referenced';
}

/** Whether a holder still keeps its blob: a released manifest and an aborted upload do not, though their rows stand. */
export function isLive(tables: MetaTables, holder: Holder): boolean {
  if (holder.kind === 'version') return true;
  const head = tables.manifests.get(numberKey(holder.upload));
  if (head !== undefined) return decodeManifestHead(head).releasedAtMs === undefined;
  const upload = tables.uploads.get(numberKey(holder.upload));
  return upload !== undefined && decodeUpload(upload).state.kind === 'open';
}

/**
 * Who takes and who lets go of which blob in one step. `settle` notes what follows: a blob that was taken has no
 * intent any more, and one that nobody holds is queued for reclaim.
 */
export class BlobLedger {
  readonly #step: MetaStep;
  readonly #entries = new Map<BlobId, Entry>();

  constructor(step: MetaStep) {
    this.#step = step;
  }

  /** The blob must be usable. */
  hold(blob: BlobAddress, holder: Holder): void {
    const { held, released } = this.#entry(blob);
    const key = referenceKey(blob.id, holder).toString('latin1');
    released.delete(key);
    held.add(key);
  }

  release(blob: BlobAddress, holder: Holder): void {
    const { held, released } = this.#entry(blob);
    const key = referenceKey(blob.id, holder).toString('latin1');
    held.delete(key);
    released.add(key);
  }

  /** For a step that changes who holds what: a blob that nobody live holds any more is free from now on. */
  settle(): void {
    const { tables, nowMs } = this.#step;
    this.#settle(nowMs, (holder) => isLive(tables, holder));
  }

  /**
   * For the step that takes apart what was released at `releasedAtMs`: a blob is free since then, unless something
   * else has it, or was released later and is to be taken apart too.
   */
  settleReleased(releasedAtMs: number): void {
    this.#settle(releasedAtMs, () => true);
  }

  #settle(queuedAtMs: number, keeps: (holder: Holder) => boolean): void {
    for (const entry of this.#entries.values()) this.#settleBlob(entry, queuedAtMs, keeps);
    this.#entries.clear();
  }

  #settleBlob({ blob, held, released }: Entry, queuedAtMs: number, keeps: (holder: Holder) => boolean): void {
    const { tables, change } = this.#step;
    for (const key of held) change.put(tables.blobs, Buffer.from(key, 'latin1'), encodeAddress(blob));
    for (const key of released) change.remove(tables.blobs, Buffer.from(key, 'latin1'));
    const record = blobRecord(tables, blob.id);
    if (held.size > 0) {
      if (record?.kind === 'intended') dropRecord(this.#step, blob.id, record);
    } else if (record === undefined && !this.#isHeldElse(blob.id, released, keeps)) {
      queueForReclaim(this.#step, blob, queuedAtMs);
    }
  }

  #isHeldElse(id: BlobId, released: ReadonlySet<string>, keeps: (holder: Holder) => boolean): boolean {
    const { tables } = this.#step;
    for (const key of tables.blobs.keys(prefixRange(blobKey(id)))) {
      const holder = holderOfKey(key);
      if (holder !== undefined && !released.has(key.toString('latin1')) && keeps(holder)) return true;
    }
    return false;
  }

  #entry(blob: BlobAddress): Entry {
    const existing = this.#entries.get(blob.id);
    if (existing !== undefined) return existing;
    const entry: Entry = { blob, held: new Set(), released: new Set() };
    this.#entries.set(blob.id, entry);
    return entry;
  }
}

/** Reference keys, as text of one character a byte. */
interface Entry {
  readonly blob: BlobAddress;
  readonly held: Set<string>;
  readonly released: Set<string>;
}

export function putRecord({ tables, change }: MetaStep, id: BlobId, record: BlobRecord): void {
  const address = { id, storageClass: record.storageClass, sizeBytes: record.sizeBytes };
  const kind = record.kind === 'intended' ? 'intent' : 'blob';
  change.put(tables.blobs, blobKey(id), encodeRecord(record));
  change.put(tables.due, dueKey(kind, record.atMs, blobKey(id)), encodeAddress(address));
}

export function dropRecord({ tables, change }: MetaStep, id: BlobId, { kind, atMs }: BlobRecord): void {
  change.remove(tables.blobs, blobKey(id));
  change.remove(tables.due, dueKey(kind === 'intended' ? 'intent' : 'blob', atMs, blobKey(id)));
}

export function queueForReclaim(step: MetaStep, blob: BlobAddress, queuedAtMs: number): void {
  const { storageClass, sizeBytes } = blob;
  putRecord(step, blob.id, { kind: 'reclaimable', atMs: queuedAtMs, storageClass, sizeBytes });
}
