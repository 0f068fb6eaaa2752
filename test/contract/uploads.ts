import { describe, expect, test } from 'vitest';
import { parseUploadId } from '../../src/domain/names.ts';
import { DEFAULT_ATTRIBUTES } from '../../src/domain/object-version.ts';
import { PART_NUMBER_MAX } from '../../src/domain/upload.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { describeCompletion } from './completions.ts';
import { atOnce, collect, etagOf, keyOf, newBlob, newBucketId, OPTIONS, OWNER, uploadDraft } from './drafts.ts';
import { openFixture, type Subject } from './subject.ts';
import { describeUploadListings } from './upload-listings.ts';
import { completionOf, openUpload, partOf, putParts, stateOf } from './upload-steps.ts';

const EVERYTHING = { afterPartNumber: 0, limit: 20_000 };

/** Every sentence of `UploadStore`, and of `readManifest`. */
export function uploadsContract(subject: Subject<Metastore>): void {
  describe(`Uploads of ${subject.engine}`, () => {
    describe('upload', () => describeUploads(subject));
    describe('parts', () => describeParts(subject));
    describe('complete', () => describeCompletion(subject));
    describe('abort', () => describeAborts(subject));
    describe('sweep', () => describeSweeps(subject));
    describe('lists', () => describeUploadListings(subject));
    if (subject.isShared) describe('two handles', () => describeSharing(subject));
    if (subject.isDurable) describe('durability', () => describeDurability(subject));
  });
}

function describeUploads(subject: Subject<Metastore>): void {
  test('an upload is open with all that it was created with, under an id of the store', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const draft = uploadDraft('key', {
      headers: { contentType: 'text/plain', websiteRedirectLocation: '/else' },
      userMetadata: [['größe', '日本語']],
      checksum: { algorithm: 'SHA256', type: 'COMPOSITE', requested: true },
      attributes: { ...DEFAULT_ATTRIBUTES, tags: [['a', 'b']], legalHold: true },
      initiator: { ...OWNER, displayName: 'Initiator' },
      origin: '7a1c4f0e-6d1b-4b1e-9a53-0d1a9d8f2c11',
    });
    const outcome = await fixture.store.createUpload(bucketId, draft, OPTIONS);
    if (outcome.kind !== 'created') throw new TypeError('The upload was not created.');
    const { uploadId } = outcome.upload;
    expect(uploadId).toMatch(/^[\w.~-]{16,1024}$/);
    expect(outcome.upload).toEqual({ ...draft, uploadId, state: { kind: 'open' } });
    const at = { bucketId, key: draft.key, uploadId };
    expect(await fixture.store.getUpload(at, OPTIONS)).toEqual(outcome.upload);
  });

  test('an upload that was brought over keeps the id that it had, beside its initiator or without one', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    for (const changes of [{ origin: 'a' }, { origin: 'b', initiator: { ...OWNER, displayName: 'Initiator' } }]) {
      const draft = uploadDraft('key', changes);
      const outcome = await fixture.store.createUpload(bucketId, draft, OPTIONS);
      expect(outcome).toMatchObject({ kind: 'created', upload: draft });
    }
    const listed = await fixture.store.listUploads({ bucketId, prefix: '', after: undefined, limit: 10 }, OPTIONS);
    expect(listed.map(({ origin, initiator }) => [origin, initiator?.displayName])).toEqual([
      ['a', undefined],
      ['b', 'Initiator'],
    ]);
  });

  test('an upload is found under its own bucket, key and id only', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const others = [
      { ...at, bucketId: newBucketId() },
      { ...at, key: keyOf('other') },
      ...['', 'nonsense', 'f'.repeat(32), '\0', 'x'.repeat(5000)].map((id) => ({ ...at, uploadId: parseUploadId(id) })),
    ];
    for (const other of others) {
      expect(await fixture.store.getUpload(other, OPTIONS)).toBeUndefined();
      expect(await fixture.store.putPart(other, partOf(1), OPTIONS)).toEqual({ kind: 'no-such-upload' });
      expect(await fixture.store.listParts(other, EVERYTHING, OPTIONS)).toEqual([]);
      expect(await fixture.store.abortUpload(other, OPTIONS)).toBe('no-such-upload');
      const outcome = await fixture.store.completeUpload(other, completionOf([]), {}, OPTIONS);
      expect(outcome).toEqual({ kind: 'no-such-upload' });
    }
    expect(await fixture.store.getUpload(at, OPTIONS)).toMatchObject({ state: { kind: 'open' } });
  });

  test('uploads of one key are apart, and their ids sort by the time of their making', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const ids: string[] = [];
    for (let index = 0; index < 40; index++) {
      ids.push((await openUpload(fixture.store, bucketId, 'key')).uploadId);
      if (index % 3 === 0) fixture.clock.advance(1);
    }
    expect(new Set(ids).size).toBe(40);
    expect([...ids].sort()).toEqual(ids);
  });

  test('an open upload makes nothing visible', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const at = await openUpload(fixture.store, bucketId, 'key');
    await putParts(fixture, at, [1]);
    expect(await fixture.store.getVersion(at, OPTIONS)).toBeUndefined();
    const range = { bucketId, prefix: '', from: undefined, limit: 10 };
    expect(await fixture.store.listVersions(range, OPTIONS)).toEqual([]);
  });
}

