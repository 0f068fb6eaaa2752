import { expect, test } from 'vitest';
import { type BucketId, NULL_VERSION_ID, parseVersionId, type VersionId } from '../../src/domain/names.ts';
import type { ListPosition, Metastore } from '../../src/stores/metastore.ts';
import { deleteKey, guardAt, keyOf, listedOf, must, newBucketId, OPTIONS, put, putEach } from './drafts.ts';
import { EDGE_KEYS, EDGE_TEXTS } from './edge-keys.ts';
import { ODD_KEYS } from './odd-keys.ts';
import { openFixture, type Subject } from './subject.ts';

type KeyPosition = Exclude<ListPosition, { kind: 'after-version' }>;

export function describeListings(subject: Subject<Metastore>): void {
  describeObjects(subject);
  describePositions(subject);
  describeMarkers(subject);
  describeVersions(subject);
  describeAfterVersion(subject);
}

function describeObjects(subject: Subject<Metastore>): void {
  test('an empty bucket lists nothing', async () => {
    await using fixture = await openFixture(subject);
    const range = { bucketId: newBucketId(), prefix: '', from: undefined, limit: 10 };
    expect(await fixture.store.listObjects(range, OPTIONS)).toEqual([]);
    expect(await fixture.store.listVersions(range, OPTIONS)).toEqual([]);
  });

  test('a row of listObjects shows the current version of its key', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    await put(fixture.store, bucketId, 'a', { text: 'older', slot: 'new' });
    const a = await put(fixture.store, bucketId, 'a', { text: 'newer', slot: 'new' });
    const b = await put(fixture.store, bucketId, 'b', { text: 'b' });
    const rows = await fixture.store.listObjects({ bucketId, prefix: '', from: undefined, limit: 10 }, OPTIONS);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject(listedOf(a));
    expect(rows[1]).toMatchObject(listedOf(b));
  });

  test('keys stand in the order of their UTF-8 bytes', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const keys = [...new Set([...ODD_KEYS, ...EDGE_KEYS])];
    await putEach(fixture.store, bucketId, keys);
    const expected = keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const range = { bucketId, prefix: '', from: undefined, limit: 1000 };
    expect((await fixture.store.listObjects(range, OPTIONS)).map(({ key }) => key)).toEqual(expected);
    expect((await fixture.store.listVersions(range, OPTIONS)).map(({ key }) => key)).toEqual(expected);
  });

  test('a bucket lists its own keys only', async () => {
    await using fixture = await openFixture(subject);
    const buckets = [newBucketId(), newBucketId(), newBucketId()];
    for (const [index, bucketId] of buckets.entries()) await put(fixture.store, bucketId, `key-${index}`);
    for (const [index, bucketId] of buckets.entries()) {
      expect(await listKeys(fixture.store, bucketId)).toEqual([`key-${index}`]);
      expect(await listKeys(fixture.store, bucketId, '', { kind: 'after-key', key: `key-${index}` })).toEqual([]);
    }
  });

  test.each([1, 2, 7, 29, 30, 31, 1000])('pages of %i rows after the last key give every key once', async (limit) => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    await putEach(fixture.store, bucketId, EDGE_KEYS);
    const listed: string[] = [];
    let from: ListPosition | undefined;
    for (;;) {
      const page = await fixture.store.listObjects({ bucketId, prefix: '', from, limit }, OPTIONS);
      listed.push(...page.map(({ key }) => key));
      expect(page.length).toBeLessThanOrEqual(limit);
      const last = page.at(-1);
      if (last === undefined || page.length < limit) break;
      from = { kind: 'after-key', key: last.key };
    }
    expect(listed).toEqual(EDGE_KEYS);
  });

  test('a page sees every put and delete that ended before it began', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const expected = new Set<string>();
    for (let step = 0; step < 60; step++) {
      const key = `key-${(step * 7) % 13}`;
      if (expected.delete(key)) {
        await deleteKey(fixture.store, bucketId, key, 'remove');
      } else {
        await put(fixture.store, bucketId, key);
        expected.add(key);
      }
      expect(await listKeys(fixture.store, bucketId)).toEqual([...expected].sort());
    }
  });
}

