import type { WriteCondition } from '../../domain/condition.ts';
import type { BlobId, BucketId, VersionId } from '../../domain/names.ts';
import type {
  BlobAddress,
  ListedObject,
  ListedVersion,
  ManifestId,
  ManifestPart,
  ObjectVersion,
  VersionAttributes,
} from '../../domain/object-version.ts';
import type { Part, Upload, UploadAddress, UploadDraft } from '../../domain/upload.ts';
import type {
  BucketClosed,
  DeleteDraft,
  DeleteGuard,
  DeleteOutcome,
  DeleteVersionOutcome,
  KeyRange,
  Metastore,
  PutOutcome,
  VersionAddress,
  VersionDraft,
} from '../metastore.ts';
import type { BlobIntent, BlobState, Pin } from '../reclaim.ts';
import type { CallOptions } from '../store.ts';
import type { CompleteOutcome, Completion, PutPartOutcome, UploadRange } from '../uploads.ts';
import { findContradictions } from './consistency.ts';
import * as reclaim from './reclaim.ts';
import { emptyState, rowsOf, type State } from './state.ts';
import * as uploads from './uploads.ts';
import * as versions from './versions.ts';

type IdentifiedVersion = VersionAddress & { versionId: VersionId };

const INLINE_BYTES_MAX = 64 * 1024;

/**
 * A metastore in Maps: the smallest correct one, the oracle of the model tests.
 *
 * Every call is one synchronous step over a `State`, so nothing comes between a check and its write.
 */
export class MemoryMetastore implements Metastore {
  readonly description = 'memory: nothing survives the process';
  readonly inlineBytesMax: number;
  #state: State;

  constructor({ nowMs, inlineBytesMax = INLINE_BYTES_MAX }: { nowMs: () => number; inlineBytesMax?: number }) {
    this.inlineBytesMax = inlineBytesMax;
    this.#state = emptyState(nowMs);
  }

