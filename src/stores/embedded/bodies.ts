import type { BlobAddress, ManifestId, ObjectBody } from '../../domain/object-version.ts';
import { BlobLedger, isBlobUsable } from './blob-ledger.ts';
import { putInline, removeInline } from './inline-bodies.ts';
import { manifestNumber } from './manifest-rows.ts';
import { holdManifest, isManifestUsable, releaseManifest } from './manifests.ts';
import type { MetaStep, MetaTables } from './meta-tables.ts';
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
    switch (body.kind) {
      case 'inline':
        return putInline(this.#step, body.bytes, sequence);
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
    switch (body.kind) {
      case 'inline':
        removeInline(this.#step, sizeBytes, sequence);
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
    this.blobs.settle();
  }
}