function describeParts(subject: Subject<Metastore>): void {
  test('parts are listed by number, whatever the order of their coming', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [10, 2, PART_NUMBER_MAX, 1, 256, 255, 9999, 3]);
    const expected = [...parts].sort((a, b) => a.partNumber - b.partNumber);
    expect(await fixture.store.listParts(at, EVERYTHING, OPTIONS)).toEqual(expected);
    for (const limit of [1, 3, 8]) {
      for (const afterPartNumber of [0, 1, 4, 255, 9999, PART_NUMBER_MAX]) {
        const range = { afterPartNumber, limit };
        const page = expected.filter(({ partNumber }) => partNumber > afterPartNumber).slice(0, limit);
        expect(await fixture.store.listParts(at, range, OPTIONS)).toEqual(page);
      }
    }
  });

  test('a part takes its blob from an intent to a reference', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const [part] = await putParts(fixture, at, [1]);
    expect(await stateOf(fixture.store, part)).toBe('referenced');
    const expiry = { beforeMs: fixture.clock.nowMs + 1, limit: 10 };
    expect(await fixture.store.expireIntents(expiry, OPTIONS)).toBe(0);
  });

  test('a part replaces the one with its number, whose blob is reclaimable', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const [replaced, kept] = await putParts(fixture, at, [1, 2]);
    const [part] = await putParts(fixture, at, [1]);
    expect(await fixture.store.listParts(at, EVERYTHING, OPTIONS)).toEqual([part, kept]);
    expect(await stateOf(fixture.store, replaced)).toBe('reclaimable');
    expect(await stateOf(fixture.store, part)).toBe('referenced');
  });

  test('the same part repeated, as after an unknown outcome, keeps its blob', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const [part] = await putParts(fixture, at, [1]);
    if (part === undefined) throw new TypeError('No part.');
    expect(await fixture.store.putPart(at, part, OPTIONS)).toEqual({ kind: 'stored' });
    expect(await stateOf(fixture.store, part)).toBe('referenced');
    expect(await fixture.store.listParts(at, EVERYTHING, OPTIONS)).toEqual([part]);
  });

  test('a part whose blob has neither an intent nor a reference is blob-gone', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const [before] = await putParts(fixture, at, [1]);
    const blob = newBlob();
    const outcome = await fixture.store.putPart(at, { ...partOf(1), body: blob }, OPTIONS);
    expect(outcome).toEqual({ kind: 'blob-gone', blob });
    expect(await fixture.store.listParts(at, EVERYTHING, OPTIONS)).toEqual([before]);
  });

  test('a part of no bytes has no blob', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const empty = { ...partOf(1), sizeBytes: 0, body: undefined };
    expect(await fixture.store.putPart(at, empty, OPTIONS)).toEqual({ kind: 'stored' });
    expect(await fixture.store.listParts(at, EVERYTHING, OPTIONS)).toEqual([empty]);
  });

  test('64 parts at once are all stored, and of 64 at once with one number one stays', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    await atOnce(64, (index) => putParts(fixture, at, [index + 1]));
    expect(await fixture.store.listParts(at, EVERYTHING, OPTIONS)).toHaveLength(64);
    const parts = (await atOnce(64, () => putParts(fixture, at, [7]))).flat();
    const states = await Promise.all(parts.map((part) => stateOf(fixture.store, part)));
    expect(states.filter((state) => state === 'referenced')).toHaveLength(1);
    expect(states.filter((state) => state === 'reclaimable')).toHaveLength(63);
    const listed = await fixture.store.listParts(at, { afterPartNumber: 6, limit: 1 }, OPTIONS);
    expect(listed).toEqual([parts[states.indexOf('referenced')]]);
    expect(await collect(fixture.store.checkConsistency(OPTIONS))).toEqual([]);
  });
}

