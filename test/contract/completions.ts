import { expect, test } from 'vitest';
import type { ManifestId, ManifestPart, StoredObject } from '../../src/domain/object-version.ts';
import { DEFAULT_ATTRIBUTES, parseManifestId } from '../../src/domain/object-version.ts';
import type { Part, UploadAddress } from '../../src/domain/upload.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import {
  atOnce,
  collect,
  etagOf,
  guardAt,
  inlineDraft,
  must,
  newBucketId,
  OPTIONS,
  OWNER,
  put,
  stored,
  uploadDraft,
} from './drafts.ts';
import { type Fixture, openFixture, type Subject } from './subject.ts';
import { completionOf, openUpload, partOf, putParts, stateOf } from './upload-steps.ts';

export function describeCompletion(subject: Subject<Metastore>): void {
  describeResults(subject);
  describeRefusals(subject);
  describeManifests(subject);
  describeSharedManifests(subject);
}

function describeResults(subject: Subject<Metastore>): void {
  test('the parts become the current version, described as the upload was', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const draft = uploadDraft('key', {
      headers: { contentType: 'video/mp4' },
      userMetadata: [['a', 'é']],
      attributes: { ...DEFAULT_ATTRIBUTES, legalHold: true },
      initiator: { ...OWNER, displayName: 'Initiator' },
    });
    const created = await store.createUpload(bucketId, draft, OPTIONS);
    if (created.kind !== 'created') throw new TypeError('The upload was not created.');
    const at = { bucketId, key: draft.key, uploadId: created.upload.uploadId };
    const parts = await putParts(fixture, at, [1, 2, 4]);
    const checksum = { algorithm: 'CRC32', type: 'COMPOSITE', value: 'AAAAAA==-3' } as const;
    const completion = completionOf(parts, { checksum, slot: 'new' });
    const outcome = await store.completeUpload(at, completion, {}, OPTIONS);
    const version = must(outcome.kind === 'completed' ? outcome.version : undefined);
    const { headers, userMetadata, storageClass, owner, attributes, key } = draft;
    const { etag, lastModifiedMs } = completion;
    const expected = {
      ...{ kind: 'object', key, headers, userMetadata, storageClass, owner, attributes, attributesRevision: 1 },
      ...{ etag, lastModifiedMs, checksum, sizeBytes: sizeOf(parts), versionId: version.versionId },
    };
    expect(version).toEqual({
      ...expected,
      body: { kind: 'manifest', manifestId: manifestOf(version), partsCount: 3 },
    });
    expect(version.versionId).not.toBe('null');
    expect(await store.getVersion({ bucketId, key }, OPTIONS)).toEqual(version);
    const listed = await store.listObjects({ bucketId, prefix: '', from: undefined, limit: 10 }, OPTIONS);
    expect(listed).toMatchObject([{ key, etag, sizeBytes: sizeOf(parts) }]);
  });

  test('the record of a completed upload tells its result', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const at = await openUpload(store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [1]);
    const version = await complete(store, at, parts);
    const { versionId, etag, checksum, sizeBytes } = version;
    const state = { kind: 'completed', versionId, etag, checksum, sizeBytes };
    expect(await store.getUpload(at, OPTIONS)).toMatchObject({ key: at.key, uploadId: at.uploadId, state });
    // It outlives its object, and is neither listed nor open any more.
    await put(store, at.bucketId, 'key', { text: 'later' });
    expect(await store.getUpload(at, OPTIONS)).toMatchObject({ state });
    const range = { bucketId: at.bucketId, prefix: '', after: undefined, limit: 10 };
    expect(await store.listUploads(range, OPTIONS)).toEqual([]);
    expect(await store.listParts(at, { afterPartNumber: 0, limit: 10 }, OPTIONS)).toEqual([]);
    expect(await store.putPart(at, partOf(2, { sizeBytes: 0, body: undefined }), OPTIONS)).toEqual({
      kind: 'no-such-upload',
    });
    expect(await store.completeUpload(at, completionOf(parts), {}, OPTIONS)).toEqual({ kind: 'no-such-upload' });
    expect(await store.getVersion(at, OPTIONS)).toMatchObject({ etag: etagOf('later') });
  });

  test('parts that are not listed are reclaimable, the listed ones stay', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [1, 2, 3, 4]);
    const version = await complete(
      fixture.store,
      at,
      parts.filter(({ partNumber }) => partNumber % 2 === 0),
    );
    expect(version.sizeBytes).toBe(must(parts[1]).sizeBytes + must(parts[3]).sizeBytes);
    const states = await Promise.all(parts.map((part) => stateOf(fixture.store, part)));
    expect(states).toEqual(['reclaimable', 'referenced', 'reclaimable', 'referenced']);
  });

  test('in the null slot it replaces the null version, whose blobs are reclaimable', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const parts: Part[] = [];
    for (let round = 0; round < 3; round++) {
      const at = await openUpload(store, bucketId, 'key');
      const [part] = await putParts(fixture, at, [1]);
      parts.push(must(part));
      expect((await complete(store, at, parts.slice(-1))).versionId).toBe('null');
    }
    const states = await Promise.all(parts.map((part) => stateOf(store, part)));
    expect(states).toEqual(['reclaimable', 'reclaimable', 'referenced']);
    const rows = await store.listVersions({ bucketId, prefix: '', from: undefined, limit: 10 }, OPTIONS);
    expect(rows).toHaveLength(1);
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
  });

  test('of 16 completes at once of one upload, one completes', async () => {
    await using fixture = await openFixture(subject);
    const at = await openUpload(fixture.store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [1, 2]);
    const completion = completionOf(parts, { slot: 'new' });
    const outcomes = await atOnce(16, () => fixture.store.completeUpload(at, completion, {}, OPTIONS));
    expect(outcomes.filter(({ kind }) => kind === 'completed')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'no-such-upload')).toHaveLength(15);
    const range = { bucketId: at.bucketId, prefix: '', from: undefined, limit: 100 };
    expect(await fixture.store.listVersions(range, OPTIONS)).toHaveLength(1);
  });
}

