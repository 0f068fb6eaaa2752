import { expect, test } from 'vitest';
import type { WriteCondition } from '../../src/domain/condition.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import {
  atOnce,
  blobDraft,
  deleteDraft,
  deleteKey,
  etagOf,
  guardAt,
  inlineDraft,
  intendBlob,
  keyOf,
  newBucketId,
  OPTIONS,
  put,
} from './drafts.ts';
import { openFixture, type Subject } from './subject.ts';

/** Clients that write one key at once. */
const CLIENTS = 64;

type Expected = 'holds' | 'failed' | 'absent';
type Current = 'object' | 'marker' | 'nothing';

const IF_MATCH: WriteCondition = { ifMatch: [etagOf('body')] };
const IF_NONE_MATCH: WriteCondition = { ifNoneMatch: [etagOf('body')] };
/** The time of the drafts, whose milliseconds no header can say. */
const SECONDS = Date.UTC(2025, 5, 1, 12) / 1000;

/** What each condition is of a current version with the body `body`, of a delete marker, of a missing key. */
const CASES: readonly (readonly [WriteCondition, Current, Expected])[] = [
  [{}, 'object', 'holds'],
  [{}, 'marker', 'holds'],
  [{}, 'nothing', 'holds'],
  [IF_MATCH, 'object', 'holds'],
  [IF_MATCH, 'marker', 'absent'],
  [IF_MATCH, 'nothing', 'absent'],
  [{ ifMatch: [etagOf('other')] }, 'object', 'failed'],
  [{ ifMatch: [etagOf('other'), etagOf('body')] }, 'object', 'holds'],
  [{ ifMatch: '*' }, 'object', 'holds'],
  [{ ifMatch: '*' }, 'marker', 'absent'],
  [{ ifMatch: '*' }, 'nothing', 'absent'],
  [{ ifNoneMatch: '*' }, 'object', 'failed'],
  [{ ifNoneMatch: '*' }, 'marker', 'holds'],
  [{ ifNoneMatch: '*' }, 'nothing', 'holds'],
  [IF_NONE_MATCH, 'object', 'failed'],
  [IF_NONE_MATCH, 'marker', 'holds'],
  [IF_NONE_MATCH, 'nothing', 'holds'],
  [{ ifNoneMatch: [etagOf('other')] }, 'object', 'holds'],
  [{ ...IF_MATCH, ...IF_NONE_MATCH }, 'object', 'failed'],
  [{ ifMatchSizeBytes: 4 }, 'object', 'holds'],
  [{ ifMatchSizeBytes: 5 }, 'object', 'failed'],
  [{ ifMatchSizeBytes: 4 }, 'nothing', 'absent'],
  [{ ifMatchLastModifiedSeconds: SECONDS }, 'object', 'holds'],
  [{ ifMatchLastModifiedSeconds: SECONDS + 1 }, 'object', 'failed'],
  [{ ifMatchLastModifiedSeconds: SECONDS }, 'marker', 'absent'],
  [{ ...IF_MATCH, ifMatchSizeBytes: 5 }, 'object', 'failed'],
];

const titles = CASES.map(([condition, current, expected]) => ({ condition, current, expected }));

export function describeConditions(subject: Subject<Metastore>): void {
  describeTables(subject);
  describeCurrentVersion(subject);
  describeRaces(subject);
  if (subject.isShared) describeSharing(subject);
}

function describeTables(subject: Subject<Metastore>): void {
  test.each(titles)('a put under $condition on $current: $expected', async ({ condition, current, expected }) => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    await prepare(fixture.store, bucketId, current);
    const before = await fixture.store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS);
    const blob = await intendBlob(fixture.store, fixture.clock.nowMs);
    const outcome = await fixture.store.putVersion(bucketId, blobDraft('key', blob), condition, OPTIONS);
    if (expected === 'holds') {
      expect(outcome.kind).toBe('stored');
      expect(await fixture.store.getBlobState(blob.id, OPTIONS)).toBe('referenced');
    } else {
      expect(outcome).toEqual({ kind: 'condition-failed', reason: expected });
      expect(await fixture.store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS)).toEqual(before);
      expect(await fixture.store.getBlobState(blob.id, OPTIONS)).toBe('intended');
    }
  });

  test.each(titles)('a delete under $condition on $current: $expected', async ({ condition, current, expected }) => {
    await using fixture = await openFixture(subject);
    for (const mode of ['remove', 'null-marker', 'new-marker'] as const) {
      const bucketId = newBucketId();
      await prepare(fixture.store, bucketId, current);
      const before = await fixture.store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS);
      const outcome = await fixture.store.deleteCurrent(bucketId, deleteDraft('key', mode), condition, OPTIONS);
      if (expected === 'holds') {
        expect(outcome.kind).toBe('deleted');
      } else {
        expect(outcome).toEqual({ kind: 'condition-failed', reason: expected });
        expect(await fixture.store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS)).toEqual(before);
      }
    }
  });
}

