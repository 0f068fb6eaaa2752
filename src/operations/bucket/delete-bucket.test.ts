import { describe, expect, test } from 'vitest';
import { MemoryOperations } from '../../../test/support/memory-operations.ts';
import { parseBucketName, parseObjectKey } from '../../domain/names.ts';
import { StoreError } from '../../stores/store.ts';
import { throwBucketClosed } from '../bucket-closed.ts';
import { createBucket } from './create-bucket.ts';
import { deleteBucket } from './delete-bucket.ts';

const CALL = { signal: new AbortController().signal };
const SHOES = parseBucketName('shoes') ?? expect.unreachable();

describe('DeleteBucket', () => {
  test('closes an empty bucket and frees its name', async () => {
    const { operations, bucket, meta } = await start();
    expect((await operations.call(deleteBucket, { bucket: 'shoes' })).status).toBe(204);
    expect(await operations.stores.buckets.getBucket(SHOES, CALL)).toBeUndefined();
    expect(await meta.isBucketClosed(bucket.id, CALL)).toBe(true);
  });

  test('leaves a bucket that holds a version, or only a delete marker', async () => {
    const { operations, bucket, meta } = await start();
    await operations.put('shoes', 'a', 'new');
    await expect(operations.call(deleteBucket, { bucket: 'shoes' })).rejects.toMatchObject({ code: 'BucketNotEmpty' });
    const key = parseObjectKey('b') ?? expect.unreachable();
    const marker = { key, mode: 'new-marker', lastModifiedMs: 0, owner: bucket.owner } as const;
    await meta.deleteCurrent(bucket.id, marker, {}, CALL);
    const [first] = await meta.listVersions({ bucketId: bucket.id, prefix: 'a', from: undefined, limit: 1 }, CALL);
    const { versionId } = first ?? expect.unreachable();
    const guard = { condition: {}, nowMs: 0, bypassGovernance: false };
    const at = { bucketId: bucket.id, key: parseObjectKey('a') ?? expect.unreachable(), versionId };
    await meta.deleteVersion(at, guard, CALL);
    await expect(operations.call(deleteBucket, { bucket: 'shoes' })).rejects.toMatchObject({ code: 'BucketNotEmpty' });
    expect(await meta.isBucketClosed(bucket.id, CALL)).toBe(false);
  });

  test('is not kept from it by an open upload', async () => {
    const { operations, bucket, meta } = await start();
    await operations.upload('shoes', 'a');
    await operations.call(deleteBucket, { bucket: 'shoes' });
    expect(await meta.listUploads({ bucketId: bucket.id, prefix: '', after: undefined, limit: 1 }, CALL)).toEqual([]);
  });

  test('finishes, when it is repeated, what a crash between its steps left', async () => {
    const { operations, bucket, meta } = await start();
    await meta.closeBucket(bucket.id, CALL);
    await operations.call(deleteBucket, { bucket: 'shoes' });
    expect(await operations.stores.buckets.getBucket(SHOES, CALL)).toBeUndefined();
  });

  test('frees nothing when it is not known whether the bucket was closed', async () => {
    const { operations, meta } = await start();
    meta.closeBucket = async () => {
      throw new StoreError('in-doubt', 'The commit timed out.');
    };
    await expect(operations.call(deleteBucket, { bucket: 'shoes' })).rejects.toMatchObject({ kind: 'in-doubt' });
    expect(await operations.stores.buckets.getBucket(SHOES, CALL)).toBeDefined();
  });
});

describe('an operation that finds its bucket closed', () => {
  test('frees the name and answers NoSuchBucket', async () => {
    const { operations, bucket, meta } = await start();
    await meta.closeBucket(bucket.id, CALL);
    const context = { stores: operations.stores, bucket, signal: CALL.signal };
    await expect(throwBucketClosed(context)).rejects.toMatchObject({
      code: 'NoSuchBucket',
      elements: { BucketName: 'shoes' },
    });
    expect(await operations.stores.buckets.getBucket(SHOES, CALL)).toBeUndefined();
  });

  test('leaves a bucket that was made again under the name', async () => {
    const { operations, bucket } = await start();
    await operations.call(deleteBucket, { bucket: 'shoes' });
    await operations.call(createBucket, { bucket: 'shoes' });
    const context = { stores: operations.stores, bucket, signal: CALL.signal };
    await expect(throwBucketClosed(context, parseObjectKey('a'))).rejects.toMatchObject({ code: 'NoSuchBucket' });
    expect(await operations.stores.buckets.getBucket(SHOES, CALL)).toBeDefined();
  });
});

async function start() {
  const operations = new MemoryOperations();
  await operations.call(createBucket, { bucket: 'shoes' });
  const { stores } = operations;
  const bucket = (await stores.buckets.getBucket(SHOES, CALL)) ?? expect.unreachable();
  const { meta } = stores.regions.get(stores.defaultRegion) ?? expect.unreachable();
  return { operations, bucket, meta };
}
