import { describe, expect, test } from 'vitest';
import type { Bucket, VersioningStatus } from '../../src/domain/bucket.ts';
import { parseBucketName, parseRegionName, parseTenantId } from '../../src/domain/names.ts';
import type { BucketRange, Bucketstore, BucketUpdate } from '../../src/stores/bucketstore.ts';
import { atOnce, must, newBucketId, OPTIONS } from './drafts.ts';
import { openFixture, type Subject } from './subject.ts';

const EVERYTHING: BucketRange = { tenant: undefined, prefix: '', after: undefined, limit: 1000 };

/** Every sentence of `Bucketstore`. */
export function bucketstoreContract(subject: Subject<Bucketstore>): void {
  describe(`Bucketstore of ${subject.engine}`, () => {
    describeClaims(subject);
    describeUpdates(subject);
    describeRemovals(subject);
    describeLists(subject);
    describeSignals(subject);
    if (subject.isShared) describeSharing(subject);
    if (subject.isDurable) describeDurability(subject);
  });
}

function describeClaims(subject: Subject<Bucketstore>): void {
  test('a bucket that was created is found under its name', async () => {
    await using fixture = await openFixture(subject);
    const bucket = bucketOf('bucket');
    expect(await fixture.store.getBucket(bucket.name, OPTIONS)).toBeUndefined();
    expect(await fixture.store.createBucket(bucket, OPTIONS)).toEqual({ kind: 'created' });
    expect(await fixture.store.getBucket(bucket.name, OPTIONS)).toEqual(bucket);
    expect(await fixture.store.getBucket(bucketOf('bucke').name, OPTIONS)).toBeUndefined();
  });

  test('a name that is taken gives back the bucket that has it, whoever asks', async () => {
    await using fixture = await openFixture(subject);
    const bucket = bucketOf('bucket');
    await fixture.store.createBucket(bucket, OPTIONS);
    for (const tenant of ['tenant', 'other']) {
      const outcome = await fixture.store.createBucket(bucketOf('bucket', tenant), OPTIONS);
      expect(outcome).toEqual({ kind: 'exists', bucket });
    }
    expect(await fixture.store.getBucket(bucket.name, OPTIONS)).toEqual(bucket);
  });

  test('of 32 claims of one name at once, one wins', async () => {
    await using fixture = await openFixture(subject);
    const claims = Array.from({ length: 32 }, (_, index) => bucketOf('bucket', `tenant-${index}`));
    const outcomes = await Promise.all(claims.map((claim) => fixture.store.createBucket(claim, OPTIONS)));
    const winner = claims[outcomes.findIndex(({ kind }) => kind === 'created')];
    expect(outcomes.filter(({ kind }) => kind === 'created')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'exists')).toHaveLength(31);
    for (const outcome of outcomes) if (outcome.kind === 'exists') expect(outcome.bucket).toEqual(winner);
    expect(await fixture.store.getBucket(must(winner).name, OPTIONS)).toEqual(winner);
  });
}

function describeUpdates(subject: Subject<Bucketstore>): void {
  test('an update replaces the configuration and counts the revision up', async () => {
    await using fixture = await openFixture(subject);
    const bucket = bucketOf('bucket');
    await fixture.store.createBucket(bucket, OPTIONS);
    let revision = 1;
    for (const versioning of ['enabled', 'suspended', 'enabled'] as const) {
      const updated = { ...bucket, configuration: { versioning }, revision: revision + 1 };
      const outcome = await fixture.store.updateBucket(updateOf(bucket, versioning, revision), OPTIONS);
      expect(outcome).toEqual({ kind: 'updated', bucket: updated });
      expect(await fixture.store.getBucket(bucket.name, OPTIONS)).toEqual(updated);
      revision++;
    }
  });

  test('an update at another revision changes nothing and gives back the bucket as it is', async () => {
    await using fixture = await openFixture(subject);
    const bucket = bucketOf('bucket');
    await fixture.store.createBucket(bucket, OPTIONS);
    for (const revision of [0, 2]) {
      const outcome = await fixture.store.updateBucket(updateOf(bucket, 'enabled', revision), OPTIONS);
      expect(outcome).toEqual({ kind: 'changed', bucket });
    }
    expect(await fixture.store.getBucket(bucket.name, OPTIONS)).toEqual(bucket);
  });

  test('an update of a bucket that is gone, or was made again under its name, is gone', async () => {
    await using fixture = await openFixture(subject);
    const bucket = bucketOf('bucket');
    expect(await fixture.store.updateBucket(updateOf(bucket, 'enabled', 1), OPTIONS)).toEqual({ kind: 'gone' });
    const again = bucketOf('bucket');
    await fixture.store.createBucket(again, OPTIONS);
    expect(await fixture.store.updateBucket(updateOf(bucket, 'enabled', 1), OPTIONS)).toEqual({ kind: 'gone' });
    expect(await fixture.store.getBucket(bucket.name, OPTIONS)).toEqual(again);
  });

  test('of 32 updates of one revision at once, one wins', async () => {
    await using fixture = await openFixture(subject);
    const bucket = bucketOf('bucket');
    await fixture.store.createBucket(bucket, OPTIONS);
    const outcomes = await atOnce(32, (index) =>
      fixture.store.updateBucket(updateOf(bucket, index % 2 === 0 ? 'enabled' : 'suspended', 1), OPTIONS),
    );
    expect(outcomes.filter(({ kind }) => kind === 'updated')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'changed')).toHaveLength(31);
    expect(await fixture.store.getBucket(bucket.name, OPTIONS)).toMatchObject({ revision: 2 });
  });
}