function describeAborts(subject: Subject<Metastore>): void {
  test('an aborted upload is gone and its parts are reclaimable', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const at = await openUpload(store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [1, 2, 3]);
    expect(await store.abortUpload(at, OPTIONS)).toBe('aborted');
    expect(await store.getUpload(at, OPTIONS)).toBeUndefined();
    expect(await store.listParts(at, EVERYTHING, OPTIONS)).toEqual([]);
    for (const part of parts) expect(await stateOf(store, part)).toBe('reclaimable');
    expect(await store.abortUpload(at, OPTIONS)).toBe('no-such-upload');
    expect(await store.putPart(at, partOf(1), OPTIONS)).toEqual({ kind: 'no-such-upload' });
    expect(await store.completeUpload(at, completionOf(parts), {}, OPTIONS)).toEqual({ kind: 'no-such-upload' });
  });

  test('aborting one upload leaves the others of its key', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const [first, second] = [
      await openUpload(fixture.store, bucketId, 'key'),
      await openUpload(fixture.store, bucketId, 'key'),
    ];
    await putParts(fixture, first, [1]);
    const [kept] = await putParts(fixture, second, [1]);
    await fixture.store.abortUpload(first, OPTIONS);
    expect(await fixture.store.listParts(second, EVERYTHING, OPTIONS)).toEqual([kept]);
    expect(await stateOf(fixture.store, kept)).toBe('referenced');
  });

  test('aborting a completed upload touches none of its bytes', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [1, 2]);
    await fixture.store.completeUpload(at, completionOf(parts), {}, OPTIONS);
    expect(await fixture.store.abortUpload(at, OPTIONS)).toBe('no-such-upload');
    for (const part of parts) expect(await stateOf(fixture.store, part)).toBe('referenced');
    expect(await fixture.store.getVersion(at, OPTIONS)).toMatchObject({ kind: 'object' });
  });

  test('of a complete and an abort at once, one wins and the bytes follow it', async () => {
    await using fixture = await openFixture(subject);
    for (let round = 0; round < 10; round++) {
      const at = await openUpload(fixture.store, newBucketId(), 'key');
      const parts = await putParts(fixture, at, [1, 2]);
      const complete = async () => (await fixture.store.completeUpload(at, completionOf(parts), {}, OPTIONS)).kind;
      const abort = () => fixture.store.abortUpload(at, OPTIONS);
      const both = round % 2 === 0 ? [complete(), abort()] : [abort(), complete()];
      const outcomes = (await Promise.all(both)).sort().join(' ');
      expect(['completed no-such-upload', 'aborted no-such-upload']).toContain(outcomes);
      const expected = outcomes.startsWith('completed') ? 'referenced' : 'reclaimable';
      for (const part of parts) expect(await stateOf(fixture.store, part)).toBe(expected);
    }
  });
}