function describeRefusals(subject: Subject<Metastore>): void {
  test('a part that is missing or has another ETag is parts-changed, and nothing changes', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const at = await openUpload(store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [1, 2]);
    const [first, second] = [must(parts[0]), must(parts[1])];
    const refused = async (listed: readonly Part[], partNumber: number) => {
      const outcome = await store.completeUpload(at, completionOf(listed), {}, OPTIONS);
      expect(outcome).toEqual({ kind: 'parts-changed', partNumber });
    };
    await refused([first, second, partOf(3)], 3);
    await refused([partOf(1), second], 1);
    await refused([first, { ...second, etag: first.etag }], 2);
    const [replacement] = await putParts(fixture, at, [2]);
    await refused([first, second], 2);
    expect(await store.getUpload(at, OPTIONS)).toMatchObject({ state: { kind: 'open' } });
    expect(await store.getVersion(at, OPTIONS)).toBeUndefined();
    expect(await stateOf(store, first)).toBe('referenced');
    await complete(store, at, [first, must(replacement)]);
  });

  test('a condition that fails leaves the upload open', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const at = await openUpload(store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [1]);
    const attempt = (condition: Parameters<Metastore['completeUpload']>[2]) =>
      store.completeUpload(at, completionOf(parts), condition, OPTIONS);
    expect(await attempt({ ifMatch: '*' })).toEqual({ kind: 'condition-failed', reason: 'absent' });
    await put(store, at.bucketId, 'key', { text: 'body' });
    expect(await attempt({ ifNoneMatch: '*' })).toEqual({ kind: 'condition-failed', reason: 'failed' });
    expect(await attempt({ ifMatch: [etagOf('other')] })).toEqual({ kind: 'condition-failed', reason: 'failed' });
    expect(await store.getUpload(at, OPTIONS)).toMatchObject({ state: { kind: 'open' } });
    expect(await store.getVersion(at, OPTIONS)).toMatchObject({ etag: etagOf('body') });
    expect(await attempt({ ifMatch: [etagOf('body')] })).toMatchObject({ kind: 'completed' });
  });

  test('of 16 uploads of one key completed at once that want no object, one completes', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const uploads = await atOnce(16, () => openUpload(fixture.store, bucketId, 'key'));
    const parts = await Promise.all(uploads.map((at) => putParts(fixture, at, [1])));
    const outcomes = await Promise.all(
      uploads.map((at, index) =>
        fixture.store.completeUpload(at, completionOf(must(parts[index])), { ifNoneMatch: '*' }, OPTIONS),
      ),
    );
    expect(outcomes.filter(({ kind }) => kind === 'completed')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'condition-failed')).toHaveLength(15);
  });
}

