import type { WriteCondition } from '../../src/domain/condition.ts';
import {
  type BlobId,
  type BucketId,
  NULL_VERSION_ID,
  parseBlobId,
  parseBucketId,
  type VersionId,
} from '../../src/domain/names.ts';
import {
  type BlobAddress,
  DEFAULT_ATTRIBUTES,
  isLocked,
  type ObjectVersion,
  type VersionAttributes,
} from '../../src/domain/object-version.ts';
import type { Part, UploadAddress } from '../../src/domain/upload.ts';
import type { ListPosition, Metastore, VersionAddress, VersionDraft } from '../../src/stores/metastore.ts';
import {
  blobDraft,
  collect,
  deleteDraft,
  etagOf,
  guardAt,
  inlineDraft,
  keyOf,
  OPTIONS,
  STANDARD,
  uploadDraft,
} from './drafts.ts';
import {
  type BodyChoice,
  CONDITIONS,
  type ConditionChoice,
  type Lock,
  type PositionChoice,
  type Step,
} from './model-steps.ts';
import { completionOf } from './upload-steps.ts';

export const BUCKETS = 2;

const BLOB_BYTES = 20_000;
const EVERYTHING = { prefix: '', from: undefined, limit: 10_000 };

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;
type IdentifiedVersion = VersionAddress & { readonly versionId: VersionId };

/**
 * One store on its way through a sequence of steps. What `take` returns is equal for two stores that keep the same
 * contract: ids that a store made are replaced by their order, and what the contract leaves open is not asked for.
 */
export class ModelRun {
  readonly #store: Metastore;
  readonly #nowMs: () => number;
  /** Id → `version 3`: the order of its making. */
  readonly #labels = new Map<string, string>();
  readonly #versions: IdentifiedVersion[] = [];
  /** Those of `#versions` that were completed from uploads. */
  readonly #completed: IdentifiedVersion[] = [];
  readonly #uploads: UploadAddress[] = [];
  readonly #blobs: BlobId[] = [];

