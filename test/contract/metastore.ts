import { describe, expect, test } from 'vitest';
import { NULL_VERSION_ID, parseVersionId } from '../../src/domain/names.ts';
import type { Metastore, VersionSlot } from '../../src/stores/metastore.ts';
import { describeAttributes } from './attributes.ts';
import { describeBuckets } from './buckets.ts';
import { describeConditions } from './conditions.ts';
import {
  blobDraft,
  collect,
  deleteKey,
  etagOf,
  guardAt,
  inlineDraft,
  intendBlob,
  keyOf,
  must,
  newBucketId,
  OPTIONS,
  put,
  putEach,
  STANDARD,
  stored,
} from './drafts.ts';
import { describeListings } from './listings.ts';
import { ODD_KEYS } from './odd-keys.ts';
import { describeSignals } from './signals.ts';
import { openFixture, type Subject } from './subject.ts';

/** Every sentence of `Metastore` about versions, listings and buckets; uploads and reclaim have suites of their own. */
export function metastoreContract(subject: Subject<Metastore>): void {
  describe(`Metastore of ${subject.engine}`, () => {
    describe('versions', () => {
      describePuts(subject);
      describeBodies(subject);
      describeNullSlot(subject);
      describeDeletes(subject);
      describeVersionDeletes(subject);
    });
    describe('conditions', () => describeConditions(subject));
    describe('attributes and locks', () => describeAttributes(subject));
    describe('listings', () => describeListings(subject));
    describe('buckets', () => describeBuckets(subject));
    describe('signals', () => describeSignals(subject));
    if (subject.isDurable) describe('durability', () => describeDurability(subject));
  });
}

