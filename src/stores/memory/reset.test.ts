import { describe, expect, test } from 'vitest';
import {
  parseBlobId,
  parseBucketId,
  parseBucketName,
  parseRegionName,
  parseStorageClass,
  parseTenantId,
} from '../../domain/names.ts';
import { MemoryBlobstore } from './blobstore.ts';
import { MemoryBucketstore } from './bucketstore.ts';
import { MemoryMetastore } from './metastore.ts';

const OPTIONS = { signal: new AbortController().signal };
const BLOB_ID = parseBlobId('b'.repeat(32));
const BUCKET_ID = parseBucketId('0'.repeat(32));

describe('reset', () => {
  test('of a metastore forgets everything, closed buckets too, but the intents of blobs that are still to be written', async () => {
    const storageClass = required(parseStorageClass('STANDARD'));
    const store = new MemoryMetastore({ nowMs: () => 1, inlineBytesMax: 7 });
    await store.openIntent({ id: BLOB_ID, storageClass, atMs: 0 }, OPTIONS);
    await store.closeBucket(BUCKET_ID, OPTIONS);
    store.reset();
    expect(await store.getBlobState(BLOB_ID, OPTIONS)).toBe('intended');
    expect(await store.isBucketClosed(BUCKET_ID, OPTIONS)).toBe(false);
    expect(store.inlineBytesMax).toBe(7);
  });

  test('of a bucketstore forgets every bucket', async () => {
    const store = new MemoryBucketstore();
    const name = required(parseBucketName('bucket'));
    const bucket = {
      id: BUCKET_ID,
      name,
      owner: { tenant: parseTenantId('tenant'), displayName: 'Tenant' },
      region: required(parseRegionName('us-east-1')),
      createdAtMs: 0,
      configuration: { versioning: 'unversioned' },
      revision: 1,
    } as const;
    await store.createBucket(bucket, OPTIONS);
    store.reset();
    expect(await store.getBucket(name, OPTIONS)).toBeUndefined();
  });

  test('of a blobstore forgets every blob, also one that is being written', async () => {
    const store = new MemoryBlobstore();
    const resume = Promise.withResolvers<void>();
    async function* body(): AsyncIterable<Uint8Array> {
      yield new Uint8Array(3);
      await resume.promise;
    }
    const writing = store.write(BLOB_ID, body(), OPTIONS);
    store.reset();
    resume.resolve();
    await writing;
    expect(await store.verify({ id: BLOB_ID, sizeBytes: 3 }, { deep: true }, OPTIONS)).toBe('missing');
  });
});

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('A name of the test is not valid.');
  return value;
}
