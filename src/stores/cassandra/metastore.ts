import timers from 'node:timers/promises';
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
import { Background } from './background.ts';
import type { Cells } from './cells.ts';
import type { Context } from './context.ts';
import { MARK_AGE_MS_MAX } from './listing-reader.ts';
import type { HeldPart } from './manifests.ts';
import { type MetastoreParts, openParts } from './metastore-parts.ts';
import { RANGE_LIMITS, type RangeLimits } from './range-keeper.ts';
import { StoreClock } from './store-clock.ts';

type IdentifiedVersion = VersionAddress & { versionId: VersionId };

export interface CassandraMetastoreOptions {
  readonly cells: Cells;
  /** The region. Several may share a keyspace. */
  readonly store: string;
  readonly description: string;
  /** This process' clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
  /** What the cluster's clock is ahead of it, in milliseconds. */
  readonly offsetMs?: () => number;
  readonly monotonicMs?: () => number;
  readonly random?: () => number;
  readonly pause?: Context['pause'];
  /** 16 KiB unless given. */
  readonly inlineBytesMax?: number;
  readonly rangeLimits?: RangeLimits;
  /** How long a mark in a listing may stand before a lister settles it, in milliseconds. */
  readonly markAgeMsMax?: number;
  /** The attempts whose names a key remembers; 16 unless given. */
  readonly rememberedMax?: number;
  /** Told of work after a reply that failed; somebody else will end it. */
  readonly onBackgroundError?: (error: unknown) => void;
}

/** Longest inline body unless given, in bytes. */
const INLINE_BYTES_MAX = 16 * 1024;

/**
 * The metastore of one region on a cluster. Processes that share it know nothing of each other: every write is a
 * transaction of the cluster, on one partition, and what needs several is begun in an order in which anybody can end
 * it.
 */
export class CassandraMetastore implements Metastore {
  readonly description: string;
  readonly inlineBytesMax: number;
  readonly #context: Context;
  readonly #parts: MetastoreParts;

