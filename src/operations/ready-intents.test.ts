import { expect, test } from 'vitest';
import { must, newBlobId, STANDARD } from '../../test/contract/drafts.ts';
import { type BlobId, parseBucketId, parseRegionName, parseStorageClass } from '../domain/names.ts';
import { MemoryMetastore } from '../stores/memory/metastore.ts';
import type { BlobIntent } from '../stores/reclaim.ts';
import { StoreError } from '../stores/store.ts';
import { takeIntent } from './ready-intents.ts';

/** Opens intents once `gate` lets it, and fails while there is a `failure`. */
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

  async take({ signal = new AbortController().signal, storageClass = STANDARD } = {}): Promise<BlobIntent> {
    const intent = await takeIntent(
      {
        region: { name: must(parseRegionName('us-east-1')), meta: this, blobs: new Map() },
        clock: { nowMs: () => this.nowMs },
        ids: { bucketId: () => parseBucketId('0'.repeat(32)), blobId: newBlobId },
        signal,
      },
      storageClass,
    );
    expect(intent.storageClass).toBe(storageClass);
    expect(await this.getBlobState(intent.id, { signal })).toBe('intended');
    return intent;
  }

  async takeMany(count: number): Promise<void> {
    for (let index = 0; index < count; index++) await this.take();
    await settled();
  }
}

test('where few bodies come, up to four within a second, each opens its own, and none is opened in advance', async () => {
  const fixture = new Fixture();
  for (let second = 0; second < 3; second++) {
    await fixture.takeMany(4);
    fixture.nowMs += 1_000;
  }
  expect(fixture.opened).toHaveLength(12);
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
  await fixture.takeMany(5);
  const readyCount = fixture.opened.length - 5;
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
  await fixture.takeMany(4);
  const gate = Promise.withResolvers<void>();
  const openedCount = fixture.opened.length;
  fixture.gate = gate.promise;
  const client = new AbortController();
  const taken = fixture.take({ signal: client.signal });
  client.abort();
  gate.resolve();
  await expect(taken).rejects.toBe(client.signal.reason);
  await settled();
  expect(fixture.opened.length).toBeGreaterThan(openedCount);
});

test('each metastore and each storage class has its own', async () => {
  const [one, other] = [new Fixture(), new Fixture()];
  await one.takeMany(8);
  const already = [...one.opened];
  expect(already).not.toContain((await other.take()).id);
  expect(already).not.toContain((await one.take({ storageClass: must(parseStorageClass('COLD')) })).id);
});

async function settled(): Promise<void> {
  await new Promise(setImmediate);
}