function describePuts(subject: Subject<Metastore>): void {
  test('a key that was never written has no version', async () => {
    await using fixture = await openFixture(subject);
    const at = { bucketId: newBucketId(), key: keyOf('key') };
    expect(await fixture.store.getVersion(at, OPTIONS)).toBeUndefined();
    expect(await fixture.store.getVersion({ ...at, versionId: NULL_VERSION_ID }, OPTIONS)).toBeUndefined();
  });

  test('a put makes its draft the current version and gives back what is stored', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const draft = inlineDraft('key', 'body', {
      slot: 'new',
      headers: {
        contentType: 'text/plain; charset=utf-8',
        cacheControl: 'no-cache',
        expires: 'never',
        contentEncoding: '',
      },
      userMetadata: [
        ['__proto__', 'polluted'],
        ['größe', '日本語 \u{1f600}'],
        ['empty', ''],
      ],
      storageClass: STANDARD,
      checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' },
      attributes: {
        acl: [
          { grantee: { kind: 'group', uri: 'http://acs.amazonaws.com/groups/global/AllUsers' }, permission: 'READ' },
        ],
        tags: [['colour', 'rød']],
        retention: { mode: 'GOVERNANCE', retainUntilMs: fixture.clock.nowMs + 1000 },
        legalHold: true,
      },
    });
    const version = stored(await fixture.store.putVersion(bucketId, draft, {}, OPTIONS));
    const { slot: _, ...object } = draft;
    expect(version).toEqual({ ...object, kind: 'object', versionId: version.versionId, attributesRevision: 1 });
    expect(await fixture.store.getVersion({ bucketId, key: draft.key }, OPTIONS)).toEqual(version);
    const at = { bucketId, key: draft.key, versionId: version.versionId };
    expect(await fixture.store.getVersion(at, OPTIONS)).toEqual(version);
  });

  test('version ids are made by the store: URL-safe, never null, and unique over keys and buckets', async () => {
    await using fixture = await openFixture(subject);
    const ids = new Set<string>();
    for (const bucketId of [newBucketId(), newBucketId()]) {
      for (let index = 0; index < 50; index++) {
        ids.add((await put(fixture.store, bucketId, `key-${index % 5}`, { slot: 'new' })).versionId);
      }
    }
    expect(ids.size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^(?!null$)[\w.~-]{16,1024}$/);
  });

  test('a put into the slot new keeps the older versions', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const texts = ['first', 'second', 'third'];
    const versions = [];
    for (const text of texts) versions.push(await put(fixture.store, bucketId, 'key', { text, slot: 'new' }));
    for (const { key, versionId, etag } of versions) {
      expect(await fixture.store.getVersion({ bucketId, key, versionId }, OPTIONS)).toMatchObject({ etag });
    }
    expect(await etags(fixture.store, bucketId, 'key')).toEqual(texts.reverse().map(etagOf));
  });

  test('what was written last is current, whatever time it bears', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    for (const lastModifiedMs of [3000, 1000, 2000]) {
      const draft = inlineDraft('key', String(lastModifiedMs), { slot: 'new', lastModifiedMs });
      await fixture.store.putVersion(bucketId, draft, {}, OPTIONS);
      fixture.clock.advance(-10_000);
    }
    expect(await etags(fixture.store, bucketId, 'key')).toEqual(['2000', '1000', '3000'].map(etagOf));
  });

  test.each([
    ['empty', ''],
    ['null', 'null'],
    ['a word', 'nonsense'],
    ['lowest', '0'.repeat(32)],
    ['highest', 'f'.repeat(32)],
    ['with a NUL', 'a\0b'],
    ['a path', '../..'],
    ['astral', '\u{1f600}'],
    ['too long for a key', 'x'.repeat(5000)],
  ])('a version id that names nothing finds nothing: %s', async (_, text) => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const { key } = await put(fixture.store, bucketId, 'key', { slot: 'new' });
    const at = { bucketId, key, versionId: parseVersionId(text) };
    expect(await fixture.store.getVersion(at, OPTIONS)).toBeUndefined();
    expect(await fixture.store.deleteVersion(at, guardAt(0), OPTIONS)).toEqual({ kind: 'not-found' });
  });

  test('a version is found under its own key and bucket only', async () => {
    await using fixture = await openFixture(subject);
    const [bucketId, other] = [newBucketId(), newBucketId()];
    const { key, versionId } = await put(fixture.store, bucketId, 'key', { slot: 'new' });
    expect(await fixture.store.getVersion({ bucketId: other, key }, OPTIONS)).toBeUndefined();
    expect(await fixture.store.getVersion({ bucketId: other, key, versionId }, OPTIONS)).toBeUndefined();
    const neighbour = { bucketId, key: keyOf('key2'), versionId };
    expect(await fixture.store.getVersion(neighbour, OPTIONS)).toBeUndefined();
  });

  test('odd keys are keys like any other, and no two of them are one', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    await putEach(fixture.store, bucketId, ODD_KEYS);
    for (const key of ODD_KEYS) {
      const version = await fixture.store.getVersion({ bucketId, key: keyOf(key) }, OPTIONS);
      expect(version, JSON.stringify(key)).toMatchObject({ key, etag: etagOf(key) });
    }
  });

  test('checkWritable leaves no trace', async () => {
    await using fixture = await openFixture(subject);
    await fixture.store.checkWritable(OPTIONS);
    expect(await collect(fixture.store.scanVersions(OPTIONS))).toEqual([]);
    expect(await collect(fixture.store.checkConsistency(OPTIONS))).toEqual([]);
    expect(fixture.store.description).toMatch(/^[^\n]+$/);
  });
}