function describeCurrentVersion(subject: Subject<Metastore>): void {
  test('the condition of a put looks at the current version, not at older ones', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    await put(store, bucketId, 'key', { text: 'null' });
    await put(store, bucketId, 'key', { text: 'older', slot: 'new' });
    await put(store, bucketId, 'key', { text: 'current', slot: 'new' });
    for (const text of ['null', 'older']) {
      const outcome = await store.putVersion(bucketId, inlineDraft('key'), { ifMatch: [etagOf(text)] }, OPTIONS);
      expect(outcome).toEqual({ kind: 'condition-failed', reason: 'failed' });
    }
    const outcome = await store.putVersion(bucketId, inlineDraft('key'), { ifMatch: [etagOf('current')] }, OPTIONS);
    expect(outcome.kind).toBe('stored');
  });

  test('the condition of deleteVersion looks at that version; a delete marker counts as absent', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const older = await put(store, bucketId, 'key', { text: 'older', slot: 'new' });
    await put(store, bucketId, 'key', { text: 'current', slot: 'new' });
    const remove = (condition: WriteCondition) =>
      store.deleteVersion({ bucketId, ...older }, guardAt(0, { condition }), OPTIONS);
    expect(await remove({ ifMatch: [etagOf('current')] })).toEqual({ kind: 'condition-failed', reason: 'failed' });
    expect(await remove({ ifMatchSizeBytes: 99 })).toEqual({ kind: 'condition-failed', reason: 'failed' });
    expect(await remove({ ifMatch: [etagOf('older')] })).toEqual({ kind: 'deleted', was: 'object' });
    await deleteKey(store, bucketId, 'key', 'null-marker');
    const marker = await store.getVersion({ bucketId, key: older.key }, OPTIONS);
    if (marker === undefined) throw new TypeError('The marker is gone.');
    const guard = guardAt(0, { condition: { ifMatch: '*' } });
    const outcome = await store.deleteVersion({ bucketId, ...marker }, guard, OPTIONS);
    expect(outcome).toEqual({ kind: 'condition-failed', reason: 'absent' });
  });
}

function describeRaces(subject: Subject<Metastore>): void {
  test.each(['null', 'new'] as const)('of 64 puts at once that want no object, one wins (slot %s)', async (slot) => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const outcomes = await atOnce(CLIENTS, (client) =>
      fixture.store.putVersion(bucketId, inlineDraft('key', `${client}`, { slot }), { ifNoneMatch: '*' }, OPTIONS),
    );
    const winner = expectOneWinner(outcomes, 'stored');
    const current = await fixture.store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS);
    expect(current).toMatchObject({ etag: etagOf(`${winner}`) });
    const range = { bucketId, prefix: '', from: undefined, limit: CLIENTS };
    expect(await fixture.store.listVersions(range, OPTIONS)).toHaveLength(1);
  });

  test('of 64 puts at once that compare and swap, one wins each round', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    let { etag } = await put(fixture.store, bucketId, 'key', { text: 'start' });
    for (let round = 0; round < 5; round++) {
      const outcomes = await atOnce(CLIENTS, (client) => {
        const draft = inlineDraft('key', `${round}-${client}`);
        return fixture.store.putVersion(bucketId, draft, { ifMatch: [etag] }, OPTIONS);
      });
      etag = etagOf(`${round}-${expectOneWinner(outcomes, 'stored')}`);
      const current = await fixture.store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS);
      expect(current).toMatchObject({ etag });
    }
  });

  test('of 64 deletes at once that want the object, one wins', async () => {
    await using fixture = await openFixture(subject);
    for (const mode of ['remove', 'null-marker', 'new-marker'] as const) {
      const bucketId = newBucketId();
      await put(fixture.store, bucketId, 'key', { text: 'body' });
      const outcomes = await atOnce(CLIENTS, () =>
        fixture.store.deleteCurrent(bucketId, deleteDraft('key', mode), IF_MATCH, OPTIONS),
      );
      expectOneWinner(outcomes, 'deleted');
    }
  });

  test('of 64 deletes of one version at once, one finds it', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const version = await put(fixture.store, bucketId, 'key', { slot: 'new' });
    const outcomes = await atOnce(CLIENTS, () =>
      fixture.store.deleteVersion({ bucketId, ...version }, guardAt(0), OPTIONS),
    );
    expect(outcomes.filter(({ kind }) => kind === 'deleted')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'not-found')).toHaveLength(CLIENTS - 1);
  });

  test('64 puts at once into the slot new are 64 versions', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    await atOnce(CLIENTS, (client) => put(fixture.store, bucketId, 'key', { text: `${client}`, slot: 'new' }));
    const range = { bucketId, prefix: '', from: undefined, limit: 2 * CLIENTS };
    const rows = await fixture.store.listVersions(range, OPTIONS);
    expect(new Set(rows.map(({ versionId }) => versionId)).size).toBe(CLIENTS);
    expect(rows.filter(({ isLatest }) => isLatest)).toHaveLength(1);
  });
}

