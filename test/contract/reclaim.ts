import { describe, expect, test } from 'vitest';
import { NULL_VERSION_ID } from '../../src/domain/names.ts';
import type { BlobAddress } from '../../src/domain/object-version.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import type { BlobIntent, BlobState } from '../../src/stores/reclaim.ts';
import {
  atOnce,
  blobDraft,
  collect,
  deleteKey,
  guardAt,
  inlineDraft,
  intendBlob,
  keyOf,
  must,
  newBlob,
  newBlobId,
  newBucketId,
  OPTIONS,
  put,
  STANDARD,
  stored,
} from './drafts.ts';
import { describePins, queue } from './pins.ts';
import { openFixture, type Subject } from './subject.ts';
import { completionOf, openUpload, putParts, stateOf } from './upload-steps.ts';

const FAR_MS = Number.MAX_SAFE_INTEGER;

/** Every sentence of `ReclaimStore`. */
export function reclaimContract(subject: Subject<Metastore>): void {
  describe(`Reclaim of ${subject.engine}`, () => {
    describe('intents', () => describeIntents(subject));
    describe('references', () => describeReferences(subject));
    describe('queue', () => describeQueue(subject));
    describe('pins', () => describePins(subject));
    describe('scans', () => describeScans(subject));
    if (subject.isShared) describe('two handles', () => describeSharing(subject));
    if (subject.isDurable) describe('durability', () => describeDurability(subject));
  });
}

function describeIntents(subject: Subject<Metastore>): void {
  test('a blob is unknown before its intent and intended after it', async () => {
    await using fixture = await openFixture(subject);
    const intent = intentAt(fixture.clock.nowMs);
    expect(await fixture.store.getBlobState(intent.id, OPTIONS)).toBe('unknown');
    await fixture.store.openIntent(intent, OPTIONS);
    await fixture.store.openIntent(intent, OPTIONS);
    expect(await fixture.store.getBlobState(intent.id, OPTIONS)).toBe('intended');
    expect(await queue(fixture)).toEqual([]);
    expect(await collect(fixture.store.scanReferences(OPTIONS))).toEqual([]);
  });

  test('intents older than the limit expire, those at it do not, and no more than the limit a call', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const intents = [1000, 2000, 3000, 4000, 5000].map(intentAt);
    for (const intent of intents) await store.openIntent(intent, OPTIONS);
    expect(await store.expireIntents({ beforeMs: 1000, limit: 10 }, OPTIONS)).toBe(0);
    expect(await store.expireIntents({ beforeMs: 4000, limit: 2 }, OPTIONS)).toBe(2);
    expect(await store.expireIntents({ beforeMs: 4000, limit: 2 }, OPTIONS)).toBe(1);
    expect(await store.expireIntents({ beforeMs: 4000, limit: 2 }, OPTIONS)).toBe(0);
    expect(await states(store, intents)).toEqual(['reclaimable', 'reclaimable', 'reclaimable', 'intended', 'intended']);
    expect(new Set(await queue(fixture))).toEqual(new Set(intents.slice(0, 3).map(({ id }) => id)));
  });

  test('a renewed intent counts from its new time', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const intent = intentAt(1000);
    await store.openIntent(intent, OPTIONS);
    expect(await store.renewIntent({ ...intent, atMs: 5000 }, OPTIONS)).toBe(true);
    expect(await store.expireIntents({ beforeMs: 5000, limit: 10 }, OPTIONS)).toBe(0);
    expect(await store.expireIntents({ beforeMs: 5001, limit: 10 }, OPTIONS)).toBe(1);
    expect(await store.renewIntent({ ...intent, atMs: 9000 }, OPTIONS)).toBe(false);
    expect(await store.getBlobState(intent.id, OPTIONS)).toBe('reclaimable');
  });

  test('renewing what is not open is false and opens nothing', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const unknown = intentAt(1000);
    expect(await store.renewIntent(unknown, OPTIONS)).toBe(false);
    expect(await store.getBlobState(unknown.id, OPTIONS)).toBe('unknown');
    const blob = await intendBlob(store, 1000);
    await store.putVersion(newBucketId(), blobDraft('key', blob), {}, OPTIONS);
    expect(await store.renewIntent({ ...blob, atMs: 2000 }, OPTIONS)).toBe(false);
    expect(await store.getBlobState(blob.id, OPTIONS)).toBe('referenced');
  });

  test('an abandoned intent is reclaimable at once; abandoning anything else does nothing', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const abandoned = await intendBlob(store, 1000);
    await store.abandonIntent(abandoned.id, OPTIONS);
    await store.abandonIntent(abandoned.id, OPTIONS);
    const used = await intendBlob(store, 1000);
    await store.putVersion(newBucketId(), blobDraft('key', used), {}, OPTIONS);
    await store.abandonIntent(used.id, OPTIONS);
    const unknown = newBlob();
    await store.abandonIntent(unknown.id, OPTIONS);
    expect(await states(store, [abandoned, used, unknown])).toEqual(['reclaimable', 'referenced', 'unknown']);
    expect(await queue(fixture)).toEqual([abandoned.id]);
  });

  test('an intent opened again brings no blob back that is past it', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const abandoned = await intendBlob(store, 1000);
    await store.abandonIntent(abandoned.id, OPTIONS);
    const used = await intendBlob(store, 1000);
    await store.putVersion(newBucketId(), blobDraft('key', used), {}, OPTIONS);
    for (const blob of [abandoned, used]) await store.openIntent({ ...blob, atMs: 1000 }, OPTIONS);
    expect(await store.expireIntents({ beforeMs: FAR_MS, limit: 10 }, OPTIONS)).toBe(0);
    expect(await states(store, [abandoned, used])).toEqual(['reclaimable', 'referenced']);
  });
}

