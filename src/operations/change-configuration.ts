import { isDeepStrictEqual } from 'node:util';
import type { Bucket, BucketConfiguration } from '../domain/bucket.ts';
import { S3Error } from '../domain/s3-error.ts';
import type { ContextOf } from './operation.ts';

/** How often the change is tried when others change the bucket's configuration at the same time. */
const UPDATES_MAX = 8;

/**
 * Changes the configuration of the context's bucket. `change` gets it as it is now, again each time that somebody else
 * was faster, and may throw; what it returns takes the old one's place, unless that says the same.
 * Errors: NoSuchBucket 404 · OperationAborted 409.
 */
export async function changeConfiguration(
  context: ContextOf<'bucket'>,
  change: (configuration: BucketConfiguration, bucket: Bucket) => BucketConfiguration,
): Promise<void> {
  const { stores, signal } = context;
  const { name } = context.bucket;
  const elements = { BucketName: name };
  let bucket: Bucket = await context.refresh();
  for (let update = 1; update <= UPDATES_MAX; update++) {
    const configuration = change(bucket.configuration, bucket);
    if (isDeepStrictEqual(configuration, bucket.configuration)) return;
    const { id, revision } = bucket;
    const outcome = await stores.buckets.updateBucket({ name, id, revision, configuration }, { signal });
    if (outcome.kind === 'updated') return;
    if (outcome.kind === 'gone') throw new S3Error('NoSuchBucket', { elements });
    bucket = outcome.bucket;
  }
  throw new S3Error('OperationAborted', { elements });
}
