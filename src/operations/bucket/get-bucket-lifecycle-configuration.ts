import { S3Error } from '../../domain/s3-error.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * GetBucketLifecycleConfiguration: a bucket's lifecycle rules. There are none yet, and clients that look for it hear what AWS says of a bucket without it.
 *
 * Errors: NoSuchLifecycleConfiguration 404, always.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html
 */
export const getBucketLifecycleConfiguration = defineOperation({
  name: 'GetBucketLifecycleConfiguration',
  scope: 'bucket',
  action: 's3:GetLifecycleConfiguration',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    throw new S3Error('NoSuchLifecycleConfiguration', { elements: { BucketName: bucket.name } });
  },

  render: () => reply(200),
});