  constructor(options: CassandraMetastoreOptions) {
    const { nowMs, offsetMs, onBackgroundError = () => undefined } = options;
    this.description = options.description;
    this.inlineBytesMax = options.inlineBytesMax ?? INLINE_BYTES_MAX;
    this.#context = {
      cells: options.cells,
      store: options.store,
      clock: new StoreClock({ nowMs, offsetMs }),
      monotonicMs: options.monotonicMs ?? (() => performance.now()),
      random: options.random ?? systemRandom,
      pause: options.pause ?? pauseInTime,
      background: new Background({ onError: onBackgroundError }),
      rememberedMax: options.rememberedMax,
    };
    const { rangeLimits: limits = RANGE_LIMITS, markAgeMsMax = MARK_AGE_MS_MAX } = options;
    this.#parts = openParts(this.#context, { limits, markAgeMsMax });
  }

  async getVersion(at: VersionAddress, options: CallOptions): Promise<ObjectVersion | undefined> {
    options.signal.throwIfAborted();
    return await this.#parts.versions.get(at, options);
  }

  async putVersion(
    bucketId: BucketId,
    draft: VersionDraft,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<PutOutcome> {
    options.signal.throwIfAborted();
    const { body } = draft;
    if (body.kind === 'inline' && body.bytes.length > this.inlineBytesMax) {
      throw new RangeError(`A body of ${body.bytes.length} bytes is a blob: more than ${this.inlineBytesMax}.`);
    }
    const outcome = await this.#parts.versions.put(bucketId, draft, condition, options);
    if (body.kind === 'blob' && outcome.kind === 'stored') await this.#forgetIntent(body.blob.id);
    return outcome;
  }

  async deleteCurrent(
    bucketId: BucketId,
    draft: DeleteDraft,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<DeleteOutcome> {
    options.signal.throwIfAborted();
    return await this.#parts.versions.deleteCurrent(bucketId, draft, condition, options);
  }

  async deleteVersion(at: IdentifiedVersion, guard: DeleteGuard, options: CallOptions): Promise<DeleteVersionOutcome> {
    options.signal.throwIfAborted();
    return await this.#parts.versions.deleteVersion(at, guard, options);
  }

  async updateAttributes(
    at: IdentifiedVersion,
    update: { attributes: VersionAttributes; revision: number },
    options: CallOptions,
  ): Promise<'updated' | 'changed' | 'not-found'> {
    options.signal.throwIfAborted();
    return await this.#parts.versions.updateAttributes(at, update, options);
  }

  async readManifest(
    id: ManifestId,
    from: { offsetBytes: number } | { partNumber: number },
    limit: number,
    options: CallOptions,
  ): Promise<readonly ManifestPart[]> {
    options.signal.throwIfAborted();
    const parts = await this.#parts.manifests.read(id, from, limit, options);
    return parts.map(({ holder: _, ...part }: HeldPart) => part);
  }

  async listObjects(range: KeyRange, options: CallOptions): Promise<readonly ListedObject[]> {
    options.signal.throwIfAborted();
    return await this.#parts.listing.objects(range, options);
  }

  async listVersions(range: KeyRange, options: CallOptions): Promise<readonly ListedVersion[]> {
    options.signal.throwIfAborted();
    return await this.#parts.listing.versions(range, options);
  }

  async closeBucket(bucketId: BucketId, options: CallOptions): Promise<'closed' | 'not-empty'> {
    options.signal.throwIfAborted();
    return await this.#parts.closed.close(bucketId, options);
  }

  async isBucketClosed(bucketId: BucketId, options: CallOptions): Promise<boolean> {
    options.signal.throwIfAborted();
    return await this.#parts.closed.isClosed(bucketId, options);
  }

  async createUpload(
    bucketId: BucketId,
    draft: UploadDraft,
    options: CallOptions,
  ): Promise<{ readonly kind: 'created'; readonly upload: Upload } | BucketClosed> {
    options.signal.throwIfAborted();
    return await this.#parts.uploads.create(bucketId, draft, options);
  }

  async getUpload(at: UploadAddress, options: CallOptions): Promise<Upload | undefined> {
    options.signal.throwIfAborted();
    return await this.#parts.uploads.get(at, options);
  }

  async putPart(at: UploadAddress, part: Part, options: CallOptions): Promise<PutPartOutcome> {
    options.signal.throwIfAborted();
    const outcome = await this.#parts.uploads.putPart(at, part, options);
    if (part.body !== undefined && outcome.kind === 'stored') await this.#forgetIntent(part.body.id);
    return outcome;
  }

  async listParts(
    at: UploadAddress,
    range: { afterPartNumber: number; limit: number },
    options: CallOptions,
  ): Promise<readonly Part[]> {
    options.signal.throwIfAborted();
    return await this.#parts.uploads.listParts(at, range, options);
  }

  async listUploads(range: UploadRange, options: CallOptions): Promise<readonly Upload[]> {
    options.signal.throwIfAborted();
    return await this.#parts.uploads.list(range, options);
  }

  async completeUpload(
    at: UploadAddress,
    completion: Completion,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<CompleteOutcome> {
    options.signal.throwIfAborted();
    return await this.#parts.uploads.complete(at, completion, condition, options);
  }

  async abortUpload(at: UploadAddress, options: CallOptions): Promise<'aborted' | 'no-such-upload'> {
    options.signal.throwIfAborted();
    return await this.#parts.uploads.abort(at, options);
  }

  async sweepUploads(
    { completedBeforeMs, limit }: { completedBeforeMs: number; limit: number },
    options: CallOptions,
  ): Promise<number> {
    options.signal.throwIfAborted();
    const beforeMs = this.#context.clock.ofCaller(completedBeforeMs);
    const dropped = await this.#parts.uploads.sweepCompleted({ beforeMs, limit }, options);
    return dropped + (await this.#parts.closed.sweepUploads(limit - dropped, options));
  }

  async openIntent(blob: BlobIntent, options: CallOptions): Promise<void> {
    options.signal.throwIfAborted();
    return await this.#parts.reclaim.openIntent(blob, options);
  }

  async renewIntent(blob: BlobIntent, options: CallOptions): Promise<boolean> {
    options.signal.throwIfAborted();
    return await this.#parts.reclaim.renewIntent(blob, options);
  }

  async abandonIntent(id: BlobId, options: CallOptions): Promise<void> {
    options.signal.throwIfAborted();
    return await this.#parts.reclaim.abandonIntent(id, options);
  }

  async expireIntents(expiry: { beforeMs: number; limit: number }, options: CallOptions): Promise<number> {
    options.signal.throwIfAborted();
    return await this.#parts.reclaim.expireIntents(expiry, options);
  }

  async listReclaimable(
    range: { beforeMs: number; nowMs: number; limit: number },
    options: CallOptions,
  ): Promise<readonly BlobAddress[]> {
    options.signal.throwIfAborted();
    return await this.#parts.reclaim.listReclaimable(range, options);
  }

  async forgetReclaimed(ids: readonly BlobId[], options: CallOptions): Promise<void> {
    options.signal.throwIfAborted();
    return await this.#parts.reclaim.forgetReclaimed(ids, options);
  }

  async setPin(pin: Pin, options: CallOptions): Promise<void> {
    options.signal.throwIfAborted();
    return await this.#parts.reclaim.setPin(pin, options);
  }

  async clearPin(id: string, options: CallOptions): Promise<void> {
    options.signal.throwIfAborted();
    return await this.#parts.reclaim.clearPin(id, options);
  }

  async getBlobState(id: BlobId, options: CallOptions): Promise<BlobState> {
    options.signal.throwIfAborted();
    return await this.#parts.reclaim.blobState(id, options);
  }

  scanReferences(options: CallOptions): AsyncIterable<BlobAddress> {
    return this.#parts.scans.references(options);
  }

  scanVersions(options: CallOptions): AsyncIterable<{ readonly bucketId: BucketId; readonly version: ObjectVersion }> {
    return this.#parts.scans.versions(options);
  }

  checkConsistency(options: CallOptions): AsyncIterable<string> {
    return this.#parts.scans.contradictions(options);
  }

  /** Clears a pin that nobody has set: a transaction, and nothing stays of it. */
  async checkWritable(options: CallOptions): Promise<void> {
    options.signal.throwIfAborted();
    await this.#parts.pins.clear('check', options);
  }

  /** Waits for the work that follows replies. */
  async idle(): Promise<void> {
    await this.#context.background.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.background[Symbol.asyncDispose]();
  }

  async #forgetIntent(id: BlobId): Promise<void> {
    await this.#context.background.run((options) => this.#parts.reclaim.settled(id, options));
  }
}

async function pauseInTime(ms: number, { signal }: CallOptions): Promise<void> {
  try {
    await timers.setTimeout(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

function systemRandom(): number {
  const [word = 0] = crypto.getRandomValues(new Uint32Array(1));
  return word / 2 ** 32;
}