function describeBodies(subject: Subject<Metastore>): void {
  test('a body of up to inlineBytesMax bytes stands beside its metadata', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const bytesMax = fixture.store.inlineBytesMax;
    for (const sizeBytes of [0, 1, Math.floor(bytesMax / 2), bytesMax]) {
      const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 7) & 0xff);
      const draft = inlineDraft(`size-${sizeBytes}`, '', { sizeBytes, body: { kind: 'inline', bytes } });
      await fixture.store.putVersion(bucketId, draft, {}, OPTIONS);
      const version = await fixture.store.getVersion({ bucketId, key: draft.key }, OPTIONS);
      expect(version).toMatchObject({ sizeBytes });
      expect(
        version?.kind === 'object' && version.body.kind === 'inline' && Buffer.compare(version.body.bytes, bytes),
      ).toBe(0);
    }
  });

  test('an inline body does not change with the buffer that it came in', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const draft = inlineDraft('key', 'body');
    await fixture.store.putVersion(bucketId, draft, {}, OPTIONS);
    if (draft.body.kind === 'inline') draft.body.bytes.fill(0);
    const version = await fixture.store.getVersion({ bucketId, key: draft.key }, OPTIONS);
    expect(version).toMatchObject({ body: { kind: 'inline', bytes: new TextEncoder().encode('body') } });
  });

  test('a blob with an open intent becomes the body, and the intent goes', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const blob = await intendBlob(fixture.store, fixture.clock.nowMs);
    const version = stored(await fixture.store.putVersion(bucketId, blobDraft('key', blob), {}, OPTIONS));
    expect(version.body).toEqual({ kind: 'blob', blob });
    expect(await fixture.store.getBlobState(blob.id, OPTIONS)).toBe('referenced');
    const expiry = { beforeMs: fixture.clock.nowMs + 1, limit: 10 };
    expect(await fixture.store.expireIntents(expiry, OPTIONS)).toBe(0);
  });
}

function describeNullSlot(subject: Subject<Metastore>): void {
  test('a version in the null slot has the id null', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const version = await put(fixture.store, bucketId, 'key', { text: 'body' });
    expect(version.versionId).toBe(NULL_VERSION_ID);
    const at = { bucketId, key: version.key, versionId: NULL_VERSION_ID };
    expect(await fixture.store.getVersion(at, OPTIONS)).toEqual(version);
  });

  test('a put into the null slot replaces the null version, and its blob is reclaimable', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const blob = await intendBlob(fixture.store, fixture.clock.nowMs);
    await fixture.store.putVersion(bucketId, blobDraft('key', blob), {}, OPTIONS);
    await put(fixture.store, bucketId, 'key', { text: 'second' });
    expect(await etags(fixture.store, bucketId, 'key')).toEqual([etagOf('second')]);
    expect(await fixture.store.getBlobState(blob.id, OPTIONS)).toBe('reclaimable');
  });

  test('a put into the null slot comes above every version and removes the older null version only', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const slots: readonly (readonly [string, VersionSlot])[] = [
      ['a', 'null'],
      ['b', 'new'],
      ['c', 'null'],
      ['d', 'new'],
      ['e', 'null'],
    ];
    for (const [text, slot] of slots) await put(fixture.store, bucketId, 'key', { text, slot });
    expect(await etags(fixture.store, bucketId, 'key')).toEqual(['e', 'd', 'b'].map(etagOf));
  });

  test('replacing or deleting the null version never uncovers an older null version', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    for (const text of ['a', 'b', 'c']) await put(fixture.store, bucketId, 'key', { text });
    const at = { bucketId, key: keyOf('key'), versionId: NULL_VERSION_ID };
    expect(await fixture.store.deleteVersion(at, guardAt(0), OPTIONS)).toEqual({ kind: 'deleted', was: 'object' });
    expect(await fixture.store.getVersion(at, OPTIONS)).toBeUndefined();
    expect(await fixture.store.getVersion({ bucketId, key: at.key }, OPTIONS)).toBeUndefined();
  });

  test('the same put repeated, as after an unknown outcome, keeps its blob', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const blob = await intendBlob(fixture.store, fixture.clock.nowMs);
    await fixture.store.putVersion(bucketId, blobDraft('key', blob), {}, OPTIONS);
    await fixture.store.putVersion(bucketId, blobDraft('key', blob), {}, OPTIONS);
    expect(await etags(fixture.store, bucketId, 'key')).toEqual([etagOf(blob.id)]);
    expect(await fixture.store.getBlobState(blob.id, OPTIONS)).toBe('referenced');
  });
}