function describeSweeps(subject: Subject<Metastore>): void {
  test('the record of a completed upload is dropped after its time, and the object stays', async () => {
    await using fixture = await openFixture(subject);
    const { store, clock } = fixture;
    const bucketId = newBucketId();
    const at = await openUpload(store, bucketId, 'key');
    const parts = await putParts(fixture, at, [1]);
    await store.completeUpload(at, completionOf(parts, { lastModifiedMs: clock.nowMs }), {}, OPTIONS);
    const open = await openUpload(store, bucketId, 'key');
    expect(await store.sweepUploads({ completedBeforeMs: clock.nowMs - 1000, limit: 10 }, OPTIONS)).toBe(0);
    expect(await store.getUpload(at, OPTIONS)).toMatchObject({ state: { kind: 'completed' } });
    expect(await store.sweepUploads({ completedBeforeMs: clock.nowMs + 1000, limit: 10 }, OPTIONS)).toBe(1);
    expect(await store.getUpload(at, OPTIONS)).toBeUndefined();
    expect(await store.getUpload(open, OPTIONS)).toMatchObject({ state: { kind: 'open' } });
    expect(await store.getVersion(at, OPTIONS)).toMatchObject({ kind: 'object' });
    expect(await stateOf(store, parts[0])).toBe('referenced');
    expect(await store.sweepUploads({ completedBeforeMs: clock.nowMs + 1000, limit: 10 }, OPTIONS)).toBe(0);
  });

  test('a sweep drops no more than its limit, and repeated sweeps drop all', async () => {
    await using fixture = await openFixture(subject);
    const { store, clock } = fixture;
    const bucketId = newBucketId();
    for (let index = 0; index < 5; index++) {
      const at = await openUpload(store, bucketId, `key-${index}`);
      await store.putPart(at, { ...partOf(1), sizeBytes: 0, body: undefined }, OPTIONS);
      const completion = completionOf([partOf(1)], { lastModifiedMs: clock.nowMs });
      expect(await store.completeUpload(at, completion, {}, OPTIONS)).toMatchObject({ kind: 'completed' });
    }
    const sweep = { completedBeforeMs: clock.nowMs + 1, limit: 2 };
    const dropped: number[] = [];
    for (let round = 0; round < 4; round++) dropped.push(await store.sweepUploads(sweep, OPTIONS));
    expect(dropped).toEqual([2, 2, 1, 0]);
  });

  test('closing a bucket aborts its uploads, and a sweep makes their parts reclaimable', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const at = await openUpload(store, bucketId, 'key');
    const other = await openUpload(store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [1, 2]);
    const [kept] = await putParts(fixture, other, [1]);
    expect(await store.closeBucket(bucketId, OPTIONS)).toBe('closed');
    expect(await store.getUpload(at, OPTIONS)).toBeUndefined();
    expect(await store.putPart(at, { ...partOf(3), sizeBytes: 0, body: undefined }, OPTIONS)).toEqual({
      kind: 'no-such-upload',
    });
    expect(await store.completeUpload(at, completionOf(parts), {}, OPTIONS)).toEqual({ kind: 'bucket-closed' });
    expect(await store.listUploads({ bucketId, prefix: '', after: undefined, limit: 10 }, OPTIONS)).toEqual([]);
    expect(await store.sweepUploads({ completedBeforeMs: 0, limit: 10 }, OPTIONS)).toBe(1);
    for (const part of parts) expect(await stateOf(store, part)).toBe('reclaimable');
    expect(await stateOf(store, kept)).toBe('referenced');
    expect(await store.sweepUploads({ completedBeforeMs: 0, limit: 10 }, OPTIONS)).toBe(0);
  });
}

function describeSharing(subject: Subject<Metastore>): void {
  test('an upload opened by one handle is filled and completed by another', async () => {
    await using fixture = await openFixture(subject);
    const other = await fixture.openAnother();
    const bucketId = newBucketId();
    const at = await openUpload(fixture.store, bucketId, 'key');
    const parts = await putParts({ ...fixture, store: other }, at, [1, 2]);
    expect(await fixture.store.listParts(at, EVERYTHING, OPTIONS)).toEqual(parts);
    const outcome = await other.completeUpload(at, completionOf(parts), {}, OPTIONS);
    expect(outcome.kind).toBe('completed');
    expect(await fixture.store.getVersion(at, OPTIONS)).toMatchObject({ etag: etagOf('whole') });
    expect(await fixture.store.abortUpload(at, OPTIONS)).toBe('no-such-upload');
    const second = await openUpload(other, bucketId, 'key');
    expect(second.uploadId > at.uploadId).toBe(true);
  });
}

function describeDurability(subject: Subject<Metastore>): void {
  test('uploads, parts and records are there when the store is opened again', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const [open, completed, aborted] = [
      await openUpload(fixture.store, bucketId, 'open'),
      await openUpload(fixture.store, bucketId, 'completed'),
      await openUpload(fixture.store, bucketId, 'aborted'),
    ];
    const parts = await putParts(fixture, open, [1, 2]);
    await fixture.store.completeUpload(completed, completionOf(await putParts(fixture, completed, [1])), {}, OPTIONS);
    await fixture.store.abortUpload(aborted, OPTIONS);
    const store = await fixture.reopen();
    expect(await store.listParts(open, EVERYTHING, OPTIONS)).toEqual(parts);
    expect(await store.getUpload(completed, OPTIONS)).toMatchObject({ state: { kind: 'completed' } });
    expect(await store.getUpload(aborted, OPTIONS)).toBeUndefined();
    const outcome = await store.completeUpload(open, completionOf(parts), {}, OPTIONS);
    expect(outcome.kind).toBe('completed');
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
  });
}