function describePositions(subject: Subject<Metastore>): void {
  test('every prefix with every position gives exactly the keys that it should', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    await putEach(fixture.store, bucketId, EDGE_KEYS);
    for (const prefix of EDGE_TEXTS) {
      for (const from of [undefined, ...EDGE_TEXTS.flatMap(positionsOf)]) {
        const expected = EDGE_KEYS.filter((key) => key.startsWith(prefix) && isReached(key, from));
        const message = JSON.stringify({ prefix, from });
        expect(await listKeys(fixture.store, bucketId, prefix, from), message).toEqual(expected);
      }
    }
  });

  test('listVersions takes the same positions', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    await putEach(fixture.store, bucketId, [...EDGE_KEYS, ...EDGE_KEYS], 'new');
    for (const from of EDGE_TEXTS.flatMap(positionsOf)) {
      const expected = EDGE_KEYS.filter((key) => isReached(key, from)).flatMap((key) => [key, key]);
      const rows = await fixture.store.listVersions({ bucketId, prefix: '', from, limit: 1000 }, OPTIONS);
      expect(
        rows.map(({ key }) => key),
        JSON.stringify(from),
      ).toEqual(expected);
    }
  });

  test('seeking past prefixes finds one key of each', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const folders = ['a', 'b', 'b\uffff', 'b\u{10000}', 'b\u{10ffff}', 'c', '\u{10ffff}'];
    const keys = folders.flatMap((folder) => Array.from({ length: 20 }, (_, index) => `${folder}/${index}`));
    await putEach(fixture.store, bucketId, keys);
    const found: string[] = [];
    let from: ListPosition | undefined;
    for (;;) {
      const [row] = await fixture.store.listObjects({ bucketId, prefix: '', from, limit: 1 }, OPTIONS);
      if (row === undefined) break;
      const prefix = row.key.slice(0, row.key.indexOf('/') + 1);
      found.push(prefix);
      from = { kind: 'after-prefix', prefix };
    }
    expect(found).toEqual(folders.map((folder) => `${folder}/`));
  });
}

function describeMarkers(subject: Subject<Metastore>): void {
  test('listObjects passes over delete markers and does not end a page for them', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const keys = Array.from({ length: 300 }, (_, index) => `key-${String(index).padStart(3, '0')}`);
    const live = keys.filter((_, index) => index % 100 === 99);
    await putEach(fixture.store, bucketId, keys, 'new');
    const dead = keys.filter((key) => !live.includes(key));
    await Promise.all(dead.map((key) => deleteKey(fixture.store, bucketId, key, 'new-marker')));
    expect(await listKeys(fixture.store, bucketId)).toEqual(live);
    const page = await fixture.store.listObjects({ bucketId, prefix: '', from: undefined, limit: 2 }, OPTIONS);
    expect(page.map(({ key }) => key)).toEqual(live.slice(0, 2));
    const from: ListPosition = { kind: 'after-key', key: 'key-250' };
    expect(await listKeys(fixture.store, bucketId, '', from)).toEqual(['key-299']);
  });

  test('a key is listed exactly while its current version is an object', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const older = await put(store, bucketId, 'key', { text: 'older', slot: 'new' });
    expect(await listKeys(store, bucketId)).toEqual(['key']);
    await deleteKey(store, bucketId, 'key', 'new-marker');
    expect(await listKeys(store, bucketId)).toEqual([]);
    await put(store, bucketId, 'key', { text: 'newer' });
    expect(await listKeys(store, bucketId)).toEqual(['key']);
    await deleteKey(store, bucketId, 'key', 'null-marker');
    expect(await listKeys(store, bucketId)).toEqual([]);
    const at = { bucketId, key: older.key };
    await store.deleteVersion({ ...at, versionId: NULL_VERSION_ID }, guardAt(0), OPTIONS);
    expect(await listKeys(store, bucketId)).toEqual([]);
    const marker = must(await store.getVersion(at, OPTIONS));
    await store.deleteVersion({ ...at, versionId: marker.versionId }, guardAt(0), OPTIONS);
    const rows = await store.listObjects({ bucketId, prefix: '', from: undefined, limit: 10 }, OPTIONS);
    expect(rows).toMatchObject([listedOf(older)]);
    await store.deleteVersion({ bucketId, ...older }, guardAt(0), OPTIONS);
    expect(await listKeys(store, bucketId)).toEqual([]);
  });
}

