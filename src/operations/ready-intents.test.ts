import { expect, test } from 'vitest';
import { must, newBlobId, STANDARD } from '../../test/contract/drafts.ts';
import { type BlobId, parseBucketId, parseRegionName } from '../domain/names.ts';
import { MemoryMetastore } from '../stores/memory/metastore.ts';
import type { BlobIntent } from '../stores/reclaim.ts';
import { StoreError } from '../stores/store.ts';
import { takeIntent } from './ready-intents.ts';

/** Opens intents when the test says so, and fails while it says so. */
class Fixture extends MemoryMetastore {
  nowMs = 1_000_000;
  readonly opened: BlobId[] = [];
  failure: StoreError | undefined;
  gate: Promise<void> = Promise.resolve();

  constructor() {
    super({ nowMs: () => this.nowMs });
  }

  override async openIntent(intent: BlobIntent, options: { signal: AbortSignal }): Promise<void> {
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    await super.openIntent(intent, options);
    this.opened.push(intent.id);
  }

  async take(signal = new AbortController().signal): Promise<BlobIntent> {
    const intent = await takeIntent(
      {
        region: { name: must(parseRegionName('us-east-1')), meta: this, blobs: new Map() },
        clock: { nowMs: () => this.nowMs },
        ids: { bucketId: () => parseBucketId('0'.repeat(32)), blobId: newBlobId },
        signal,
      },
      STANDARD,
    );
    expect(await this.getBlobState(intent.id, { signal })).toBe('intended');
    return intent;
  }

  async takeMany(count: number): Promise<void> {
    for (let index = 0; index < count; index++) await this.take();
    await settled();
  }
}

test('a body that comes alone has an intent of its own, and none is opened in advance', async () => {
  const fixture = new Fixture();
  for (let index = 0; index < 3; index++) {
    await fixture.takeMany(1);
    fixture.nowMs += 1_001;
  }
  expect(fixture.opened).toHaveLength(3);
});

test('the bodies that follow within a second have one that is ready, and wait for no commit', async () => {
  const fixture = new Fixture();
  await fixture.takeMany(8);
  const gate = Promise.withResolvers<void>();
  fixture.gate = gate.promise;
  const already = [...fixture.opened];
  for (let index = 0; index < 3; index++) expect(already).toContain((await fixture.take()).id);
  gate.resolve();
});

test('every intent is taken once, however many want one', async () => {
  const fixture = new Fixture();
  await fixture.takeMany(20);
  const taken = await Promise.all(Array.from({ length: 100 }, () => fixture.take()));
  await settled();
  taken.push(...(await Promise.all(Array.from({ length: 100 }, () => fixture.take()))));
  expect(new Set(taken.map(({ id }) => id)).size).toBe(taken.length);
});

test('at most sixteen are ready', async () => {
  const fixture = new Fixture();
  await fixture.takeMany(500);
  expect(fixture.opened.length - 500).toBeLessThanOrEqual(16);
  expect(fixture.opened.length - 500).toBeGreaterThan(0);
});

test('one that is older than a second is left to expire', async () => {
  const fixture = new Fixture();
  await fixture.takeMany(8);
  const already = [...fixture.opened];
  fixture.nowMs += 1_000;
  const intent = await fixture.take();
  expect(already).not.toContain(intent.id);
  expect(intent.atMs).toBe(fixture.nowMs);
});

test('intents that cannot be opened in advance harm nobody; the body that needs one meets what is wrong', async () => {
  const fixture = new Fixture();
  await fixture.takeMany(4);
  const readyCount = fixture.opened.length - 4;
  expect(readyCount).toBeGreaterThan(0);
  fixture.failure = new StoreError('storage-full', 'full');
  for (let index = 0; index < readyCount; index++) {
    await fixture.take();
    await settled();
  }
  await expect(fixture.take()).rejects.toBe(fixture.failure);
  fixture.failure = undefined;
  await fixture.takeMany(1);
});

test('the end of the request that asked for more does not end their opening', async () => {
  const fixture = new Fixture();
  await fixture.takeMany(2);
  const gate = Promise.withResolvers<void>();
  const openedCount = fixture.opened.length;
  fixture.gate = gate.promise;
  const client = new AbortController();
  await fixture.take(client.signal);
  client.abort();
  gate.resolve();
  await settled();
  expect(fixture.opened.length).toBeGreaterThan(openedCount);
});

test('each metastore has its own', async () => {
  const [one, other] = [new Fixture(), new Fixture()];
  await one.takeMany(8);
  const { id } = await other.take();
  expect(one.opened).not.toContain(id);
});

async function settled(): Promise<void> {
  await new Promise(setImmediate);
}