function describeRemovals(subject: Subject<Bucketstore>): void {
  test('removing a bucket frees its name, and repeating it changes nothing', async () => {
    await using fixture = await openFixture(subject);
    const [bucket, again] = [bucketOf('bucket'), bucketOf('bucket')];
    await fixture.store.removeBucket(bucket, OPTIONS);
    await fixture.store.createBucket(bucket, OPTIONS);
    await fixture.store.removeBucket(bucket, OPTIONS);
    expect(await fixture.store.getBucket(bucket.name, OPTIONS)).toBeUndefined();
    expect(await fixture.store.listBuckets(EVERYTHING, OPTIONS)).toEqual([]);
    await fixture.store.removeBucket(bucket, OPTIONS);
    expect(await fixture.store.createBucket(again, OPTIONS)).toEqual({ kind: 'created' });
    await fixture.store.removeBucket(bucket, OPTIONS);
    expect(await fixture.store.getBucket(bucket.name, OPTIONS)).toEqual(again);
    expect(await fixture.store.listBuckets(EVERYTHING, OPTIONS)).toEqual([again]);
  });
}

function describeLists(subject: Subject<Bucketstore>): void {
  const NAMES = ['aaa', 'aab', 'a-b', 'a.b', 'a0b', 'bbb', 'b'.repeat(63), 'abc-1', 'abc-10', 'abc-2'];

  test('listBuckets gives the buckets of a tenant in the order of their names', async () => {
    await using fixture = await openFixture(subject);
    for (const name of NAMES) await fixture.store.createBucket(bucketOf(name, 'one'), OPTIONS);
    for (const name of ['aac', 'zzz']) await fixture.store.createBucket(bucketOf(name, 'one-more'), OPTIONS);
    const list = async (tenant: string | undefined) => {
      const range = { ...EVERYTHING, tenant: tenant === undefined ? undefined : parseTenantId(tenant) };
      return (await fixture.store.listBuckets(range, OPTIONS)).map(({ name }) => name);
    };
    expect(await list('one')).toEqual([...NAMES].sort());
    expect(await list('one-more')).toEqual(['aac', 'zzz']);
    expect(await list('nobody')).toEqual([]);
    expect(await list('on')).toEqual([]);
    expect(await list(undefined)).toEqual([...NAMES, 'aac', 'zzz'].sort());
  });

  test('listBuckets keeps to prefix, position and limit', async () => {
    await using fixture = await openFixture(subject);
    for (const name of NAMES) await fixture.store.createBucket(bucketOf(name), OPTIONS);
    const sorted = [...NAMES].sort();
    for (const tenant of [undefined, parseTenantId('tenant')]) {
      for (const prefix of ['', 'a', 'aa', 'abc-', 'abc-1', 'bbb', 'c', '\uffff']) {
        for (const after of [undefined, '', 'a', 'aaa', 'abc-1', 'abc-5', 'bbb', 'zzz', '\u{10ffff}']) {
          for (const limit of [1, 3, 100]) {
            const expected = sorted
              .filter((name) => name.startsWith(prefix) && (after === undefined || name > after))
              .slice(0, limit);
            const listed = await fixture.store.listBuckets({ tenant, prefix, after, limit }, OPTIONS);
            expect(
              listed.map(({ name }) => name),
              JSON.stringify({ prefix, after, limit }),
            ).toEqual(expected);
          }
        }
      }
    }
  });

  test('a list shows buckets as they are now', async () => {
    await using fixture = await openFixture(subject);
    const bucket = bucketOf('bucket');
    await fixture.store.createBucket(bucket, OPTIONS);
    await fixture.store.updateBucket(updateOf(bucket, 'enabled', 1), OPTIONS);
    for (const tenant of [undefined, bucket.owner.tenant]) {
      const listed = await fixture.store.listBuckets({ ...EVERYTHING, tenant }, OPTIONS);
      expect(listed).toEqual([{ ...bucket, configuration: { versioning: 'enabled' }, revision: 2 }]);
    }
  });

  test('checkWritable leaves no trace', async () => {
    await using fixture = await openFixture(subject);
    await fixture.store.checkWritable(OPTIONS);
    expect(await fixture.store.listBuckets(EVERYTHING, OPTIONS)).toEqual([]);
    expect(fixture.store.description).toMatch(/^[^\n]+$/);
  });
}

