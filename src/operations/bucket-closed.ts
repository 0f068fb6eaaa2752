import type { Bucket } from '../domain/bucket.ts';
import type { ObjectKey } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import type { CallOptions } from '../stores/store.ts';
import type { Stores } from '../stores/stores.ts';
import type { OpenBucket, OperationContext } from './operation.ts';

/**
 * Finishes a DeleteBucket that closed the bucket in its metastore and died before it freed the name.
 *
 * To be called only for a bucket that its metastore says is closed: that cannot be undone, so whoever sees it may
 * finish the removal, any number of times.
 */
export async function finishBucketRemoval(stores: Stores, bucket: Bucket, options: CallOptions): Promise<void> {
  await stores.buckets.removeBucket({ name: bucket.name, id: bucket.id }, options);
}

/** What an operation does when its metastore answers `bucket-closed`: frees the name and throws NoSuchBucket. */
export async function throwBucketClosed(
  context: Pick<OperationContext & OpenBucket, 'stores' | 'bucket' | 'signal'>,
  key?: ObjectKey,
): Promise<never> {
  const { stores, bucket, signal } = context;
  await finishBucketRemoval(stores, bucket, { signal });
  const elements = key === undefined ? { BucketName: bucket.name } : { BucketName: bucket.name, Key: key };
  throw new S3Error('NoSuchBucket', { elements });
}
