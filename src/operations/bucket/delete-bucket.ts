import { S3Error } from '../../domain/s3-error.ts';
import { finishBucketRemoval } from '../bucket-closed.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteBucket: removes an empty bucket in two steps, each of which may be repeated.
 *
 * First the metastore closes the bucket, if it holds no version: from then on every write to it is refused, so nothing
 * acknowledged can be lost. Then the bucketstore frees the name. Between the two a crash leaves a closed bucket under
 * its name; a repeated DeleteBucket, a CreateBucket of the name or any refused write finishes the removal. Open uploads
 * do not keep a bucket: they are aborted with it.
 * Errors: BucketNotEmpty 409.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
 */
export const deleteBucket = defineOperation({
  name: 'DeleteBucket',
  scope: 'bucket',
  action: 's3:DeleteBucket',
  parameters: [],

  parse: () => undefined,

  async run({ bucket, region, stores, signal }) {
    const outcome = await region.meta.closeBucket(bucket.id, { signal });
    if (outcome === 'not-empty') throw new S3Error('BucketNotEmpty', { elements: { BucketName: bucket.name } });
    await finishBucketRemoval(stores, bucket, { signal });
  },

  render: () => reply(204),
});
