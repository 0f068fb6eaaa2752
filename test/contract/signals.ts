import { expect, test } from 'vitest';
import { type BucketId, NULL_VERSION_ID, type parseUploadId } from '../../src/domain/names.ts';
import { DEFAULT_ATTRIBUTES, parseManifestId } from '../../src/domain/object-version.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import type { CallOptions } from '../../src/stores/store.ts';
import {
  blobDraft,
  collect,
  deleteDraft,
  etagOf,
  guardAt,
  inlineDraft,
  intendBlob,
  keyOf,
  newBlob,
  newBucketId,
  OPTIONS,
  put,
  STANDARD,
  uploadDraft,
} from './drafts.ts';
import { openFixture, type Subject } from './subject.ts';

type Call = (store: Metastore, target: Target, options: CallOptions) => Promise<unknown>;

/** What the calls name; all of it exists. */
interface Target {
  readonly bucketId: BucketId;
  readonly uploadAt: {
    readonly bucketId: BucketId;
    readonly key: typeof KEY;
    readonly uploadId: ReturnType<typeof parseUploadId>;
  };
  readonly blob: ReturnType<typeof newBlob>;
}

const KEY = keyOf('key');
const PART = { partNumber: 1, sizeBytes: 0, etag: etagOf(''), checksum: undefined, lastModifiedMs: 0, body: undefined };
const COMPLETION = {
  parts: [{ partNumber: 1, etag: etagOf('') }],
  etag: etagOf('whole'),
  checksum: undefined,
  slot: 'null',
  lastModifiedMs: 0,
} as const;
const EMPTY_BUCKET_ID = newBucketId();
const NEW_BLOB = newBlob();
const RANGE = { prefix: '', from: undefined, limit: 10 };

/** One call of every method, each of which would have an effect or an answer. */
const CALLS: { readonly [Name in Exclude<keyof Metastore, 'description' | 'inlineBytesMax' | symbol>]: Call } = {
  getVersion: (store, { bucketId }, options) => store.getVersion({ bucketId, key: KEY }, options),
  putVersion: (store, { bucketId }, options) => store.putVersion(bucketId, inlineDraft('new'), {}, options),
  deleteCurrent: (store, { bucketId }, options) =>
    store.deleteCurrent(bucketId, deleteDraft('key', 'new-marker'), {}, options),
  deleteVersion: (store, { bucketId }, options) =>
    store.deleteVersion({ bucketId, key: KEY, versionId: NULL_VERSION_ID }, guardAt(0), options),
  updateAttributes: (store, { bucketId }, options) => {
    const attributes = { ...DEFAULT_ATTRIBUTES, legalHold: true };
    return store.updateAttributes(
      { bucketId, key: KEY, versionId: NULL_VERSION_ID },
      { attributes, revision: 1 },
      options,
    );
  },
  readManifest: (store, _, options) => store.readManifest(parseManifestId('none'), { offsetBytes: 0 }, 10, options),
  listObjects: (store, { bucketId }, options) => store.listObjects({ bucketId, ...RANGE }, options),
  listVersions: (store, { bucketId }, options) => store.listVersions({ bucketId, ...RANGE }, options),
  closeBucket: (store, _, options) => store.closeBucket(EMPTY_BUCKET_ID, options),
  isBucketClosed: (store, { bucketId }, options) => store.isBucketClosed(bucketId, options),
  createUpload: (store, { bucketId }, options) => store.createUpload(bucketId, uploadDraft('new'), options),
  getUpload: (store, { uploadAt }, options) => store.getUpload(uploadAt, options),
  putPart: (store, { uploadAt }, options) => store.putPart(uploadAt, { ...PART, partNumber: 2 }, options),
  listParts: (store, { uploadAt }, options) => store.listParts(uploadAt, { afterPartNumber: 0, limit: 10 }, options),
  listUploads: (store, { bucketId }, options) =>
    store.listUploads({ bucketId, prefix: '', after: undefined, limit: 10 }, options),
  completeUpload: (store, { uploadAt }, options) => store.completeUpload(uploadAt, COMPLETION, {}, options),
  abortUpload: (store, { uploadAt }, options) => store.abortUpload(uploadAt, options),
  sweepUploads: (store, _, options) =>
    store.sweepUploads({ completedBeforeMs: Number.MAX_SAFE_INTEGER, limit: 10 }, options),
  openIntent: (store, _, options) => store.openIntent({ ...NEW_BLOB, atMs: 0 }, options),
  renewIntent: (store, { blob }, options) => store.renewIntent({ ...blob, atMs: Number.MAX_SAFE_INTEGER }, options),
  abandonIntent: (store, { blob }, options) => store.abandonIntent(blob.id, options),
  expireIntents: (store, _, options) => store.expireIntents({ beforeMs: Number.MAX_SAFE_INTEGER, limit: 10 }, options),
  listReclaimable: (store, _, options) => store.listReclaimable({ beforeMs: 0, nowMs: 0, limit: 10 }, options),
  forgetReclaimed: (store, { blob }, options) => store.forgetReclaimed([blob.id], options),
  setPin: (store, _, options) => store.setPin({ id: 'pin', sinceMs: 0, expiresAtMs: Number.MAX_SAFE_INTEGER }, options),
  clearPin: (store, _, options) => store.clearPin('pin', options),
  getBlobState: (store, { blob }, options) => store.getBlobState(blob.id, options),
  scanReferences: (store, _, options) => collect(store.scanReferences(options)),
  scanVersions: (store, _, options) => collect(store.scanVersions(options)),
  checkConsistency: (store, _, options) => collect(store.checkConsistency(options)),
  checkWritable: (store, _, options) => store.checkWritable(options),
};