function describeVersions(subject: Subject<Metastore>): void {
  test('listVersions gives keys in order, versions newest first, and says which is the latest', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const a1 = await put(fixture.store, bucketId, 'a', { text: '1', slot: 'new' });
    const b1 = await put(fixture.store, bucketId, 'b', { text: '1' });
    const a2 = await put(fixture.store, bucketId, 'a', { text: '2' });
    const deleted = await deleteKey(fixture.store, bucketId, 'a', 'new-marker');
    const marker = must(deleted.kind === 'deleted' ? deleted.marker : undefined);
    const rows = await fixture.store.listVersions({ bucketId, prefix: '', from: undefined, limit: 10 }, OPTIONS);
    expect(rows).toHaveLength(4);
    expect(rows).toMatchObject([
      { ...marker, isLatest: true },
      { ...listedOf(a2), isLatest: false },
      { ...listedOf(a1), isLatest: false },
      { ...listedOf(b1), isLatest: true },
    ]);
  });

  test.each([1, 2, 3, 5, 11, 100])('pages of %i versions give every version once', async (limit) => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    await fillWithVersions(fixture.store, bucketId);
    const whole = await fixture.store.listVersions({ bucketId, prefix: '', from: undefined, limit: 100 }, OPTIONS);
    const listed: unknown[] = [];
    let from: ListPosition | undefined;
    for (;;) {
      const page = await fixture.store.listVersions({ bucketId, prefix: '', from, limit }, OPTIONS);
      listed.push(...page);
      const last = page.at(-1);
      if (last === undefined || page.length < limit) break;
      from = { kind: 'after-version', key: last.key, versionId: last.versionId };
    }
    expect(listed).toEqual(whole);
  });
}