function describeSignals(subject: Subject<Bucketstore>): void {
  test('a signal that has fired ends every call with its reason, and nothing is written', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bucket = bucketOf('bucket');
    await store.createBucket(bucket, OPTIONS);
    const reason = new Error('too late');
    const options = { signal: AbortSignal.abort(reason) };
    await expect(store.getBucket(bucket.name, options)).rejects.toBe(reason);
    await expect(store.createBucket(bucketOf('other'), options)).rejects.toBe(reason);
    await expect(store.updateBucket(updateOf(bucket, 'enabled', 1), options)).rejects.toBe(reason);
    await expect(store.removeBucket(bucket, options)).rejects.toBe(reason);
    await expect(store.listBuckets(EVERYTHING, options)).rejects.toBe(reason);
    await expect(store.checkWritable(options)).rejects.toBe(reason);
    expect(await store.listBuckets(EVERYTHING, OPTIONS)).toEqual([bucket]);
  });
}

function describeSharing(subject: Subject<Bucketstore>): void {
  test('what one handle claimed, changed or removed, another sees at once', async () => {
    await using fixture = await openFixture(subject);
    const other = await fixture.openAnother();
    const bucket = bucketOf('bucket');
    expect(await other.getBucket(bucket.name, OPTIONS)).toBeUndefined();
    await fixture.store.createBucket(bucket, OPTIONS);
    expect(await other.createBucket(bucketOf('bucket'), OPTIONS)).toEqual({ kind: 'exists', bucket });
    expect(await other.getBucket(bucket.name, OPTIONS)).toEqual(bucket);
    await other.updateBucket(updateOf(bucket, 'enabled', 1), OPTIONS);
    const outcome = await fixture.store.updateBucket(updateOf(bucket, 'suspended', 1), OPTIONS);
    expect(outcome).toMatchObject({ kind: 'changed', bucket: { revision: 2 } });
    await fixture.store.removeBucket(bucket, OPTIONS);
    expect(await other.getBucket(bucket.name, OPTIONS)).toBeUndefined();
    expect(await other.listBuckets(EVERYTHING, OPTIONS)).toEqual([]);
  });
}

function describeDurability(subject: Subject<Bucketstore>): void {
  test('buckets are there when the store is opened again', async () => {
    await using fixture = await openFixture(subject);
    const [kept, removed] = [bucketOf('kept'), bucketOf('removed')];
    await fixture.store.createBucket(kept, OPTIONS);
    await fixture.store.createBucket(removed, OPTIONS);
    await fixture.store.updateBucket(updateOf(kept, 'enabled', 1), OPTIONS);
    await fixture.store.removeBucket(removed, OPTIONS);
    const reopened = await fixture.reopen();
    const expected = { ...kept, configuration: { versioning: 'enabled' }, revision: 2 };
    expect(await reopened.listBuckets(EVERYTHING, OPTIONS)).toEqual([expected]);
    expect(await reopened.getBucket(kept.name, OPTIONS)).toEqual(expected);
  });
}

function bucketOf(name: string, tenant = 'tenant'): Bucket {
  return {
    id: newBucketId(),
    name: must(parseBucketName(name)),
    owner: { tenant: parseTenantId(tenant), displayName: `${tenant} É` },
    region: must(parseRegionName('us-east-1')),
    createdAtMs: Date.UTC(2025, 0, 1) + 1,
    configuration: { versioning: 'unversioned' },
    revision: 1,
  };
}

function updateOf({ name, id }: Bucket, versioning: VersioningStatus, revision: number): BucketUpdate {
  return { name, id, revision, configuration: { versioning } };
}