function describeSharing(subject: Subject<Metastore>): void {
  test('of puts at once through two handles that compare and swap, one wins each round', async () => {
    await using fixture = await openFixture(subject);
    const handles = [fixture.store, await fixture.openAnother()];
    const bucketId = newBucketId();
    let { etag } = await put(fixture.store, bucketId, 'key', { text: 'start' });
    for (let round = 0; round < 5; round++) {
      const outcomes = await atOnce(CLIENTS, (client) => {
        const draft = inlineDraft('key', `${round}-${client}`);
        const store = handles[client % handles.length] ?? fixture.store;
        return store.putVersion(bucketId, draft, { ifMatch: [etag] }, OPTIONS);
      });
      etag = etagOf(`${round}-${expectOneWinner(outcomes, 'stored')}`);
      for (const store of handles) {
        expect(await store.getVersion({ bucketId, key: keyOf('key') }, OPTIONS)).toMatchObject({ etag });
      }
    }
  });

  test('what one handle wrote, another sees at once: versions, markers and listings', async () => {
    await using fixture = await openFixture(subject);
    const other = await fixture.openAnother();
    const bucketId = newBucketId();
    const range = { bucketId, prefix: '', from: undefined, limit: 1000 };
    for (let index = 0; index < 20; index++) {
      const [writer, reader] = index % 2 === 0 ? [fixture.store, other] : [other, fixture.store];
      const version = await put(writer, bucketId, `key-${index}`, { text: `${index}`, slot: 'new' });
      expect(await reader.getVersion({ bucketId, key: version.key }, OPTIONS)).toEqual(version);
      expect(await reader.listObjects(range, OPTIONS)).toHaveLength(Math.floor((index + 1) / 2) + 1);
      if (index % 2 === 0) continue;
      await deleteKey(writer, bucketId, `key-${index}`, 'new-marker');
      expect(await reader.getVersion({ bucketId, key: version.key }, OPTIONS)).toMatchObject({ kind: 'delete-marker' });
      expect(await reader.listObjects(range, OPTIONS)).toHaveLength(Math.floor(index / 2) + 1);
    }
  });
}

async function prepare(store: Metastore, bucketId: Parameters<typeof put>[1], current: Current): Promise<void> {
  if (current === 'nothing') return;
  await put(store, bucketId, 'key', { text: 'body' });
  if (current === 'marker') await deleteKey(store, bucketId, 'key', 'null-marker');
}

/** The index of the only outcome of kind `wins`; every other must be a refused condition. */
function expectOneWinner(outcomes: readonly { readonly kind: string }[], wins: string): number {
  expect(outcomes.filter(({ kind }) => kind === wins)).toHaveLength(1);
  expect(outcomes.filter(({ kind }) => kind === 'condition-failed')).toHaveLength(outcomes.length - 1);
  return outcomes.findIndex(({ kind }) => kind === wins);
}
