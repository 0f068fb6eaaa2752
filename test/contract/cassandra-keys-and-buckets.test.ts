import { describe, expect, test } from 'vitest';
import type { Bucket } from '../../src/domain/bucket.ts';
import { parseBucketName, parseRegionName, parseTenantId } from '../../src/domain/names.ts';
import { CassandraBucketstore } from '../../src/stores/cassandra/bucketstore.ts';
import type { Cells, TransactionOutcome } from '../../src/stores/cassandra/cells.ts';
import { CassandraKeystore } from '../../src/stores/cassandra/keystore.ts';
import { BUCKET, BUCKET_BY_TENANT } from '../../src/stores/cassandra/tables.ts';
import { CalmCells } from '../model/calm-cells.ts';
import { bucketstoreContract } from './bucketstore.ts';
import { must, newBucketId, OPTIONS } from './drafts.ts';
import { keystoreContract } from './keystore.ts';
import { type Opened, type Subject, TestClock } from './subject.ts';

const description = 'cells in memory';

keystoreContract(calmSubject((cells, nowMs) => new CassandraKeystore({ cells, description, nowMs })));
bucketstoreContract(calmSubject(openBuckets));

describe('The bucket index', () => {
  test('costs one read of rows and no head once every change is settled', async () => {
    const { cells, store } = open();
    for (const name of ['one', 'two', 'three']) await store.createBucket(bucketOf(name), OPTIONS);
    await store[Symbol.asyncDispose]();
    cells.headReads = 0;
    expect(await namesOf(store)).toEqual(['one', 'three', 'two']);
    expect(cells.headReads).toBe(0);
  });

  test('shows what a claim became whose gateway died before it settled', async () => {
    const { cells, store } = open();
    cells.afterTransaction = () => {
      throw new Error('The gateway is gone.');
    };
    await expect(store.createBucket(bucketOf('claimed'), OPTIONS)).rejects.toThrow('gone');
    cells.afterTransaction = undefined;
    expect(await namesOf(store)).toEqual(['claimed']);
    await store[Symbol.asyncDispose]();
    cells.headReads = 0;
    expect(await namesOf(store)).toEqual(['claimed']);
    expect(cells.headReads).toBe(0);
  });

  test('forgets a claim that was announced and never made, and a claim that wakes up later is made anew', async () => {
    const { cells, clock, store } = open();
    const asleep = cells.holdNextTransaction();
    const claim = store.createBucket(bucketOf('late'), OPTIONS);
    await expect.poll(() => cells.transactions).toBe(1);
    expect(await namesOf(store)).toEqual([]);
    clock.advance(120_000);
    const other = openBuckets(cells, () => clock.nowMs);
    expect(await namesOf(other)).toEqual([]);
    await other[Symbol.asyncDispose]();
    expect(await cells.readRows(BUCKET_BY_TENANT, ['all'], { limit: 10 }, OPTIONS)).toEqual([]);
    asleep.resolve();
    expect(await claim).toEqual({ kind: 'created' });
    expect(await namesOf(store)).toEqual(['late']);
    expect(await namesOf(other)).toEqual(['late']);
  });

  test('shows a name to the tenant that won it alone, whoever claimed it too', async () => {
    const { cells, clock, store } = open();
    const asleep = cells.holdNextTransaction();
    const lost = store.createBucket(bucketOf('wanted', 'slow'), OPTIONS);
    await expect.poll(() => cells.transactions).toBe(1);
    const other = openBuckets(cells, () => clock.nowMs - 5_000);
    await other.createBucket(bucketOf('wanted', 'fast'), OPTIONS);
    asleep.resolve();
    expect(await lost).toMatchObject({ kind: 'exists', bucket: { owner: { tenant: 'fast' } } });
    clock.advance(120_000);
    for (let times = 0; times < 2; times++) {
      expect(await namesOf(store, 'slow')).toEqual([]);
      expect(await namesOf(store, 'fast')).toEqual(['wanted']);
      expect(await namesOf(store)).toEqual(['wanted']);
    }
  });
});

