import { expect, test } from 'vitest';
import { NULL_VERSION_ID, parseVersionId } from '../../src/domain/names.ts';
import { DEFAULT_ATTRIBUTES, type Retention, type VersionAttributes } from '../../src/domain/object-version.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { atOnce, deleteKey, guardAt, inlineDraft, keyOf, newBucketId, OPTIONS, put, stored } from './drafts.ts';
import { openFixture, type Subject } from './subject.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const GOVERNANCE: Retention = { mode: 'GOVERNANCE', retainUntilMs: NOW_MS + 1000 };
const COMPLIANCE: Retention = { mode: 'COMPLIANCE', retainUntilMs: NOW_MS + 1000 };

/** Which lock forbids deleting, at what time and with which right. */
const LOCKS: readonly {
  readonly title: string;
  readonly lock: Partial<VersionAttributes>;
  readonly nowMs: number;
  readonly bypassGovernance: boolean;
  readonly isLocked: boolean;
}[] = [
  { title: 'no lock', lock: {}, nowMs: NOW_MS, bypassGovernance: false, isLocked: false },
  { title: 'GOVERNANCE', lock: { retention: GOVERNANCE }, nowMs: NOW_MS, bypassGovernance: false, isLocked: true },
  {
    title: 'GOVERNANCE bypassed',
    lock: { retention: GOVERNANCE },
    nowMs: NOW_MS,
    bypassGovernance: true,
    isLocked: false,
  },
  {
    title: 'GOVERNANCE in its last millisecond',
    lock: { retention: GOVERNANCE },
    nowMs: NOW_MS + 999,
    bypassGovernance: false,
    isLocked: true,
  },
  {
    title: 'GOVERNANCE that has ended',
    lock: { retention: GOVERNANCE },
    nowMs: NOW_MS + 1000,
    bypassGovernance: false,
    isLocked: false,
  },
  { title: 'COMPLIANCE', lock: { retention: COMPLIANCE }, nowMs: NOW_MS, bypassGovernance: false, isLocked: true },
  {
    title: 'COMPLIANCE with the right to bypass',
    lock: { retention: COMPLIANCE },
    nowMs: NOW_MS,
    bypassGovernance: true,
    isLocked: true,
  },
  {
    title: 'COMPLIANCE that has ended',
    lock: { retention: COMPLIANCE },
    nowMs: NOW_MS + 1000,
    bypassGovernance: false,
    isLocked: false,
  },
  { title: 'a legal hold', lock: { legalHold: true }, nowMs: NOW_MS, bypassGovernance: true, isLocked: true },
  {
    title: 'a legal hold beside a retention that has ended',
    lock: { legalHold: true, retention: COMPLIANCE },
    nowMs: NOW_MS + 1000,
    bypassGovernance: true,
    isLocked: true,
  },
];

export function describeAttributes(subject: Subject<Metastore>): void {
  describeLocks(subject);
  describeUpdates(subject);
}

function describeLocks(subject: Subject<Metastore>): void {
  test.each(LOCKS)(
    'deleteVersion under $title: locked $isLocked',
    async ({ lock, nowMs, bypassGovernance, isLocked }) => {
      await using fixture = await openFixture(subject);
      const bucketId = newBucketId();
      const draft = inlineDraft('key', 'body', { slot: 'new', attributes: { ...DEFAULT_ATTRIBUTES, ...lock } });
      const version = stored(await fixture.store.putVersion(bucketId, draft, {}, OPTIONS));
      const guard = guardAt(nowMs, { bypassGovernance });
      const outcome = await fixture.store.deleteVersion({ bucketId, ...version }, guard, OPTIONS);
      expect(outcome).toEqual(isLocked ? { kind: 'locked' } : { kind: 'deleted', was: 'object' });
      const left = await fixture.store.getVersion({ bucketId, key: version.key }, OPTIONS);
      expect(left).toEqual(isLocked ? version : undefined);
    },
  );

  test('a lock that was acknowledged is seen by every later delete', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const version = await put(store, bucketId, 'key', { slot: 'new' });
    const lock = { ...DEFAULT_ATTRIBUTES, retention: COMPLIANCE };
    expect(await store.updateAttributes({ bucketId, ...version }, { attributes: lock, revision: 1 }, OPTIONS)).toBe(
      'updated',
    );
    const guard = guardAt(NOW_MS);
    expect(await store.deleteVersion({ bucketId, ...version }, guard, OPTIONS)).toEqual({ kind: 'locked' });
    const open = { attributes: DEFAULT_ATTRIBUTES, revision: 2 };
    expect(await store.updateAttributes({ bucketId, ...version }, open, OPTIONS)).toBe('updated');
    expect((await store.deleteVersion({ bucketId, ...version }, guard, OPTIONS)).kind).toBe('deleted');
  });

  test('of a lock and a delete at once, the delete loses or the lock finds nothing', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucketId = newBucketId();
    const outcomes = await atOnce(32, async (index) => {
      const version = await put(store, bucketId, `key-${index}`, { slot: 'new' });
      const update = { attributes: { ...DEFAULT_ATTRIBUTES, legalHold: true }, revision: 1 };
      const lock = () => store.updateAttributes({ bucketId, ...version }, update, OPTIONS);
      const remove = async () => (await store.deleteVersion({ bucketId, ...version }, guardAt(0), OPTIONS)).kind;
      const both = index % 2 === 0 ? [lock(), remove()] : [remove(), lock()];
      return (await Promise.all(both)).sort().join(' ');
    });
    for (const outcome of outcomes) expect(['locked updated', 'deleted not-found']).toContain(outcome);
  });
}

