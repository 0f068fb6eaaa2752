import { expect, test } from 'vitest';
import type { Metastore } from '../../src/stores/metastore.ts';
import {
  atOnce,
  deleteDraft,
  deleteKey,
  guardAt,
  inlineDraft,
  keyOf,
  must,
  newBucketId,
  OPTIONS,
  put,
  uploadDraft,
} from './drafts.ts';
import { openFixture, type Subject } from './subject.ts';

export function describeBuckets(subject: Subject<Metastore>): void {
  describeClosing(subject);
  describeRaces(subject);
}

function describeClosing(subject: Subject<Metastore>): void {
  test('a bucket without a version is closed, and closing it again is closed', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    expect(await fixture.store.isBucketClosed(bucketId, OPTIONS)).toBe(false);
    expect(await fixture.store.closeBucket(bucketId, OPTIONS)).toBe('closed');
    expect(await fixture.store.isBucketClosed(bucketId, OPTIONS)).toBe(true);
    expect(await fixture.store.closeBucket(bucketId, OPTIONS)).toBe('closed');
    expect(await fixture.store.isBucketClosed(newBucketId(), OPTIONS)).toBe(false);
  });

  test('a bucket with a version or only a delete marker is not-empty and stays open', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const at = { bucketId, key: keyOf('key') };
    await put(store, bucketId, 'key', { slot: 'new' });
    expect(await store.closeBucket(bucketId, OPTIONS)).toBe('not-empty');
    await deleteKey(store, bucketId, 'key', 'new-marker');
    expect(await store.closeBucket(bucketId, OPTIONS)).toBe('not-empty');
    for (let left = 2; left > 0; left--) {
      expect(await store.closeBucket(bucketId, OPTIONS)).toBe('not-empty');
      const current = must(await store.getVersion(at, OPTIONS));
      await store.deleteVersion({ bucketId, ...current }, guardAt(0), OPTIONS);
    }
    expect(await store.isBucketClosed(bucketId, OPTIONS)).toBe(false);
    expect(await store.closeBucket(bucketId, OPTIONS)).toBe('closed');
  });

  test.each([
    ['lowest', '\0'],
    ['highest', '\u{10ffff}'.repeat(256)],
    ['longest', 'x'.repeat(1024)],
  ])('a version of the %s key keeps its bucket', async (_, key) => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    await put(fixture.store, bucketId, key);
    expect(await fixture.store.closeBucket(bucketId, OPTIONS)).toBe('not-empty');
  });

  test('every write into a closed bucket is bucket-closed, and other buckets stay open', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const [bucketId, other] = [newBucketId(), newBucketId()];
    await store.closeBucket(bucketId, OPTIONS);
    const closed = { kind: 'bucket-closed' };
    expect(await store.putVersion(bucketId, inlineDraft('key'), {}, OPTIONS)).toEqual(closed);
    for (const mode of ['remove', 'null-marker', 'new-marker'] as const) {
      expect(await store.deleteCurrent(bucketId, deleteDraft('key', mode), {}, OPTIONS)).toEqual(closed);
    }
    expect(await store.createUpload(bucketId, uploadDraft('key'), OPTIONS)).toEqual(closed);
    expect(await store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS)).toBeUndefined();
    await put(store, other, 'key');
    expect(await store.closeBucket(other, OPTIONS)).toBe('not-empty');
  });
}

function describeRaces(subject: Subject<Metastore>): void {
  test('of a close and puts at once, either every put is refused or the bucket stays', async () => {
    await using fixture = await openFixture(subject);
    await expectCloseOrPuts([fixture.store]);
  });

  if (!subject.isShared) return;

  test('of a close and puts at once through two handles, either every put is refused or the bucket stays', async () => {
    await using fixture = await openFixture(subject);
    await expectCloseOrPuts([fixture.store, await fixture.openAnother()]);
  });

  test('a bucket that one handle closed is closed for another', async () => {
    await using fixture = await openFixture(subject);
    const other = await fixture.openAnother();
    const bucketId = newBucketId();
    expect(await other.isBucketClosed(bucketId, OPTIONS)).toBe(false);
    await fixture.store.closeBucket(bucketId, OPTIONS);
    expect(await other.isBucketClosed(bucketId, OPTIONS)).toBe(true);
    expect(await other.putVersion(bucketId, inlineDraft('key'), {}, OPTIONS)).toEqual({ kind: 'bucket-closed' });
  });
}

async function expectCloseOrPuts(handles: readonly Metastore[]): Promise<void> {
  const seen = new Set<string>();
  for (let round = 0; round < 16; round++) {
    const bucketId = newBucketId();
    const outcomes = await atOnce(9, async (index) => {
      const store = must(handles[index % handles.length]);
      if (index === round % 9) return store.closeBucket(bucketId, OPTIONS);
      return (await store.putVersion(bucketId, inlineDraft(`key-${index}`), {}, OPTIONS)).kind;
    });
    const isClosed = await must(handles[0]).isBucketClosed(bucketId, OPTIONS);
    const rows = await must(handles[0]).listObjects({ bucketId, prefix: '', from: undefined, limit: 10 }, OPTIONS);
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(rows.length);
    expect(outcomes).toContain(isClosed ? 'closed' : 'not-empty');
    if (isClosed) expect(rows).toEqual([]);
    seen.add(isClosed ? 'closed' : 'not-empty');
  }
  expect(seen.size).toBeGreaterThan(0);
}
