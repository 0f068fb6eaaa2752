import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  blobDraft,
  collect,
  deleteDraft,
  must,
  newBlobId,
  newBucketId,
  OPTIONS,
  STANDARD,
} from '../../test/contract/drafts.ts';
import { TestClock } from '../../test/contract/subject.ts';
import { type BlobId, parseRegionName, parseStorageClass } from '../domain/names.ts';
import { MemoryBlobstore } from '../stores/memory/blobstore.ts';
import { MemoryMetastore } from '../stores/memory/metastore.ts';
import { type CallOptions, StoreError } from '../stores/store.ts';
import { INTENT_GRACE_MS, RECLAIM_GRACE_MS, reclaim } from './reclaim.ts';

test('a blob whose writer died is deleted after both graces, not before', async () => {
  const { region, clock, run } = makeRegion();
  const { id } = await writeBlob();
  clock.advance(INTENT_GRACE_MS);
  expect(await run()).toBe(0);
  clock.advance(1);
  expect(await run()).toBe(0);
  expect(await region.meta.getBlobState(id, OPTIONS)).toBe('reclaimable');
  clock.advance(RECLAIM_GRACE_MS);
  expect(await run()).toBe(0);
  expect(await storedIds()).toEqual([id]);
  clock.advance(1);
  expect(await run()).toBe(1);
  expect(await storedIds()).toEqual([]);
  expect(await region.meta.getBlobState(id, OPTIONS)).toBe('unknown');

  async function writeBlob() {
    return await writeIntended(region, clock);
  }
  async function storedIds(): Promise<BlobId[]> {
    return (await collect(region.blobs.get(STANDARD)?.list(OPTIONS) ?? none())).map((blob) => blob.id);
  }
});

test('the bytes of a deleted object go, those of one that is kept stay', async () => {
  const { region, clock, run } = makeRegion();
  const bucketId = newBucketId();
  const kept = await writeIntended(region, clock);
  const gone = await writeIntended(region, clock);
  await region.meta.putVersion(bucketId, blobDraft('kept', kept), {}, OPTIONS);
  await region.meta.putVersion(bucketId, blobDraft('gone', gone), {}, OPTIONS);
  await region.meta.deleteCurrent(bucketId, deleteDraft('gone', 'remove'), {}, OPTIONS);
  clock.advance(INTENT_GRACE_MS + RECLAIM_GRACE_MS);
  expect(await run()).toBe(1);
  expect((await collect(must(region.blobs.get(STANDARD)).list(OPTIONS))).map(({ id }) => id)).toEqual([kept.id]);
});

test('a queue longer than a batch is emptied in one run', async () => {
  const { region, clock, run } = makeRegion();
  for (let count = 0; count < 700; count++) await writeIntended(region, clock);
  clock.advance(INTENT_GRACE_MS + 1);
  await run();
  clock.advance(RECLAIM_GRACE_MS + 1);
  expect(await run()).toBe(700);
});

test('blobs that cannot be deleted do not keep the others, are tried again, and the run says so', async () => {
  const { region, clock, run } = makeRegion();
  const unknownClass = must(parseStorageClass('GLACIER'));
  for (let count = 0; count < 300; count++) {
    await region.meta.openIntent({ id: newBlobId(), storageClass: unknownClass, atMs: clock.nowMs }, OPTIONS);
  }
  clock.advance(1);
  const { id } = await writeIntended(region, clock);
  clock.advance(INTENT_GRACE_MS + 1);
  await run();
  clock.advance(RECLAIM_GRACE_MS + 1);
  for (let round = 0; round < 2; round++) {
    await expect(run()).rejects.toMatchObject({
      message: expect.stringContaining('300 blobs'),
      cause: expect.any(StoreError),
    });
  }
  expect(await region.meta.getBlobState(id, OPTIONS)).toBe('unknown');
});

test('a signal ends a run with its reason', async () => {
  const { region, clock } = makeRegion();
  const reason = new Error('stopping');
  const run = reclaim(region, { signal: AbortSignal.abort(reason), nowMs: () => clock.nowMs });
  await expect(run).rejects.toBe(reason);
});

test('a run that is stopped ends after the deletes that it has begun: stores are closed next', async () => {
  const blobstore = new SlowBlobstore();
  const { region, clock } = makeRegion(blobstore);
  for (let count = 0; count < 2; count++) await writeIntended(region, clock);
  const nowMs = (): number => clock.nowMs;
  clock.advance(INTENT_GRACE_MS + 1);
  await reclaim(region, { ...OPTIONS, nowMs });
  clock.advance(RECLAIM_GRACE_MS + 1);
  const stop = new AbortController();
  const run = reclaim(region, { signal: stop.signal, nowMs });
  const ended = run.catch(() => blobstore.deletedCount);
  await blobstore.allBegun.promise;
  const reason = new Error('stopping');
  stop.abort(reason);
  await setImmediate();
  blobstore.released.resolve();
  expect(await ended).toBe(1);
  await expect(run).rejects.toBe(reason);
});

/** Of two deletes the first ends when its signal fires, the second when it is released. */
class SlowBlobstore extends MemoryBlobstore {
  readonly allBegun = Promise.withResolvers<void>();
  readonly released = Promise.withResolvers<void>();
  deletedCount = 0;
  #begunCount = 0;

  override async delete(_id: BlobId, { signal }: CallOptions): Promise<void> {
    this.#begunCount++;
    if (this.#begunCount === 1) {
      await once(signal, 'abort');
      signal.throwIfAborted();
    }
    this.allBegun.resolve();
    await this.released.promise;
    this.deletedCount++;
  }
}

function makeRegion(blobstore = new MemoryBlobstore()) {
  const clock = new TestClock();
  const nowMs = (): number => clock.nowMs;
  const region = {
    name: must(parseRegionName('us-east-1')),
    meta: new MemoryMetastore({ nowMs }),
    blobs: new Map([[STANDARD, blobstore]]),
  };
  return { clock, region, run: () => reclaim(region, { ...OPTIONS, nowMs }) };
}

async function writeIntended({ meta, blobs }: ReturnType<typeof makeRegion>['region'], { nowMs }: TestClock) {
  const blob = { id: newBlobId(), storageClass: STANDARD, sizeBytes: 3 };
  await meta.openIntent({ ...blob, atMs: nowMs }, OPTIONS);
  await blobs.get(STANDARD)?.write(blob.id, bodyOf(), OPTIONS);
  return blob;
}

async function* bodyOf(): AsyncIterable<Uint8Array> {
  yield Buffer.from('abc');
}

async function* none(): AsyncIterable<never> {
  // Nothing is stored.
}