function describeManifests(subject: Subject<Metastore>): void {
  test('a manifest gives its parts from any byte and from any part, a page at a time', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const at = await openUpload(store, newBucketId(), 'key');
    const parts = await putParts(fixture, at, [1, 3, 255, 256, 10_000]);
    const id = manifestOf(await complete(store, at, parts));
    const expected = layOut(parts);
    const sizeBytes = sizeOf(parts);
    const edges = expected.flatMap(({ offsetBytes }) => [offsetBytes - 1, offsetBytes, offsetBytes + 1]);
    for (const offsetBytes of [...edges.filter((edge) => edge >= 0), sizeBytes - 1]) {
      const holder = expected.findLastIndex((part) => part.offsetBytes <= offsetBytes);
      for (const limit of [1, 2, 10]) {
        const page = await store.readManifest(id, { offsetBytes }, limit, OPTIONS);
        expect(page, `from byte ${offsetBytes}`).toEqual(expected.slice(holder, holder + limit));
      }
    }
    for (const [index, { partNumber }] of expected.entries()) {
      const page = await store.readManifest(id, { partNumber }, 2, OPTIONS);
      expect(page, `from part ${partNumber}`).toEqual(expected.slice(index, index + 2));
    }
  });

  test('a part of no bytes stands last in its manifest and has no body', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const at = await openUpload(store, newBucketId(), 'key');
    const parts = [...(await putParts(fixture, at, [1])), partOf(2, { sizeBytes: 0, body: undefined })];
    await store.putPart(at, must(parts[1]), OPTIONS);
    const id = manifestOf(await complete(store, at, parts));
    expect(await store.readManifest(id, { partNumber: 1 }, 10, OPTIONS)).toEqual(layOut(parts));
    expect(await store.readManifest(id, { partNumber: 2 }, 10, OPTIONS)).toEqual(layOut(parts).slice(1));
  });

  test('a manifest of 1,000 parts is read to its end in pages', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const at = await openUpload(store, newBucketId(), 'key');
    const numbers = Array.from({ length: 1000 }, (_, index) => index + 1);
    const parts = (await Promise.all(numbers.map((partNumber) => putParts(fixture, at, [partNumber])))).flat();
    const id = manifestOf(await complete(store, at, parts));
    const read: ManifestPart[] = [];
    while (read.length < 1000) {
      const last = read.at(-1);
      const offsetBytes = last === undefined ? 0 : last.offsetBytes + last.sizeBytes;
      read.push(...(await store.readManifest(id, { offsetBytes }, 300, OPTIONS)));
    }
    expect(read).toEqual(layOut(parts));
  });

  test('a manifest that is not there has no parts', async () => {
    await using fixture = await openFixture(subject);
    for (const id of ['none', 'f'.repeat(32)]) {
      expect(await fixture.store.readManifest(parseManifestId(id), { offsetBytes: 0 }, 10, OPTIONS)).toEqual([]);
    }
  });
}