function describeAfterVersion(subject: Subject<Metastore>): void {
  test('a page after a version that is gone begins with the version below it', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    for (const goneIndexes of [[0], [1], [3], [1, 2], [3, 2, 1], [0, 1, 2, 3]]) {
      const bucketId = newBucketId();
      const ids: VersionId[] = [];
      for (let index = 0; index < 4; index++)
        ids.unshift((await put(store, bucketId, 'key', { slot: 'new' })).versionId);
      await put(store, bucketId, 'next');
      for (const index of goneIndexes) {
        const at = { bucketId, key: keyOf('key'), versionId: must(ids[index]) };
        await store.deleteVersion(at, guardAt(0), OPTIONS);
      }
      const left = ids.filter((_, index) => !goneIndexes.includes(index));
      for (const index of goneIndexes) {
        const from: ListPosition = { kind: 'after-version', key: 'key', versionId: must(ids[index]) };
        const rows = await store.listVersions({ bucketId, prefix: '', from, limit: 10 }, OPTIONS);
        const below = left.filter((id) => ids.indexOf(id) > index);
        expect(rows.map(({ versionId }) => versionId)).toEqual([...below, NULL_VERSION_ID]);
        expect(rows[0]?.isLatest).toBe(below.length === 0 || below.length === left.length);
      }
    }
  });

  test('deleting page after page, each after the last version of the one before, deletes every version', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    for (const limit of [1, 2, 3, 4]) {
      const bucketId = newBucketId();
      await fillWithVersions(store, bucketId);
      let from: ListPosition | undefined;
      for (let pages = 0; pages < 100; pages++) {
        const page = await store.listVersions({ bucketId, prefix: '', from, limit }, OPTIONS);
        for (const row of page) await store.deleteVersion({ bucketId, ...row }, guardAt(0), OPTIONS);
        const last = page.at(-1);
        if (last === undefined) break;
        from = { kind: 'after-version', key: last.key, versionId: last.versionId };
      }
      expect(await first(store, bucketId)).toBeUndefined();
    }
  });

  test('a page after the version null begins below the null version, wherever it stands', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    for (const text of ['1', 'null', '3', '4']) {
      await put(fixture.store, bucketId, 'key', { text, slot: text === 'null' ? 'null' : 'new' });
    }
    const all = await fixture.store.listVersions({ bucketId, prefix: '', from: undefined, limit: 10 }, OPTIONS);
    const from: ListPosition = { kind: 'after-version', key: 'key', versionId: NULL_VERSION_ID };
    const rows = await fixture.store.listVersions({ bucketId, prefix: '', from, limit: 10 }, OPTIONS);
    expect(rows).toEqual(all.slice(3));
  });

  test('after a version of a key that is not there, or that was never a version, no other key is left out', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const a = await put(fixture.store, bucketId, 'a', { slot: 'new' });
    await put(fixture.store, bucketId, 'c', { slot: 'new' });
    for (const versionId of [a.versionId, NULL_VERSION_ID, parseVersionId('nonsense'), parseVersionId('')]) {
      const from: ListPosition = { kind: 'after-version', key: 'b', versionId };
      const rows = await fixture.store.listVersions({ bucketId, prefix: '', from, limit: 10 }, OPTIONS);
      expect(rows.map(({ key }) => key)).toEqual(['c']);
    }
    const from: ListPosition = { kind: 'after-version', key: 'a', versionId: parseVersionId('nonsense') };
    const rows = await fixture.store.listVersions({ bucketId, prefix: '', from, limit: 10 }, OPTIONS);
    expect(rows.at(-1)?.key).toBe('c');
  });
}

/** Five keys with eleven versions: markers on top and between, null versions on top, between and below. */
async function fillWithVersions(store: Metastore, bucketId: BucketId): Promise<void> {
  await put(store, bucketId, 'a', { slot: 'null' });
  await put(store, bucketId, 'b', { slot: 'null' });
  await put(store, bucketId, 'b', { slot: 'new' });
  await deleteKey(store, bucketId, 'b', 'new-marker');
  await put(store, bucketId, 'b', { slot: 'new' });
  await put(store, bucketId, 'c', { slot: 'new' });
  await deleteKey(store, bucketId, 'c', 'null-marker');
  await put(store, bucketId, 'c', { slot: 'new' });
  await deleteKey(store, bucketId, 'd', 'new-marker');
  await put(store, bucketId, 'e', { slot: 'new' });
  await put(store, bucketId, 'e', { slot: 'null' });
}

async function first(store: Metastore, bucketId: BucketId) {
  const rows = await store.listVersions({ bucketId, prefix: '', from: undefined, limit: 1 }, OPTIONS);
  return rows[0];
}

async function listKeys(
  store: Metastore,
  bucketId: BucketId,
  prefix = '',
  from?: ListPosition,
): Promise<readonly string[]> {
  return (await store.listObjects({ bucketId, prefix, from, limit: 1000 }, OPTIONS)).map(({ key }) => key);
}

function positionsOf(text: string): readonly KeyPosition[] {
  return [
    { kind: 'at-key', key: text },
    { kind: 'after-key', key: text },
    { kind: 'after-prefix', prefix: text },
  ];
}

/** Whether a key of `EDGE_KEYS` is at or behind the position; by bytes, as the definition says. */
function isReached(key: string, position: KeyPosition | undefined): boolean {
  if (position === undefined) return true;
  const text = position.kind === 'after-prefix' ? position.prefix : position.key;
  const order = Buffer.compare(Buffer.from(key), Buffer.from(text));
  switch (position.kind) {
    case 'at-key':
      return order >= 0;
    case 'after-key':
      return order > 0;
    case 'after-prefix':
      return order > 0 && !key.startsWith(text);
  }
}