function describeReferences(subject: Subject<Metastore>): void {
  test('a put of a blob without an intent or a reference is blob-gone and writes nothing', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const expired = await intendBlob(store, 1000);
    await store.expireIntents({ beforeMs: 2000, limit: 10 }, OPTIONS);
    const abandoned = await intendBlob(store, 1000);
    await store.abandonIntent(abandoned.id, OPTIONS);
    const forgotten = await intendBlob(store, 1000);
    await store.abandonIntent(forgotten.id, OPTIONS);
    await store.forgetReclaimed([forgotten.id], OPTIONS);
    const before = await put(store, bucketId, 'key', { text: 'before' });
    for (const blob of [newBlob(), expired, abandoned, forgotten]) {
      const outcome = await store.putVersion(bucketId, blobDraft('key', blob), {}, OPTIONS);
      expect(outcome).toEqual({ kind: 'blob-gone', blob });
      expect(await store.getVersion({ bucketId, key: before.key }, OPTIONS)).toEqual(before);
    }
    expect(await states(store, [expired, abandoned, forgotten])).toEqual(['reclaimable', 'reclaimable', 'unknown']);
  });

  test.each([
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [1, 3, 0, 2],
  ])('a blob stays while any version holds it (they go in the order %i %i %i %i)', async (...order) => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const [bucketId, other] = [newBucketId(), newBucketId()];
    const blob = await intendBlob(store, 1000);
    await store.putVersion(bucketId, blobDraft('a', blob), {}, OPTIONS);
    await store.putVersion(bucketId, blobDraft('b', blob), {}, OPTIONS);
    await store.putVersion(other, blobDraft('a', blob), {}, OPTIONS);
    const { versionId } = stored(await store.putVersion(bucketId, blobDraft('a', blob, { slot: 'new' }), {}, OPTIONS));
    const key = keyOf('a');
    const releases = [
      () => store.deleteVersion({ bucketId, key, versionId: NULL_VERSION_ID }, guardAt(0), OPTIONS),
      () => put(store, bucketId, 'b'),
      () => deleteKey(store, other, 'a', 'remove'),
      () => store.deleteVersion({ bucketId, key, versionId }, guardAt(0), OPTIONS),
    ];
    for (const index of order) {
      expect(await store.getBlobState(blob.id, OPTIONS)).toBe('referenced');
      expect(await queue(fixture)).toEqual([]);
      await releases[index]?.();
    }
    expect(await store.getBlobState(blob.id, OPTIONS)).toBe('reclaimable');
    expect(await queue(fixture)).toEqual([blob.id]);
  });

  test('of a copy and the delete of its source at once, the copy has its blob or is blob-gone', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    await atOnce(32, async (index) => {
      const blob = await intendBlob(store, 1000);
      await store.putVersion(bucketId, blobDraft(`source-${index}`, blob), {}, OPTIONS);
      const copy = () => store.putVersion(bucketId, blobDraft(`copy-${index}`, blob), {}, OPTIONS);
      const remove = () => deleteKey(store, bucketId, `source-${index}`, 'remove');
      const both = index % 2 === 0 ? [copy(), remove()] : [remove(), copy()];
      const kinds = (await Promise.all(both)).map(({ kind }) => kind);
      const expected = kinds.includes('stored') ? 'referenced' : 'reclaimable';
      expect(await store.getBlobState(blob.id, OPTIONS)).toBe(expected);
    });
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
  });

  test('of an expiry and a commit at once, the version has its blob or is blob-gone', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const blobs = await atOnce(32, () => intendBlob(store, 1000));
    const commits = blobs
      .slice(0, 16)
      .map((blob, index) => store.putVersion(bucketId, blobDraft(`${index}`, blob), {}, OPTIONS));
    const expiry = store.expireIntents({ beforeMs: 2000, limit: 100 }, OPTIONS);
    const later = blobs
      .slice(16)
      .map((blob, index) => store.putVersion(bucketId, blobDraft(`${index + 16}`, blob), {}, OPTIONS));
    await expiry;
    for (const [index, outcome] of (await Promise.all([...commits, ...later])).entries()) {
      const state = await store.getBlobState(blobs[index]?.id ?? newBlobId(), OPTIONS);
      expect(state).toBe(outcome.kind === 'stored' ? 'referenced' : 'reclaimable');
    }
  });
}

