import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Bucket } from '../../src/domain/bucket.ts';
import { type BucketName, parseBucketName, parseRegionName, parseTenantId } from '../../src/domain/names.ts';
import { CassandraBucketstore } from '../../src/stores/cassandra/bucketstore.ts';
import type { TransactionOutcome } from '../../src/stores/cassandra/cells.ts';
import { StoreError } from '../../src/stores/store.ts';
import { CalmCells } from '../model/calm-cells.ts';
import { must, newBucketId, OPTIONS } from './drafts.ts';

const RUNS = 300;
const NAMES = ['aaa', 'bbb'].map((name) => must(parseBucketName(name)));
const TENANTS = ['one', 'two'];
const HOUR_MS = 3_600_000;
/** Of a hundred calls. */
const LOST_BEFORE = 8;
const LOST_AFTER = 8;

type Step = {
  readonly gateway: number;
  readonly kind: 'create' | 'update' | 'remove' | 'list';
  readonly name: number;
  readonly tenant: number;
  /** Microtasks that pass before it begins. */
  readonly delay: number;
};

const step: fc.Arbitrary<Step> = fc.record({
  gateway: fc.nat(2),
  kind: fc.constantFrom('create', 'create', 'update', 'remove', 'list'),
  name: fc.nat(NAMES.length - 1),
  tenant: fc.nat(TENANTS.length - 1),
  delay: fc.nat(20),
});

test('lists show what the heads say, whatever was lost on the way and whatever clocks say', async () => {
  const seeds = fc.array(fc.nat(99), { minLength: 40, maxLength: 40 });
  const steps = fc.array(step, { minLength: 1, maxLength: 14 });
  await fc.assert(fc.asyncProperty(steps, seeds, runSteps), { numRuns: RUNS });
});

async function runSteps(steps: readonly Step[], chances: readonly number[]): Promise<void> {
  let nowMs = Date.UTC(2026, 0, 1);
  const cells = new LossyCells({ nowMs: () => nowMs, chances });
  const clocks = [0, HOUR_MS, -HOUR_MS];
  const gateways = clocks.map((aheadMs) => openStore(cells, () => nowMs + aheadMs));
  await Promise.all(steps.map((each) => takeStep(gateways[each.gateway], each)));
  cells.isCalm = true;
  for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
  await expectAgreement(cells, () => nowMs);
  nowMs += 3 * HOUR_MS;
  await expectAgreement(cells, () => nowMs);
  cells.headReads = 0;
  await expectAgreement(cells, () => nowMs);
  // Every mark is settled by now: only the names themselves were looked up.
  expect(cells.headReads).toBe(NAMES.length);
  for (const gateway of [0, 1, 2]) {
    const store = openStore(cells, () => nowMs + (clocks[gateway] ?? 0));
    for (const name of NAMES) await store.createBucket(bucketOf(name, 'one'), OPTIONS);
    await store[Symbol.asyncDispose]();
    await expectAgreement(cells, () => nowMs);
  }
}

/** That every list has what the heads say, read by a gateway that has just started. */
async function expectAgreement(cells: CalmCells, nowMs: () => number): Promise<void> {
  const store = openStore(cells, nowMs);
  const found = await Promise.all(NAMES.map((name) => store.getBucket(name, OPTIONS)));
  const buckets = found.filter((bucket) => bucket !== undefined);
  const range = { prefix: '', after: undefined, limit: 100 };
  expect(await store.listBuckets({ ...range, tenant: undefined }, OPTIONS)).toEqual(buckets);
  for (const tenant of TENANTS.map(parseTenantId)) {
    const own = buckets.filter(({ owner }) => owner.tenant === tenant);
    expect(await store.listBuckets({ ...range, tenant }, OPTIONS)).toEqual(own);
  }
  await store[Symbol.asyncDispose]();
}

async function takeStep(store: CassandraBucketstore | undefined, { kind, name, tenant, delay }: Step): Promise<void> {
  const bucket = bucketOf(must(NAMES[name]), must(TENANTS[tenant]));
  for (let count = 0; count < delay; count++) await undefined;
  try {
    const existing = await must(store).getBucket(bucket.name, OPTIONS);
    const { id, revision } = existing ?? bucket;
    if (kind === 'create') await store?.createBucket(bucket, OPTIONS);
    if (kind === 'remove') await store?.removeBucket({ name: bucket.name, id }, OPTIONS);
    if (kind === 'list')
      await store?.listBuckets({ tenant: undefined, prefix: '', after: undefined, limit: 9 }, OPTIONS);
    if (kind === 'update') {
      const configuration = { versioning: 'enabled' } as const;
      await store?.updateBucket({ name: bucket.name, id, revision, configuration }, OPTIONS);
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

/** Cells that lose requests on their way there, and answers on their way back, as `chances` has it. */
class LossyCells extends CalmCells {
  isCalm = false;
  headReads = 0;
  readonly #chances: readonly number[];
  #next = 0;

  constructor({ chances, nowMs }: { chances: readonly number[]; nowMs: () => number }) {
    super({ nowMs });
    this.#chances = chances;
  }

  override async readHead(...call: Parameters<CalmCells['readHead']>) {
    this.headReads++;
    await undefined;
    return await super.readHead(...call);
  }

  override async write(...call: Parameters<CalmCells['write']>): Promise<void> {
    await this.#lossy(() => super.write(...call));
  }

  override async transact(...call: Parameters<CalmCells['transact']>): Promise<TransactionOutcome> {
    return await this.#lossy(() => super.transact(...call));
  }

  async #lossy<Result>(send: () => Promise<Result>): Promise<Result> {
    const chance = this.isCalm ? 99 : (this.#chances[this.#next++ % this.#chances.length] ?? 99);
    await undefined;
    if (chance < LOST_BEFORE) throw new StoreError('in-doubt', 'The request is lost.');
    const result = await send();
    await undefined;
    if (chance >= 100 - LOST_AFTER && !this.isCalm) throw new StoreError('in-doubt', 'The answer is lost.');
    return result;
  }
}

function openStore(cells: CalmCells, nowMs: () => number): CassandraBucketstore {
  const onBackgroundError = (error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
  };
  return new CassandraBucketstore({ cells, description: 'lossy cells', nowMs, onBackgroundError });
}

function bucketOf(name: BucketName, tenant: string): Bucket {
  return {
    id: newBucketId(),
    name,
    owner: { tenant: parseTenantId(tenant), displayName: tenant },
    region: must(parseRegionName('us-east-1')),
    createdAtMs: Date.UTC(2026, 0, 1),
    configuration: { versioning: 'unversioned' },
    revision: 1,
  };
}