export function describeSignals(subject: Subject<Metastore>): void {
  test('a signal that has fired ends every call with its reason, and nothing is written', async () => {
    await using fixture = await openFixture(subject);
    const target = await prepare(fixture.store);
    const before = await dump(fixture.store, target);
    const reason = new Error('too late');
    const options = { signal: AbortSignal.abort(reason) };
    for (const [name, call] of Object.entries(CALLS)) {
      await expect(call(fixture.store, target, options), name).rejects.toBe(reason);
    }
    expect(await dump(fixture.store, target)).toEqual(before);
  });

  test('a signal ends a scan that has begun', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    for (const key of ['a', 'b']) {
      await store.putVersion(bucketId, blobDraft(key, await intendBlob(store, 0)), {}, OPTIONS);
    }
    await expectEndOf((options) => store.scanVersions(options));
    await expectEndOf((options) => store.scanReferences(options));
  });

  test.each(Object.entries(CALLS))('a signal that fires during %s ends it promptly', async (_, call) => {
    await using fixture = await openFixture(subject);
    const target = await prepare(fixture.store);
    const controller = new AbortController();
    const reason = new Error('the client went away');
    const outcome = call(fixture.store, target, { signal: controller.signal }).catch((error: unknown) => error);
    controller.abort(reason);
    const result = await outcome;
    // The call may have been done already; where it was not, it says why.
    if (result instanceof Error) expect(result).toBe(reason);
  });
}

async function expectEndOf<Row>(scan: (options: CallOptions) => AsyncIterable<Row>): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('the client went away');
  const scanning = (async () => {
    for await (const _ of scan({ signal: controller.signal })) controller.abort(reason);
  })();
  await expect(scanning).rejects.toBe(reason);
}

async function prepare(store: Metastore): Promise<Target> {
  const bucketId = newBucketId();
  await put(store, bucketId, 'key', { text: 'body' });
  const created = await store.createUpload(bucketId, uploadDraft('key'), OPTIONS);
  if (created.kind !== 'created') throw new TypeError('The upload was not created.');
  const uploadAt = { bucketId, key: KEY, uploadId: created.upload.uploadId };
  await store.putPart(uploadAt, PART, OPTIONS);
  return { bucketId, uploadAt, blob: await intendBlob(store, 0) };
}

/** All that the calls could have changed. */
async function dump(store: Metastore, { bucketId, uploadAt, blob }: Target): Promise<unknown> {
  const pinned = newBlob();
  await store.openIntent({ id: pinned.id, storageClass: STANDARD, atMs: 0 }, OPTIONS);
  await store.abandonIntent(pinned.id, OPTIONS);
  const range = { beforeMs: Number.MAX_SAFE_INTEGER, nowMs: 0, limit: 10 };
  const isPinned = (await store.listReclaimable(range, OPTIONS)).length === 0;
  await store.forgetReclaimed([pinned.id], OPTIONS);
  return {
    isPinned,
    versions: await collect(store.scanVersions(OPTIONS)),
    uploads: await store.listUploads({ bucketId, prefix: '', after: undefined, limit: 10 }, OPTIONS),
    upload: await store.getUpload(uploadAt, OPTIONS),
    parts: await store.listParts(uploadAt, { afterPartNumber: 0, limit: 10 }, OPTIONS),
    blobs: [await store.getBlobState(blob.id, OPTIONS), await store.getBlobState(NEW_BLOB.id, OPTIONS)],
    isClosed: await store.isBucketClosed(EMPTY_BUCKET_ID, OPTIONS),
  };
}
