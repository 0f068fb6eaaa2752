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
import { returnPiece } from '../lent-pieces.ts';
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
import { blobState } from './blob-ledger.ts';
import { findContradictions } from './consistency.ts';
import type { EmbeddedDatabase, WriteOptions } from './database.ts';
import * as listings from './listings.ts';
import * as manifests from './manifests.ts';
import { MetaStep, type MetaTables, openMetaTables } from './meta-tables.ts';
import * as reclaim from './reclaim.ts';
import { timeOf } from './row-keys.ts';
import * as scans from './scans.ts';
import * as uploads from './uploads.ts';
import * as versions from './versions.ts';

/** Longest inline body unless given, in bytes. */
const INLINE_BYTES_MAX = 64 * 1024;

type IdentifiedVersion = VersionAddress & { versionId: VersionId };

/**
 * The metastore of one region in an embedded database, under a name of its own there.
 *
 * Every write is one step of the database, whose condition, change and references are one commit; every read is one
 * snapshot. What makes data grow is refused below the disk-full watermark; deletes, completes, aborts and reclaim
 * are not.
 */
export class EmbeddedMetastore implements Metastore {
  readonly description: string;
  readonly inlineBytesMax: number;
  readonly #database: EmbeddedDatabase;
  readonly #tables: MetaTables;
  readonly #nowMs: () => number;

  /** `nowMs`: the store's own clock, in milliseconds since 1970; `inlineBytesMax`: 64 KiB unless given. */
  constructor(
    database: EmbeddedDatabase,
    options: { readonly name: string; readonly inlineBytesMax?: number; readonly nowMs: () => number },
  ) {
    this.description = `${database.description}, metastore ${options.name}`;
    this.inlineBytesMax = options.inlineBytesMax ?? INLINE_BYTES_MAX;
    this.#database = database;
    this.#tables = openMetaTables(database, options.name);
    this.#nowMs = options.nowMs;
  }

  async getVersion(at: VersionAddress, options: CallOptions): Promise<ObjectVersion | undefined> {
    return this.#read((tables) => versions.getVersion(tables, at), options);
  }

  async putVersion(
    bucketId: BucketId,
    draft: VersionDraft,
    condition: WriteCondition,
    { signal }: CallOptions,
  ): Promise<PutOutcome> {
    const { body } = draft;
    if (body.kind === 'inline' && body.bytes.length > this.inlineBytesMax) {
      throw new RangeError(`A body of ${body.bytes.length} bytes is a blob: more than ${this.inlineBytesMax}.`);
    }
    const outcome = await this.#write((step) => versions.putVersion(step, bucketId, draft, condition), growing(signal));
    // They were copied, and whoever lent them reads them no more.
    if (outcome.kind === 'stored' && body.kind === 'inline') returnPiece(body.bytes);
    return outcome;
  }

  async deleteCurrent(
    bucketId: BucketId,
    draft: DeleteDraft,
    condition: WriteCondition,
    { signal }: CallOptions,
  ): Promise<DeleteOutcome> {
    return await this.#write((step) => versions.deleteCurrent(step, bucketId, draft, condition), freeing(signal));
  }

  async deleteVersion(
    at: IdentifiedVersion,
    guard: DeleteGuard,
    { signal }: CallOptions,
  ): Promise<DeleteVersionOutcome> {
    return await this.#write((step) => versions.deleteVersion(step, at, guard), freeing(signal));
  }

  async updateAttributes(
    at: IdentifiedVersion,
    update: { attributes: VersionAttributes; revision: number },
    { signal }: CallOptions,
  ): Promise<'updated' | 'changed' | 'not-found'> {
    return await this.#write((step) => versions.updateAttributes(step, at, update), growing(signal));
  }

  async readManifest(
    id: ManifestId,
    from: { offsetBytes: number } | { partNumber: number },
    limit: number,
    options: CallOptions,
  ): Promise<readonly ManifestPart[]> {
    return this.#read((tables) => manifests.readManifest(tables, id, from, limit), options);
  }

  async listObjects(range: KeyRange, options: CallOptions): Promise<readonly ListedObject[]> {
    return this.#read((tables) => listings.listObjects(tables, range), options);
  }

  async listVersions(range: KeyRange, options: CallOptions): Promise<readonly ListedVersion[]> {
    return this.#read((tables) => listings.listVersions(tables, range), options);
  }

  async closeBucket(bucketId: BucketId, { signal }: CallOptions): Promise<'closed' | 'not-empty'> {
    return await this.#write((step) => versions.closeBucket(step, bucketId), freeing(signal));
  }

  async isBucketClosed(bucketId: BucketId, options: CallOptions): Promise<boolean> {
    return this.#read((tables) => versions.isClosed(tables, bucketId), options);
  }

  async createUpload(
    bucketId: BucketId,
    draft: UploadDraft,
    { signal }: CallOptions,
  ): Promise<{ readonly kind: 'created'; readonly upload: Upload } | BucketClosed> {
    return await this.#write((step) => uploads.createUpload(step, bucketId, draft), growing(signal));
  }