function describeQueue(subject: Subject<Metastore>): void {
  test('what is reclaimable is listed by the time of the store at its queueing', async () => {
    await using fixture = await openFixture(subject);
    const { store, clock } = fixture;
    const startMs = clock.nowMs;
    const blobs: BlobAddress[] = [];
    for (let index = 0; index < 5; index++) {
      blobs.push(await intendBlob(store, 1));
      await store.abandonIntent(blobs[index]?.id ?? newBlobId(), OPTIONS);
      clock.advance(1000);
    }
    const ids = blobs.map(({ id }) => id);
    expect(await queue(fixture, { beforeMs: startMs })).toEqual([]);
    expect(await queue(fixture, { beforeMs: startMs + 1 })).toEqual(ids.slice(0, 1));
    expect(new Set(await queue(fixture, { beforeMs: startMs + 3000 }))).toEqual(new Set(ids.slice(0, 3)));
    expect(await queue(fixture, { limit: 2 })).toHaveLength(2);
    const [address] = await store.listReclaimable({ beforeMs: startMs + 1, nowMs: clock.nowMs, limit: 1 }, OPTIONS);
    expect(address).toMatchObject({ id: ids[0], storageClass: STANDARD });
  });

  test.each(['abort', 'delete', 'complete without it', 'close and sweep'] as const)(
    'a blob that a part and a version share is queued when the later of them goes (the part by: %s)',
    async (way) => {
      await using fixture = await openFixture(subject);
      const { store, clock } = fixture;
      const [bucketId, other] = [newBucketId(), newBucketId()];
      const at = await openUpload(store, other, 'upload');
      const [part, rest] = await putParts(fixture, at, [1, 2]);
      const shared = must(part?.body);
      await store.putVersion(bucketId, blobDraft('key', shared), {}, OPTIONS);
      if (way === 'abort') await store.abortUpload(at, OPTIONS);
      if (way === 'delete') {
        await store.completeUpload(at, completionOf([must(part), must(rest)]), {}, OPTIONS);
        await deleteKey(store, other, 'upload', 'remove');
      }
      if (way === 'complete without it') await store.completeUpload(at, completionOf([must(rest)]), {}, OPTIONS);
      if (way === 'close and sweep') {
        await store.closeBucket(other, OPTIONS);
        await store.sweepUploads({ completedBeforeMs: 0, limit: 10 }, OPTIONS);
      }
      clock.advance(5000);
      await deleteKey(store, bucketId, 'key', 'remove');
      const queuedAtMs = clock.nowMs;
      clock.advance(5000);
      expect(await queue(fixture, { beforeMs: queuedAtMs })).not.toContain(shared.id);
      expect(await store.getBlobState(shared.id, OPTIONS)).toBe('reclaimable');
      expect(await queue(fixture, { beforeMs: queuedAtMs + 1 })).toContain(shared.id);
    },
  );

  test.each(['abort', 'delete'] as const)(
    'a blob that parts of two uploads share is queued when the later of them goes (both by: %s)',
    async (way) => {
      await using fixture = await openFixture(subject);
      const { store, clock } = fixture;
      const uploads = [await openUpload(store, newBucketId(), 'a'), await openUpload(store, newBucketId(), 'b')];
      const [part] = await putParts(fixture, must(uploads[0]), [1]);
      await store.putPart(must(uploads[1]), must(part), OPTIONS);
      if (way === 'delete') {
        for (const at of uploads) await store.completeUpload(at, completionOf([must(part)]), {}, OPTIONS);
      }
      for (const at of uploads) {
        clock.advance(5000);
        if (way === 'abort') await store.abortUpload(at, OPTIONS);
        else await deleteKey(store, at.bucketId, at.key, 'remove');
      }
      const queuedAtMs = clock.nowMs;
      clock.advance(5000);
      expect(await queue(fixture, { beforeMs: queuedAtMs })).toEqual([]);
      expect(await stateOf(store, part)).toBe('reclaimable');
      expect(await queue(fixture, { beforeMs: queuedAtMs + 1 })).toEqual([must(part?.body).id]);
      expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
    },
  );

  test('a reclaimed blob is forgotten and unknown; nothing else is forgotten', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const [reclaimed, waiting, intended] = [
      await intendBlob(store, 1000),
      await intendBlob(store, 1000),
      await intendBlob(store, 1000),
    ];
    await store.abandonIntent(reclaimed.id, OPTIONS);
    await store.abandonIntent(waiting.id, OPTIONS);
    const used = await intendBlob(store, 1000);
    await store.putVersion(newBucketId(), blobDraft('key', used), {}, OPTIONS);
    await store.forgetReclaimed([reclaimed.id, used.id, intended.id, newBlobId()], OPTIONS);
    await store.forgetReclaimed([reclaimed.id], OPTIONS);
    await store.forgetReclaimed([], OPTIONS);
    const expected = ['unknown', 'reclaimable', 'referenced', 'intended'];
    expect(await states(store, [reclaimed, waiting, used, intended])).toEqual(expected);
    expect(await queue(fixture)).toEqual([waiting.id]);
  });
}

