import { S3Error } from '../../domain/s3-error.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * GetBucketWebsite: a bucket's website configuration. There is none yet, and clients that look for it hear what AWS says of a bucket without it.
 *
 * Errors: NoSuchWebsiteConfiguration 404, always.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketWebsite.html
 */
export const getBucketWebsite = defineOperation({
  name: 'GetBucketWebsite',
  scope: 'bucket',
  action: 's3:GetBucketWebsite',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    throw new S3Error('NoSuchWebsiteConfiguration', { elements: { BucketName: bucket.name } });
  },

  render: () => reply(200),
});