function describeDeletes(subject: Subject<Metastore>): void {
  test('the mode remove takes the null version away, and its blob is reclaimable', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const blob = await intendBlob(fixture.store, fixture.clock.nowMs);
    await fixture.store.putVersion(bucketId, blobDraft('key', blob), {}, OPTIONS);
    expect(await deleteKey(fixture.store, bucketId, 'key', 'remove')).toEqual({ kind: 'deleted', marker: undefined });
    expect(await fixture.store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS)).toBeUndefined();
    expect(await fixture.store.getBlobState(blob.id, OPTIONS)).toBe('reclaimable');
  });

  test('removing a missing key is deleted too', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    expect(await deleteKey(fixture.store, bucketId, 'key', 'remove')).toEqual({ kind: 'deleted', marker: undefined });
    expect(await etags(fixture.store, bucketId, 'key')).toEqual([]);
  });

  test('the mode new-marker puts a delete marker above the versions, on a missing key too', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    for (const key of ['missing', 'key']) {
      if (key === 'key') await put(fixture.store, bucketId, key, { text: 'kept', slot: 'new' });
      const outcome = await deleteKey(fixture.store, bucketId, key, 'new-marker');
      const marker = must(outcome.kind === 'deleted' ? outcome.marker : undefined);
      expect(marker).toMatchObject({ kind: 'delete-marker', key, owner: { tenant: 'tenant' } });
      expect(marker.versionId).not.toBe(NULL_VERSION_ID);
      expect(await fixture.store.getVersion({ bucketId, key: keyOf(key) }, OPTIONS)).toEqual(marker);
      const at = { bucketId, key: keyOf(key), versionId: marker.versionId };
      expect(await fixture.store.getVersion(at, OPTIONS)).toEqual(marker);
    }
    expect(await etags(fixture.store, bucketId, 'key')).toEqual(['delete-marker', etagOf('kept')]);
    await deleteKey(fixture.store, bucketId, 'key', 'new-marker');
    expect(await etags(fixture.store, bucketId, 'key')).toEqual(['delete-marker', 'delete-marker', etagOf('kept')]);
  });

  test('the mode null-marker replaces the null version by a marker with the id null and keeps the others', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const blob = await intendBlob(fixture.store, fixture.clock.nowMs);
    await fixture.store.putVersion(bucketId, blobDraft('key', blob), {}, OPTIONS);
    await put(fixture.store, bucketId, 'key', { text: 'kept', slot: 'new' });
    const outcome = await deleteKey(fixture.store, bucketId, 'key', 'null-marker');
    expect(outcome).toMatchObject({ kind: 'deleted', marker: { kind: 'delete-marker', versionId: 'null' } });
    expect(await etags(fixture.store, bucketId, 'key')).toEqual(['delete-marker', etagOf('kept')]);
    expect(await fixture.store.getBlobState(blob.id, OPTIONS)).toBe('reclaimable');
    await deleteKey(fixture.store, bucketId, 'key', 'null-marker');
    expect(await etags(fixture.store, bucketId, 'key')).toEqual(['delete-marker', etagOf('kept')]);
    await put(fixture.store, bucketId, 'key', { text: 'again' });
    expect(await etags(fixture.store, bucketId, 'key')).toEqual([etagOf('again'), etagOf('kept')]);
  });
}