function describeScans(subject: Subject<Metastore>): void {
  test('scanReferences gives each referenced blob once: of versions, parts and manifests', async () => {
    await using fixture = await openFixture(subject);
    const { store, clock } = fixture;
    const bucketId = newBucketId();
    const shared = await intendBlob(store, clock.nowMs);
    for (const key of ['a', 'b']) await store.putVersion(bucketId, blobDraft(key, shared), {}, OPTIONS);
    const open = await putParts(fixture, await openUpload(store, bucketId, 'open'), [1, 2]);
    const at = await openUpload(store, bucketId, 'completed');
    const completed = await putParts(fixture, at, [1, 2]);
    await store.completeUpload(at, completionOf(completed), {}, OPTIONS);
    await intendBlob(store, clock.nowMs);
    await store.abandonIntent((await intendBlob(store, clock.nowMs)).id, OPTIONS);
    await store.putVersion(bucketId, inlineDraft('inline', 'body'), {}, OPTIONS);
    const scanned = await collect(store.scanReferences(OPTIONS));
    const expected = [shared, ...[...open, ...completed].map(({ body }) => body)];
    const byId = (a: BlobAddress | undefined, b: BlobAddress | undefined) => ((a?.id ?? '') < (b?.id ?? '') ? -1 : 1);
    expect([...scanned].sort(byId)).toEqual([...expected].sort(byId));
  });

  test('scanVersions gives every version of every bucket, markers too', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const expected = new Map<string, unknown>();
    for (const bucketId of [newBucketId(), newBucketId()]) {
      for (let index = 0; index < 30; index++) {
        const version = await put(store, bucketId, `key-${index % 10}`, { text: `${index}`, slot: 'new' });
        expected.set(version.versionId, { bucketId, version });
      }
      const outcome = await deleteKey(store, bucketId, 'key-1', 'new-marker');
      if (outcome.kind === 'deleted' && outcome.marker !== undefined) {
        expected.set(outcome.marker.versionId, { bucketId, version: outcome.marker });
      }
    }
    const scanned = await collect(store.scanVersions(OPTIONS));
    expect(scanned).toHaveLength(62);
    expect(new Map(scanned.map((row) => [row.version.versionId, row]))).toEqual(expected);
  });

  test('a store that has gone through everything contradicts itself nowhere', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    for (let round = 0; round < 3; round++) {
      const at = await openUpload(store, bucketId, 'key');
      const parts = await putParts(fixture, at, [1, 2, 3]);
      await putParts(fixture, at, [2]);
      await putParts(fixture, await openUpload(store, bucketId, 'open'), [1]);
      if (round === 1) await store.abortUpload(at, OPTIONS);
      else await store.completeUpload(at, completionOf(parts.slice(0, 1), { slot: 'new' }), {}, OPTIONS);
      await put(store, bucketId, 'other', { slot: round === 0 ? 'null' : 'new' });
      await deleteKey(store, bucketId, 'other', 'null-marker');
      await store.expireIntents({ beforeMs: FAR_MS, limit: 1 }, OPTIONS);
      expect(await stateOf(store, parts[0])).toBe(round === 1 ? 'reclaimable' : 'referenced');
      expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
    }
  });
}