function describeSharedManifests(subject: Subject<Metastore>): void {
  test('a version copied from a manifest shares it: the bytes stay until the last of them goes', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const source = await completed(fixture, 'source');
    const other = newBucketId();
    const { version, at, parts } = source;
    const draft = inlineDraft('copy', '', { sizeBytes: version.sizeBytes, body: version.body, slot: 'new' });
    const copy = stored(await store.putVersion(other, draft, {}, OPTIONS));
    expect(copy.body).toEqual(version.body);
    await store.deleteVersion({ ...at, versionId: version.versionId }, guardAt(0), OPTIONS);
    for (const part of parts) expect(await stateOf(store, part)).toBe('referenced');
    const page = await store.readManifest(manifestOf(copy), { offsetBytes: 0 }, 10, OPTIONS);
    expect(page).toEqual(layOut(parts));
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
    await store.deleteVersion({ bucketId: other, ...copy }, guardAt(0), OPTIONS);
    for (const part of parts) expect(await stateOf(store, part)).toBe('reclaimable');
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
  });

  test('a manifest whose last version is gone reads as before until its blobs may be reclaimed', async () => {
    await using fixture = await openFixture(subject);
    const { store, clock } = fixture;
    const { version, at, parts } = await completed(fixture, 'key');
    const read = () => store.readManifest(manifestOf(version), { offsetBytes: 0 }, 10, OPTIONS);
    const reclaim = async (beforeMs: number) =>
      (await store.listReclaimable({ beforeMs, nowMs: clock.nowMs, limit: 10 }, OPTIONS)).map(({ id }) => id);
    await store.deleteVersion({ ...at, versionId: version.versionId }, guardAt(0), OPTIONS);
    expect(await read()).toEqual(layOut(parts));
    expect(await reclaim(clock.nowMs)).toEqual([]);
    await store.setPin({ id: 'pin', sinceMs: clock.nowMs, expiresAtMs: clock.nowMs + 1000 }, OPTIONS);
    expect(await reclaim(clock.nowMs + 1)).toEqual([]);
    expect(await read()).toEqual(layOut(parts));
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
    await store.clearPin('pin', OPTIONS);
    const ids = await reclaim(clock.nowMs + 1);
    expect([...ids].sort()).toEqual(parts.map(({ body }) => body?.id).sort());
    await store.forgetReclaimed(ids, OPTIONS);
    expect(await read()).toEqual([]);
    for (const part of parts) expect(await stateOf(store, part)).toBe('unknown');
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
  });

  test('a version copied onto itself keeps its manifest', async () => {
    await using fixture = await openFixture(subject);
    const { version, at, parts } = await completed(fixture, 'key');
    const draft = inlineDraft('key', '', { sizeBytes: version.sizeBytes, body: version.body });
    expect(stored(await fixture.store.putVersion(at.bucketId, draft, {}, OPTIONS)).body).toEqual(version.body);
    for (const part of parts) expect(await stateOf(fixture.store, part)).toBe('referenced');
    const page = await fixture.store.readManifest(manifestOf(version), { offsetBytes: 0 }, 10, OPTIONS);
    expect(page).toEqual(layOut(parts));
  });

  test('a copy of a manifest that is gone is blob-gone and writes nothing', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const { version, at } = await completed(fixture, 'source');
    await store.deleteVersion({ ...at, versionId: version.versionId }, guardAt(0), OPTIONS);
    const draft = inlineDraft('copy', '', { sizeBytes: version.sizeBytes, body: version.body });
    const outcome = await store.putVersion(at.bucketId, draft, {}, OPTIONS);
    expect(outcome).toEqual({ kind: 'blob-gone', blob: manifestOf(version) });
    expect(await store.getVersion({ bucketId: at.bucketId, key: draft.key }, OPTIONS)).toBeUndefined();
  });

  test('a part may share a blob that a version or another part holds', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const at = await openUpload(store, newBucketId(), 'key');
    const [part] = await putParts(fixture, at, [1]);
    const shared = partOf(2, { sizeBytes: must(part).sizeBytes, body: must(part).body });
    expect(await store.putPart(at, shared, OPTIONS)).toEqual({ kind: 'stored' });
    await putParts(fixture, at, [1]);
    expect(await stateOf(store, part)).toBe('referenced');
    await complete(store, at, [shared]);
    expect(await stateOf(store, part)).toBe('referenced');
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
    await store.deleteVersion(
      { ...at, versionId: must(await store.getVersion(at, OPTIONS)).versionId },
      guardAt(0),
      OPTIONS,
    );
    expect(await stateOf(store, part)).toBe('reclaimable');
  });
}

async function completed(
  fixture: Fixture<Metastore>,
  key: string,
): Promise<{ at: Omit<UploadAddress, 'uploadId'>; parts: readonly Part[]; version: StoredObject }> {
  const { uploadId, ...at } = await openUpload(fixture.store, newBucketId(), key);
  const parts = await putParts(fixture, { ...at, uploadId }, [1, 2]);
  return { at, parts, version: await complete(fixture.store, { ...at, uploadId }, parts) };
}

async function complete(store: Metastore, at: UploadAddress, parts: readonly Part[]): Promise<StoredObject> {
  const outcome = await store.completeUpload(at, completionOf(parts), {}, OPTIONS);
  if (outcome.kind !== 'completed') throw new TypeError(`The upload was not completed but ${outcome.kind}.`);
  return outcome.version;
}

function manifestOf({ body }: StoredObject): ManifestId {
  if (body.kind !== 'manifest') throw new TypeError(`The body is ${body.kind} and no manifest.`);
  return body.manifestId;
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** The manifest that the parts make. */
function layOut(parts: readonly Part[]): readonly ManifestPart[] {
  return parts.map(({ partNumber, sizeBytes, checksum, body }, index) => {
    return { partNumber, offsetBytes: sizeOf(parts.slice(0, index)), sizeBytes, checksum, body };
  });
}