describe('A step whose transaction was in doubt and then overtaken', () => {
  test('is told that it was done where the head names it, even by another name holder', async () => {
    const { cells, store } = open();
    cells.afterTransaction = async (outcome) => {
      cells.afterTransaction = undefined;
      const { id, name } = bucket;
      await openBuckets(cells, () => Date.UTC(2026, 0, 1)).removeBucket({ id, name }, OPTIONS);
      return outcome === 'applied' ? 'overtaken' : outcome;
    };
    const bucket = bucketOf('brief');
    expect(await store.createBucket(bucket, OPTIONS)).toEqual({ kind: 'created' });
    expect(await store.getBucket(bucket.name, OPTIONS)).toBeUndefined();
  });

  test('is decided anew where the head does not name it', async () => {
    const { cells, store } = open();
    const winner = bucketOf('wanted');
    cells.beforeTransaction = async () => {
      cells.beforeTransaction = undefined;
      await openBuckets(cells, () => Date.UTC(2026, 0, 1)).createBucket(winner, OPTIONS);
    };
    cells.afterTransaction = async (outcome) => (outcome === 'refused' ? 'overtaken' : outcome);
    expect(await store.createBucket(bucketOf('wanted'), OPTIONS)).toEqual({ kind: 'exists', bucket: winner });
  });

  test('a name that is free again starts above its last life, whatever the clock says', async () => {
    const { cells, clock, store } = open();
    const bucket = bucketOf('again');
    await store.createBucket(bucket, OPTIONS);
    await store.removeBucket(bucket, OPTIONS);
    const before = must(await cells.readHead(BUCKET, ['again'], OPTIONS)).sequence;
    clock.advance(-3_600_000);
    await store.createBucket(bucketOf('again'), OPTIONS);
    expect(must(await cells.readHead(BUCKET, ['again'], OPTIONS)).sequence).toBeGreaterThan(before);
    expect(await namesOf(store)).toEqual(['again']);
  });
});

/** Cells whose transactions can be held up, and are counted. */
class WatchedCells extends CalmCells implements Cells {
  headReads = 0;
  transactions = 0;
  beforeTransaction: (() => Promise<void>) | undefined;
  afterTransaction: ((outcome: TransactionOutcome) => Promise<TransactionOutcome>) | undefined;

  holdNextTransaction(): PromiseWithResolvers<void> {
    const held = Promise.withResolvers<void>();
    this.beforeTransaction = () => {
      this.beforeTransaction = undefined;
      return held.promise;
    };
    return held;
  }

  override async readHead(...call: Parameters<CalmCells['readHead']>) {
    this.headReads++;
    return await super.readHead(...call);
  }

  override async transact(...call: Parameters<CalmCells['transact']>): Promise<TransactionOutcome> {
    const { beforeTransaction } = this;
    this.transactions++;
    await beforeTransaction?.();
    const outcome = await super.transact(...call);
    return (await this.afterTransaction?.(outcome)) ?? outcome;
  }
}

function open(): { cells: WatchedCells; clock: TestClock; store: CassandraBucketstore } {
  const clock = new TestClock();
  const cells = new WatchedCells({ nowMs: () => clock.nowMs });
  return { cells, clock, store: openBuckets(cells, () => clock.nowMs) };
}

function openBuckets(cells: Cells, nowMs: () => number): CassandraBucketstore {
  const onBackgroundError = (error: unknown) => {
    throw error;
  };
  return new CassandraBucketstore({ cells, description, nowMs, onBackgroundError });
}

async function namesOf(store: CassandraBucketstore, tenant?: string): Promise<string[]> {
  const range = { tenant: tenant === undefined ? undefined : parseTenantId(tenant), prefix: '', after: undefined };
  return (await store.listBuckets({ ...range, limit: 100 }, OPTIONS)).map(({ name }) => name);
}

function bucketOf(name: string, tenant = 'tenant'): Bucket {
  return {
    id: newBucketId(),
    name: must(parseBucketName(name)),
    owner: { tenant: parseTenantId(tenant), displayName: tenant },
    region: must(parseRegionName('us-east-1')),
    createdAtMs: Date.UTC(2026, 0, 1),
    configuration: { versioning: 'unversioned' },
    revision: 1,
  };
}

/** Every handle is opened on the same cells, as several gateways on one cluster. */
function calmSubject<S extends AsyncDisposable>(make: (cells: Cells, nowMs: () => number) => S): Subject<S> {
  return {
    engine: 'cassandra over calm cells',
    isShared: true,
    isDurable: true,
    async open(nowMs): Promise<Opened<S>> {
      const cells = new CalmCells({ nowMs });
      const handles: S[] = [];
      const openAnother = async (): Promise<S> => {
        const store = make(cells, nowMs);
        handles.push(store);
        return store;
      };
      const closeAll = async (): Promise<void> => {
        for (const handle of handles.splice(0)) await handle[Symbol.asyncDispose]();
      };
      return {
        store: await openAnother(),
        openAnother,
        reopen: async () => {
          await closeAll();
          return await openAnother();
        },
        [Symbol.asyncDispose]: closeAll,
      };
    },
  };
}
