import { crc32c } from '@node-rs/crc32';
import type { BlobAddress, ManifestId, ObjectBody } from '../../domain/object-version.ts';
import { StoreError } from '../store.ts';
import { BlobLedger, isBlobUsable } from './blob-ledger.ts';
import { manifestNumber } from './manifest-rows.ts';
import { holdManifest, isManifestUsable, releaseManifest } from './manifests.ts';
import type { MetaStep, MetaTables } from './meta-tables.ts';
import { numberKey } from './row-keys.ts';
import type { ObjectRow, StoredBody } from './version-rows.ts';

/** What `body` needs and cannot have any more, or `undefined`. */
export function missingOfBody(tables: MetaTables, body: ObjectBody): BlobAddress | ManifestId | undefined {
  switch (body.kind) {
    case 'inline':
      return undefined;
    case 'blob':
      return isBlobUsable(tables, body.blob.id) ? undefined : body.blob;
    case 'manifest':
      return isManifestUsable(tables, body.manifestId) ? undefined : body.manifestId;
  }
}

/** The bytes of an inline body. Throws `corrupt` where they are not what was written. */
export function readInline(tables: MetaTables, row: ObjectRow): Uint8Array {
  const bytes = row.sizeBytes === 0 ? Buffer.alloc(0) : tables.inline.get(numberKey(row.sequence));
  if (row.body.kind !== 'inline' || bytes?.length !== row.sizeBytes || checksum(bytes, row.sequence) !== row.body.crc32c) {
    throw new StoreError('corrupt', `The bytes of version ${row.sequence} are not what was written.`);
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Takes bodies for versions and lets go of them, all in one step. */
export class BodyLedger {
  readonly blobs: BlobLedger;
  readonly #step: MetaStep;
  readonly #heldManifests = new Set<number>();
  readonly #releasedManifests: { readonly manifest: number; readonly version: number }[] = [];

  constructor(step: MetaStep) {
    this.#step = step;
    this.blobs = new BlobLedger(step);
  }

  /** Makes a usable body that of the version with this sequence. */
  hold(body: ObjectBody, sequence: number): StoredBody {
    const { tables, change } = this.#step;
    switch (body.kind) {
      case 'inline':
        if (body.bytes.length > 0) change.put(tables.inline, numberKey(sequence), body.bytes);
        return { kind: 'inline', crc32c: checksum(body.bytes, sequence) };
      case 'blob':
        this.blobs.hold(body.blob, { kind: 'version', sequence });
        return body;
      case 'manifest': {
        const manifest = manifestNumber(body.manifestId);
        if (manifest === undefined) throw new RangeError(`${body.manifestId} is no manifest of this store.`);
        this.#heldManifests.add(manifest);
        holdManifest(this.#step, manifest, sequence);
        return { kind: 'manifest', manifest, partsCount: body.partsCount };
      }
    }
  }

  release(row: ObjectRow): void {
    const { body, sequence, sizeBytes } = row;
    const { tables, change } = this.#step;
    switch (body.kind) {
      case 'inline':
        if (sizeBytes > 0) change.remove(tables.inline, numberKey(sequence));
        return;
      case 'blob':
        this.blobs.release(body.blob, { kind: 'version', sequence });
        return;
      case 'manifest':
        this.#releasedManifests.push({ manifest: body.manifest, version: sequence });
        return;
    }
  }

  /** Notes what follows for blobs and manifests; the last thing in a step. */
  settle(): void {
    for (const { manifest, version } of this.#releasedManifests) {
      releaseManifest(this.#step, manifest, { version, isHeldAnew: this.#heldManifests.has(manifest) });
    }
    this.blobs.settle(this.#step.nowMs);
  }
}

/** Of the bytes and whose they are, so that those of another version are found out too. */
function checksum(bytes: Uint8Array, sequence: number): number {
  return crc32c(bytes, crc32c(numberKey(sequence)));
}