  constructor(store: Metastore, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /** Takes one step; the outcome with its ids replaced. `wait` is for the clock's owner. */
  async take(step: Step): Promise<unknown> {
    return this.#normalise(await this.#apply(step));
  }

  /** All that can be seen of the store. */
  async survey(): Promise<unknown> {
    const buckets = await Promise.all(
      Array.from({ length: BUCKETS }, async (_, bucket) => {
        const bucketId = bucketIdOf(bucket);
        return {
          isClosed: await this.#store.isBucketClosed(bucketId, OPTIONS),
          versions: await this.#store.listVersions({ bucketId, ...EVERYTHING }, OPTIONS),
          objects: await this.#store.listObjects({ bucketId, ...EVERYTHING }, OPTIONS),
          uploads: await this.#store.listUploads({ bucketId, prefix: '', after: undefined, limit: 1000 }, OPTIONS),
        };
      }),
    );
    const references = await collect(this.#store.scanReferences(OPTIONS));
    const versions = await collect(this.#store.scanVersions(OPTIONS));
    return this.#normalise({
      buckets,
      uploads: await Promise.all(this.#uploads.map((at) => this.#store.getUpload(at, OPTIONS))),
      parts: await Promise.all(this.#uploads.map((at) => this.#listParts(at))),
      states: await Promise.all(this.#blobs.map((id) => this.#store.getBlobState(id, OPTIONS))),
      references: references.map(({ id }) => id).sort(),
      versionsCount: versions.length,
      contradictions: await collect(this.#store.checkConsistency(OPTIONS)),
    });
  }

  #apply(step: Step): Promise<unknown> {
    const nowMs = this.#nowMs();
    switch (step.kind) {
      case 'put':
        return this.#put(step);
      case 'delete':
        return this.#delete(step);
      case 'delete-version':
        return this.#deleteVersion(step);
      case 'update-attributes':
        return this.#updateAttributes(step);
      case 'get':
        return this.#getVersion(pickOf(this.#versions, step.pick));
      case 'get-current':
        return this.#getVersion({ bucketId: bucketIdOf(step.at.bucket), key: keyOf(step.at.key) });
      case 'list':
        return this.#list(step);
      case 'close-bucket':
        return this.#store.closeBucket(bucketIdOf(step.bucket), OPTIONS);
      case 'create-upload':
        return this.#createUpload(step);
      case 'put-part':
        return this.#putPart(step);
      case 'complete':
        return this.#complete(step);
      case 'abort':
        return this.#onUpload(step.pick, (at) => this.#store.abortUpload(at, OPTIONS));
      case 'list-uploads':
        return this.#listUploads(step);
      case 'read-manifest':
        return this.#readManifest(step);
      case 'intend':
        return this.#intend();
      case 'abandon':
        return this.#store.abandonIntent(pickOf(this.#blobs, step.pick) ?? blobIdOf(0), OPTIONS);
      case 'expire':
        return this.#store.expireIntents({ beforeMs: nowMs - step.ageMs, limit: 1000 }, OPTIONS);
      case 'reclaim':
        return this.#reclaim(nowMs - step.ageMs);
      case 'pin': {
        const pin = { id: step.id, sinceMs: nowMs - step.agoMs, expiresAtMs: nowMs + step.forMs };
        return this.#store.setPin(pin, OPTIONS);
      }
      case 'clear-pin':
        return this.#store.clearPin(step.id, OPTIONS);
      case 'sweep':
        return this.#store.sweepUploads({ completedBeforeMs: nowMs - step.ageMs, limit: 1000 }, OPTIONS);
      case 'wait':
        return Promise.resolve();
    }
  }

  async #put(step: StepOf<'put'>): Promise<unknown> {
    const bucketId = bucketIdOf(step.at.bucket);
    const draft = await this.#draftOf(step.at.key, step.body);
    // Which of two refusals comes first is left open, so a body that may be gone is put under no condition.
    const mayBeGone = step.body.kind === 'copy' || step.body.kind === 'any-blob';
    const condition = mayBeGone ? {} : await this.#conditionOf(step.condition, { bucketId, key: draft.key });
    const timed = { ...draft, slot: step.slot, lastModifiedMs: this.#nowMs() };
    const outcome = await this.#store.putVersion(bucketId, timed, condition, OPTIONS);
    if (outcome.kind === 'stored') this.#learnVersion(bucketId, outcome.version);
    return outcome;
  }

  async #draftOf(key: string, body: BodyChoice): Promise<VersionDraft> {
    if (body.kind === 'inline') return inlineDraft(key, body.text);
    if (body.kind === 'new-blob') return blobDraft(key, addressOf(await this.#intend()));
    if (body.kind === 'any-blob') {
      const id = pickOf(this.#blobs, body.pick) ?? blobIdOf(0);
      return blobDraft(key, addressOf(id));
    }
    const source = await this.#getVersion(pickOf(this.#versions, body.pick));
    if (source?.kind !== 'object') return inlineDraft(key, 'nothing to copy');
    const { etag, sizeBytes } = source;
    return { ...inlineDraft(key), etag, sizeBytes, body: source.body };
  }

  async #delete(step: StepOf<'delete'>): Promise<unknown> {
    const bucketId = bucketIdOf(step.at.bucket);
    const draft = deleteDraft(step.at.key, step.mode);
    const condition = await this.#conditionOf(step.condition, { bucketId, key: draft.key });
    const outcome = await this.#store.deleteCurrent(bucketId, draft, condition, OPTIONS);
    if (outcome.kind === 'deleted' && outcome.marker !== undefined) this.#learnVersion(bucketId, outcome.marker);
    return outcome;
  }

  async #deleteVersion(step: StepOf<'delete-version'>): Promise<unknown> {
    const at = pickOf(this.#versions, step.pick);
    if (at === undefined) return undefined;
    const { bypassGovernance } = step;
    const guard = guardAt(this.#nowMs(), { bypassGovernance });
    const version = await this.#getVersion(at);
    // Which of two refusals comes first is left open.
    const isFree = version?.kind === 'object' && !isLocked(version.attributes, guard);
    const condition = isFree ? await this.#conditionOf(step.condition, at) : {};
    return this.#store.deleteVersion(at, { ...guard, condition }, OPTIONS);
  }

  async #updateAttributes({ pick, lock, isStale }: StepOf<'update-attributes'>): Promise<unknown> {
    const at = pickOf(this.#versions, pick);
    if (at === undefined) return undefined;
    const version = await this.#getVersion(at);
    const revision = version?.kind === 'object' ? version.attributesRevision : 1;
    const attributes = attributesOf(lock, this.#nowMs());
    return this.#store.updateAttributes(at, { attributes, revision: isStale ? revision + 1 : revision }, OPTIONS);
  }

  async #list({ bucket, what, prefix, from, limit }: StepOf<'list'>): Promise<unknown> {
    const bucketId = bucketIdOf(bucket);
    const range = { bucketId, prefix, from: await this.#positionOf(bucketId, from), limit };
    if (what === 'versions') return this.#store.listVersions(range, OPTIONS);
    if (range.from?.kind === 'after-version') range.from = { kind: 'after-key', key: range.from.key };
    return this.#store.listObjects(range, OPTIONS);
  }

  async #createUpload({ at }: StepOf<'create-upload'>): Promise<unknown> {
    const bucketId = bucketIdOf(at.bucket);
    const draft = uploadDraft(at.key, { initiatedAtMs: this.#nowMs() });
    const outcome = await this.#store.createUpload(bucketId, draft, OPTIONS);
    if (outcome.kind !== 'created') return outcome;
    const { uploadId } = outcome.upload;
    this.#labels.set(uploadId, `upload ${this.#uploads.length}`);
    this.#uploads.push({ bucketId, key: draft.key, uploadId });
    return outcome;
  }

  async #putPart({ pick, partNumber, blob }: StepOf<'put-part'>): Promise<unknown> {
    const id = blob === 'new' ? await this.#intend() : pickOf(this.#blobs, pick);
    const body = blob === 'none' || id === undefined ? undefined : addressOf(id);
    const part: Part = {
      partNumber,
      sizeBytes: body?.sizeBytes ?? 0,
      etag: etagOf(body?.id ?? ''),
      checksum: undefined,
      lastModifiedMs: this.#nowMs(),
      body,
    };
    return this.#onUpload(pick, (at) => this.#store.putPart(at, part, OPTIONS));
  }

  async #complete(step: StepOf<'complete'>): Promise<unknown> {
    const at = pickOf(this.#uploads, step.pick);
    if (at === undefined) return undefined;
    const parts = await this.#listParts(at);
    const chosen = parts.filter(({ partNumber }) => step.parts !== 'even' || partNumber % 2 === 0);
    if (chosen.length === 0) return undefined;
    // Which of two refusals comes first is left open.
    const condition = step.parts === 'wrong' ? {} : await this.#conditionOf(step.condition, at);
    const listed = step.parts === 'wrong' ? chosen.map((part) => ({ ...part, etag: etagOf('wrong') })) : chosen;
    const completion = completionOf(listed, { slot: step.slot, lastModifiedMs: this.#nowMs() });
    const outcome = await this.#store.completeUpload(at, completion, condition, OPTIONS);
    if (outcome.kind !== 'completed') return outcome;
    this.#completed.push({ ...at, versionId: outcome.version.versionId });
    this.#learnVersion(at.bucketId, outcome.version);
    return outcome;
  }

  async #listUploads({ bucket, prefix, afterPick, limit }: StepOf<'list-uploads'>): Promise<unknown> {
    const after = afterPick === undefined ? undefined : pickOf(this.#uploads, afterPick);
    return this.#store.listUploads({ bucketId: bucketIdOf(bucket), prefix, after, limit }, OPTIONS);
  }

  async #readManifest({ pick, offsetBytes, limit }: StepOf<'read-manifest'>): Promise<unknown> {
    const version = await this.#getVersion(pickOf(this.#completed, pick));
    if (version?.kind !== 'object' || version.body.kind !== 'manifest' || version.sizeBytes === 0) return undefined;
    const from = { offsetBytes: offsetBytes % version.sizeBytes };
    return this.#store.readManifest(version.body.manifestId, from, limit, OPTIONS);
  }

  async #intend(): Promise<BlobId> {
    const id = blobIdOf(this.#blobs.length + 1);
    this.#blobs.push(id);
    await this.#store.openIntent({ id, storageClass: STANDARD, atMs: this.#nowMs() }, OPTIONS);
    return id;
  }

  async #reclaim(beforeMs: number): Promise<unknown> {
    const range = { beforeMs, nowMs: this.#nowMs(), limit: 1000 };
    const ids = (await this.#store.listReclaimable(range, OPTIONS)).map(({ id }) => id).sort();
    await this.#store.forgetReclaimed(ids, OPTIONS);
    return ids;
  }

  async #onUpload<Result>(pick: number, call: (at: UploadAddress) => Promise<Result>): Promise<Result | undefined> {
    const at = pickOf(this.#uploads, pick);
    return at === undefined ? undefined : call(at);
  }

  #listParts(at: UploadAddress): Promise<readonly Part[]> {
    return this.#store.listParts(at, { afterPartNumber: 0, limit: 1000 }, OPTIONS);
  }

  async #getVersion(at: VersionAddress | undefined): Promise<ObjectVersion | undefined> {
    return at === undefined ? undefined : this.#store.getVersion(at, OPTIONS);
  }

  async #conditionOf(choice: ConditionChoice, at: VersionAddress): Promise<WriteCondition> {
    if (choice !== 'if-match-pick') return CONDITIONS[choice];
    const version = await this.#getVersion(at);
    return { ifMatch: [version?.kind === 'object' ? version.etag : etagOf('none')] };
  }

  /** Where a version stood that is null and gone, or of another bucket, cannot be told: the list begins after its key. */
  async #positionOf(bucketId: BucketId, choice: PositionChoice | undefined): Promise<ListPosition | undefined> {
    if (choice === undefined) return undefined;
    if (choice.kind === 'after-prefix') return { kind: choice.kind, prefix: choice.text };
    if (choice.kind !== 'after-version') return { kind: choice.kind, key: choice.text };
    const at = pickOf(this.#versions, choice.pick);
    if (at === undefined) return undefined;
    const { key, versionId } = at;
    const isOfBucket = at.bucketId === bucketId;
    const isThere =
      versionId === NULL_VERSION_ID ? (await this.#getVersion({ ...at, bucketId })) !== undefined : isOfBucket;
    return isThere ? { kind: 'after-version', key, versionId } : { kind: 'after-key', key };
  }

  #learnVersion(bucketId: BucketId, version: ObjectVersion): void {
    const { key, versionId } = version;
    if (versionId !== NULL_VERSION_ID) this.#labels.set(versionId, `version ${this.#versions.length}`);
    if (version.kind === 'object' && version.body.kind === 'manifest' && !this.#labels.has(version.body.manifestId)) {
      this.#labels.set(version.body.manifestId, `manifest of ${this.#versions.length}`);
    }
    this.#versions.push({ bucketId, key, versionId });
  }

  /** `value` with the ids that the store made replaced, and without what is undefined. */
  #normalise(value: unknown): unknown {
    if (typeof value === 'string') return this.#labels.get(value) ?? value;
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    if (Array.isArray(value)) return value.map((item) => this.#normalise(item));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([name, item]) => [name, this.#normalise(item)]));
  }
}

function pickOf<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items.length === 0 ? undefined : items.at(-1 - (pick % items.length));
}

function bucketIdOf(bucket: number): BucketId {
  return parseBucketId(String(bucket).padStart(32, '0'));
}

function blobIdOf(index: number): BlobId {
  return parseBlobId(index.toString(16).padStart(32, '0'));
}

/** Every blob of a model test has the same length. */
function addressOf(id: BlobId): BlobAddress {
  return { id, storageClass: STANDARD, sizeBytes: BLOB_BYTES };
}

function attributesOf(lock: Lock, nowMs: number): VersionAttributes {
  const retainUntilMs = nowMs + 5000;
  switch (lock) {
    case 'none':
      return DEFAULT_ATTRIBUTES;
    case 'hold':
      return { ...DEFAULT_ATTRIBUTES, legalHold: true };
    case 'governance':
      return { ...DEFAULT_ATTRIBUTES, retention: { mode: 'GOVERNANCE', retainUntilMs } };
    case 'compliance':
      return { ...DEFAULT_ATTRIBUTES, retention: { mode: 'COMPLIANCE', retainUntilMs } };
  }
}