  async getVersion(at: VersionAddress, { signal }: CallOptions): Promise<ObjectVersion | undefined> {
    signal.throwIfAborted();
    return versions.getVersion(this.#state, at);
  }

  async putVersion(
    bucketId: BucketId,
    draft: VersionDraft,
    condition: WriteCondition,
    { signal }: CallOptions,
  ): Promise<PutOutcome> {
    signal.throwIfAborted();
    const { body } = draft;
    if (body.kind === 'inline' && body.bytes.length > this.inlineBytesMax) {
      throw new RangeError(`A body of ${body.bytes.length} bytes is a blob: more than ${this.inlineBytesMax}.`);
    }
    return versions.putVersion(this.#state, bucketId, draft, condition);
  }

  async deleteCurrent(
    bucketId: BucketId,
    draft: DeleteDraft,
    condition: WriteCondition,
    { signal }: CallOptions,
  ): Promise<DeleteOutcome> {
    signal.throwIfAborted();
    return versions.deleteCurrent(this.#state, bucketId, draft, condition);
  }

  async deleteVersion(
    at: IdentifiedVersion,
    guard: DeleteGuard,
    { signal }: CallOptions,
  ): Promise<DeleteVersionOutcome> {
    signal.throwIfAborted();
    return versions.deleteVersion(this.#state, at, guard);
  }

  async updateAttributes(
    at: IdentifiedVersion,
    update: { attributes: VersionAttributes; revision: number },
    { signal }: CallOptions,
  ): Promise<'updated' | 'changed' | 'not-found'> {
    signal.throwIfAborted();
    return versions.updateAttributes(this.#state, at, update);
  }

  async readManifest(
    id: ManifestId,
    from: { offsetBytes: number } | { partNumber: number },
    limit: number,
    { signal }: CallOptions,
  ): Promise<readonly ManifestPart[]> {
    signal.throwIfAborted();
    return versions.readManifest(this.#state, id, from, limit);
  }

  async listObjects(range: KeyRange, { signal }: CallOptions): Promise<readonly ListedObject[]> {
    signal.throwIfAborted();
    return versions.listObjects(this.#state, range);
  }

  async listVersions(range: KeyRange, { signal }: CallOptions): Promise<readonly ListedVersion[]> {
    signal.throwIfAborted();
    return versions.listVersions(this.#state, range);
  }

  async closeBucket(bucketId: BucketId, { signal }: CallOptions): Promise<'closed' | 'not-empty'> {
    signal.throwIfAborted();
    return versions.closeBucket(this.#state, bucketId);
  }

  async isBucketClosed(bucketId: BucketId, { signal }: CallOptions): Promise<boolean> {
    signal.throwIfAborted();
    return rowsOf(this.#state, bucketId).isClosed;
  }

  async createUpload(
    bucketId: BucketId,
    draft: UploadDraft,
    { signal }: CallOptions,
  ): Promise<{ readonly kind: 'created'; readonly upload: Upload } | BucketClosed> {
    signal.throwIfAborted();
    return uploads.createUpload(this.#state, bucketId, draft);
  }

  async getUpload(at: UploadAddress, { signal }: CallOptions): Promise<Upload | undefined> {
    signal.throwIfAborted();
    return uploads.getUpload(this.#state, at);
  }

  async putPart(at: UploadAddress, part: Part, { signal }: CallOptions): Promise<PutPartOutcome> {
    signal.throwIfAborted();
    return uploads.putPart(this.#state, at, part);
  }

  async listParts(
    at: UploadAddress,
    range: { afterPartNumber: number; limit: number },
    { signal }: CallOptions,
  ): Promise<readonly Part[]> {
    signal.throwIfAborted();
    return uploads.listParts(this.#state, at, range);
  }

  async listUploads(range: UploadRange, { signal }: CallOptions): Promise<readonly Upload[]> {
    signal.throwIfAborted();
    return uploads.listUploads(this.#state, range);
  }

  async completeUpload(
    at: UploadAddress,
    completion: Completion,
    condition: WriteCondition,
    { signal }: CallOptions,
  ): Promise<CompleteOutcome> {
    signal.throwIfAborted();
    return uploads.completeUpload(this.#state, at, completion, condition);
  }

  async abortUpload(at: UploadAddress, { signal }: CallOptions): Promise<'aborted' | 'no-such-upload'> {
    signal.throwIfAborted();
    return uploads.abortUpload(this.#state, at);
  }

  async sweepUploads(sweep: { completedBeforeMs: number; limit: number }, { signal }: CallOptions): Promise<number> {
    signal.throwIfAborted();
    return uploads.sweepUploads(this.#state, sweep);
  }

  async openIntent(blob: BlobIntent, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    reclaim.openIntent(this.#state, blob);
  }

  async renewIntent(blob: BlobIntent, { signal }: CallOptions): Promise<boolean> {
    signal.throwIfAborted();
    return reclaim.renewIntent(this.#state, blob);
  }

  async abandonIntent(id: BlobId, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    reclaim.abandonIntent(this.#state, id);
  }

  async expireIntents(expiry: { beforeMs: number; limit: number }, { signal }: CallOptions): Promise<number> {
    signal.throwIfAborted();
    return reclaim.expireIntents(this.#state, expiry);
  }

  async listReclaimable(
    range: { beforeMs: number; nowMs: number; limit: number },
    { signal }: CallOptions,
  ): Promise<readonly BlobAddress[]> {
    signal.throwIfAborted();
    return reclaim.listReclaimable(this.#state, range);
  }

  async forgetReclaimed(ids: readonly BlobId[], { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    reclaim.forgetReclaimed(this.#state, ids);
  }

  async setPin(pin: Pin, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    this.#state.pins.set(pin.id, pin);
  }

  async clearPin(id: string, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    this.#state.pins.delete(id);
  }

  async getBlobState(id: BlobId, { signal }: CallOptions): Promise<BlobState> {
    signal.throwIfAborted();
    return reclaim.blobState(this.#state, id);
  }

  async *scanReferences({ signal }: CallOptions): AsyncIterable<BlobAddress> {
    signal.throwIfAborted();
    for (const address of reclaim.listReferenced(this.#state)) {
      yield address;
      signal.throwIfAborted();
    }
  }

  async *scanVersions({
    signal,
  }: CallOptions): AsyncIterable<{ readonly bucketId: BucketId; readonly version: ObjectVersion }> {
    signal.throwIfAborted();
    for (const scanned of versions.listEverything(this.#state)) {
      yield scanned;
      signal.throwIfAborted();
    }
  }

  async *checkConsistency({ signal }: CallOptions): AsyncIterable<string> {
    signal.throwIfAborted();
    for (const sentence of [...findContradictions(this.#state)]) {
      yield sentence;
      signal.throwIfAborted();
    }
  }

  async checkWritable({ signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
  }

  /** Forgets everything but open intents: whoever opened one is still to write its blob. */
  reset(): void {
    const { nowMs, blobs } = this.#state;
    this.#state = emptyState(nowMs);
    for (const [id, row] of blobs) if (row.state.kind === 'intended') this.#state.blobs.set(id, row);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reset();
  }
}