function describeSharing(subject: Subject<Metastore>): void {
  test('an intent, a pin and a queued blob of one handle count for another', async () => {
    await using fixture = await openFixture(subject);
    const { store, clock } = fixture;
    const other = await fixture.openAnother();
    const blob = await intendBlob(store, clock.nowMs);
    expect(await other.getBlobState(blob.id, OPTIONS)).toBe('intended');
    expect(await other.expireIntents({ beforeMs: clock.nowMs + 1, limit: 10 }, OPTIONS)).toBe(1);
    const outcome = await store.putVersion(newBucketId(), blobDraft('key', blob), {}, OPTIONS);
    expect(outcome).toEqual({ kind: 'blob-gone', blob });
    expect(await queue(fixture)).toEqual([blob.id]);
    await other.setPin({ id: 'pin', sinceMs: 0, expiresAtMs: FAR_MS }, OPTIONS);
    expect(await queue(fixture)).toEqual([]);
  });
}

function describeDurability(subject: Subject<Metastore>): void {
  test('intents, queue and pins are there when the store is opened again', async () => {
    await using fixture = await openFixture(subject);
    const { clock } = fixture;
    const intended = await intendBlob(fixture.store, clock.nowMs);
    const queued = await intendBlob(fixture.store, clock.nowMs);
    await fixture.store.abandonIntent(queued.id, OPTIONS);
    await fixture.store.setPin({ id: 'pin', sinceMs: 0, expiresAtMs: FAR_MS }, OPTIONS);
    const store = await fixture.reopen();
    expect(await states(store, [intended, queued])).toEqual(['intended', 'reclaimable']);
    expect(await queue({ store, clock })).toEqual([]);
    await store.clearPin('pin', OPTIONS);
    expect(await queue({ store, clock })).toEqual([queued.id]);
  });
}

function intentAt(atMs: number): BlobIntent {
  return { id: newBlobId(), storageClass: STANDARD, atMs };
}

function states(store: Metastore, blobs: readonly { readonly id: BlobAddress['id'] }[]): Promise<readonly BlobState[]> {
  return Promise.all(blobs.map(({ id }) => store.getBlobState(id, OPTIONS)));
}