  async getUpload(at: UploadAddress, options: CallOptions): Promise<Upload | undefined> {
    return this.#read((tables) => uploads.getUpload(tables, at), options);
  }

  async putPart(at: UploadAddress, part: Part, { signal }: CallOptions): Promise<PutPartOutcome> {
    return await this.#write((step) => uploads.putPart(step, at, part), growing(signal));
  }

  async listParts(
    at: UploadAddress,
    range: { afterPartNumber: number; limit: number },
    options: CallOptions,
  ): Promise<readonly Part[]> {
    return this.#read((tables) => uploads.listParts(tables, at, range), options);
  }

  async listUploads(range: UploadRange, options: CallOptions): Promise<readonly Upload[]> {
    return this.#read((tables) => uploads.listUploads(tables, range), options);
  }

  async completeUpload(
    at: UploadAddress,
    completion: Completion,
    condition: WriteCondition,
    { signal }: CallOptions,
  ): Promise<CompleteOutcome> {
    return await this.#write((step) => uploads.completeUpload(step, at, completion, condition), freeing(signal));
  }

  async abortUpload(at: UploadAddress, { signal }: CallOptions): Promise<'aborted' | 'no-such-upload'> {
    return await this.#write((step) => uploads.abortUpload(step, at), freeing(signal));
  }

  async sweepUploads(sweep: { completedBeforeMs: number; limit: number }, { signal }: CallOptions): Promise<number> {
    return await this.#write((step) => uploads.sweepUploads(step, sweep), freeing(signal));
  }

  async openIntent(blob: BlobIntent, { signal }: CallOptions): Promise<void> {
    await this.#write((step) => reclaim.openIntent(step, blob), growing(signal));
  }

  async renewIntent(blob: BlobIntent, { signal }: CallOptions): Promise<boolean> {
    return await this.#write((step) => reclaim.renewIntent(step, blob), growing(signal));
  }

  async abandonIntent(id: BlobId, { signal }: CallOptions): Promise<void> {
    await this.#write((step) => reclaim.abandonIntent(step, id), freeing(signal));
  }

  async expireIntents(expiry: { beforeMs: number; limit: number }, { signal }: CallOptions): Promise<number> {
    return await this.#write((step) => reclaim.expireIntents(step, expiry), freeing(signal));
  }

  /** Takes released manifests and aborted uploads apart first, in steps, until the page is full. */
  async listReclaimable(
    range: { beforeMs: number; nowMs: number; limit: number },
    options: CallOptions,
  ): Promise<readonly BlobAddress[]> {
    for (;;) {
      const { endMs, page, isTakenApart } = this.#read((tables) => {
        const end = reclaim.reclaimEnd(tables, range);
        const blobs = reclaim.listReclaimable(tables, end, range.limit);
        return { endMs: end, page: blobs, isTakenApart: !reclaim.hasReleasedParts(tables, end) };
      }, options);
      if (isTakenApart || page.length >= range.limit) return page;
      await this.#write((step) => reclaim.takeApart(step, endMs), freeing(options.signal));
    }
  }

  async forgetReclaimed(ids: readonly BlobId[], { signal }: CallOptions): Promise<void> {
    await this.#write((step) => reclaim.forgetReclaimed(step, ids), freeing(signal));
  }

  async setPin(pin: Pin, { signal }: CallOptions): Promise<void> {
    await this.#write((step) => reclaim.setPin(step, pin), freeing(signal));
  }

  async clearPin(id: string, { signal }: CallOptions): Promise<void> {
    await this.#write((step) => reclaim.clearPin(step, id), freeing(signal));
  }

  async getBlobState(id: BlobId, options: CallOptions): Promise<BlobState> {
    return this.#read((tables) => blobState(tables, id), options);
  }

  scanReferences(options: CallOptions): AsyncIterable<BlobAddress> {
    return scans.scanReferences(this.#database, this.#tables, options);
  }

  scanVersions(options: CallOptions): AsyncIterable<{ readonly bucketId: BucketId; readonly version: ObjectVersion }> {
    return scans.scanVersions(this.#database, this.#tables, options);
  }

  checkConsistency(options: CallOptions): AsyncIterable<string> {
    return findContradictions(this.#database, this.#tables, options);
  }

  async checkWritable(options: CallOptions): Promise<void> {
    await this.#database.checkWritable(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The database is its owner's to close.
  }

  #read<T>(query: (tables: MetaTables) => T, { signal }: CallOptions): T {
    signal.throwIfAborted();
    return this.#database.read(() => query(this.#tables));
  }

  #write<T>(step: (step: MetaStep) => T, options: WriteOptions): Promise<T> {
    return this.#database.write((change) => {
      // Read here, so that what a step queues is hardly older than its commit.
      const nowMs = timeOf(this.#nowMs());
      return step(new MetaStep({ tables: this.#tables, change, nowMs }));
    }, options);
  }
}

/** For steps that add data. */
function growing(signal: AbortSignal): WriteOptions {
  return { signal, needsSpace: true };
}

/** For steps that free data in the end, and must work on a full disk. */
function freeing(signal: AbortSignal): WriteOptions {
  return { signal, needsSpace: false };
}