function describeVersionDeletes(subject: Subject<Metastore>): void {
  test('deleting the current version uncovers what was below it', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    for (const text of ['a', 'b']) await put(fixture.store, bucketId, 'key', { text, slot: 'new' });
    await deleteKey(fixture.store, bucketId, 'key', 'new-marker');
    await put(fixture.store, bucketId, 'key', { text: 'c' });
    const seen: unknown[] = [];
    for (;;) {
      const current = await fixture.store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS);
      if (current === undefined) break;
      seen.push(current.kind === 'object' ? current.etag : current.kind);
      const outcome = await fixture.store.deleteVersion({ bucketId, ...current }, guardAt(0), OPTIONS);
      expect(outcome).toEqual({ kind: 'deleted', was: current.kind });
    }
    expect(seen).toEqual([etagOf('c'), 'delete-marker', etagOf('b'), etagOf('a')]);
    const range = { bucketId, prefix: '', from: undefined, limit: 10 };
    expect(await fixture.store.listVersions(range, OPTIONS)).toEqual([]);
    expect(await fixture.store.listObjects(range, OPTIONS)).toEqual([]);
  });

  test('deleting an older version leaves the current one', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const older = await put(fixture.store, bucketId, 'key', { text: 'a', slot: 'new' });
    const current = await put(fixture.store, bucketId, 'key', { text: 'b', slot: 'new' });
    await fixture.store.deleteVersion({ bucketId, ...older }, guardAt(0), OPTIONS);
    expect(await fixture.store.getVersion({ bucketId, key: current.key }, OPTIONS)).toEqual(current);
    expect(await fixture.store.getVersion({ bucketId, ...older }, OPTIONS)).toBeUndefined();
    const again = await fixture.store.deleteVersion({ bucketId, ...older }, guardAt(0), OPTIONS);
    expect(again).toEqual({ kind: 'not-found' });
  });

  test('deleting a version makes its blob reclaimable', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const blob = await intendBlob(fixture.store, fixture.clock.nowMs);
    const draft = blobDraft('key', blob, { slot: 'new' });
    const version = stored(await fixture.store.putVersion(bucketId, draft, {}, OPTIONS));
    await fixture.store.deleteVersion({ bucketId, ...version }, guardAt(0), OPTIONS);
    expect(await fixture.store.getBlobState(blob.id, OPTIONS)).toBe('reclaimable');
  });
}

function describeDurability(subject: Subject<Metastore>): void {
  test('versions, markers, attributes and closed buckets are there when the store is opened again', async () => {
    await using fixture = await openFixture(subject);
    const [bucketId, closed] = [newBucketId(), newBucketId()];
    const blob = await intendBlob(fixture.store, fixture.clock.nowMs);
    await fixture.store.putVersion(bucketId, blobDraft('blob', blob), {}, OPTIONS);
    const version = await put(fixture.store, bucketId, 'key', { text: 'a', slot: 'new' });
    const attributes = { ...version.attributes, legalHold: true };
    await fixture.store.updateAttributes({ bucketId, ...version }, { attributes, revision: 1 }, OPTIONS);
    await deleteKey(fixture.store, bucketId, 'key', 'new-marker');
    await fixture.store.closeBucket(closed, OPTIONS);
    const range = { bucketId, prefix: '', from: undefined, limit: 10 };
    const before = await fixture.store.listVersions(range, OPTIONS);

    const reopened = await fixture.reopen();
    expect(await reopened.listVersions(range, OPTIONS)).toEqual(before);
    expect(await reopened.getVersion({ bucketId, ...version }, OPTIONS)).toEqual({
      ...version,
      attributes,
      attributesRevision: 2,
    });
    expect(await reopened.isBucketClosed(closed, OPTIONS)).toBe(true);
    expect(await reopened.getBlobState(blob.id, OPTIONS)).toBe('referenced');
    const next = await put(reopened, bucketId, 'key', { text: 'b', slot: 'new' });
    expect(next.versionId).not.toBe(version.versionId);
    expect(await etags(reopened, bucketId, 'key')).toEqual([etagOf('b'), 'delete-marker', etagOf('a')]);
    expect(await collect(reopened.checkConsistency(OPTIONS))).toEqual([]);
  });
}

/** The ETags of a key's versions as they are listed; for a delete marker its kind. */
async function etags(store: Metastore, bucketId: Parameters<typeof put>[1], key: string): Promise<readonly string[]> {
  const rows = await store.listVersions({ bucketId, prefix: key, from: undefined, limit: 100 }, OPTIONS);
  return rows.filter((row) => row.key === key).map((row) => (row.kind === 'object' ? row.etag : row.kind));
}