function describeUpdates(subject: Subject<Metastore>): void {
  test('updateAttributes replaces the attributes, counts the revision up and leaves the rest', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const version = await put(fixture.store, bucketId, 'key', { text: 'body' });
    const attributes: VersionAttributes = {
      acl: [
        { grantee: { kind: 'tenant', tenant: version.owner.tenant, displayName: 'É' }, permission: 'FULL_CONTROL' },
      ],
      tags: [['a', '']],
      retention: GOVERNANCE,
      legalHold: true,
    };
    const at = { bucketId, key: version.key, versionId: NULL_VERSION_ID };
    expect(await fixture.store.updateAttributes(at, { attributes, revision: 1 }, OPTIONS)).toBe('updated');
    const updated = { ...version, attributes, attributesRevision: 2 };
    expect(await fixture.store.getVersion(at, OPTIONS)).toEqual(updated);
    expect(await fixture.store.getVersion({ bucketId, key: version.key }, OPTIONS)).toEqual(updated);
  });

  test('updateAttributes changes nothing at another revision', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const version = await put(fixture.store, bucketId, 'key', { slot: 'new' });
    const at = { bucketId, ...version };
    for (const revision of [0, 2]) {
      const update = { attributes: { ...DEFAULT_ATTRIBUTES, legalHold: true }, revision };
      expect(await fixture.store.updateAttributes(at, update, OPTIONS)).toBe('changed');
    }
    expect(await fixture.store.getVersion(at, OPTIONS)).toEqual(version);
  });

  test('updateAttributes of an older version leaves the current one', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const older = await put(fixture.store, bucketId, 'key', { text: 'a', slot: 'new' });
    const current = await put(fixture.store, bucketId, 'key', { text: 'b', slot: 'new' });
    const update = { attributes: { ...DEFAULT_ATTRIBUTES, legalHold: true }, revision: 1 };
    expect(await fixture.store.updateAttributes({ bucketId, ...older }, update, OPTIONS)).toBe('updated');
    expect(await fixture.store.getVersion({ bucketId, key: current.key }, OPTIONS)).toEqual(current);
    expect(await fixture.store.getVersion({ bucketId, ...older }, OPTIONS)).toMatchObject({ attributesRevision: 2 });
  });

  test('updateAttributes of a missing version or a delete marker is not-found', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const key = keyOf('key');
    const update = { attributes: DEFAULT_ATTRIBUTES, revision: 1 };
    const missing = { bucketId, key, versionId: NULL_VERSION_ID };
    expect(await fixture.store.updateAttributes(missing, update, OPTIONS)).toBe('not-found');
    await deleteKey(fixture.store, bucketId, 'key', 'null-marker');
    expect(await fixture.store.updateAttributes(missing, update, OPTIONS)).toBe('not-found');
    const unknown = { bucketId, key, versionId: parseVersionId('f'.repeat(32)) };
    expect(await fixture.store.updateAttributes(unknown, update, OPTIONS)).toBe('not-found');
  });

  test('of 64 updates at once of one revision, one wins', async () => {
    await using fixture = await openFixture(subject);
    const bucketId = newBucketId();
    const version = await put(fixture.store, bucketId, 'key', { slot: 'new' });
    const outcomes = await atOnce(64, (index) => {
      const attributes: VersionAttributes = { ...DEFAULT_ATTRIBUTES, tags: [['client', `${index}`]] };
      return fixture.store.updateAttributes({ bucketId, ...version }, { attributes, revision: 1 }, OPTIONS);
    });
    expect(outcomes.filter((outcome) => outcome === 'updated')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'changed')).toHaveLength(63);
    const winner = outcomes.indexOf('updated');
    expect(await fixture.store.getVersion({ bucketId, ...version }, OPTIONS)).toMatchObject({
      attributes: { tags: [['client', `${winner}`]] },
      attributesRevision: 2,
    });
  });
}
