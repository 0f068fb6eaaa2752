import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteBucketWebsite: makes sure that a bucket has no website, which none has.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketWebsite.html
 */
export const deleteBucketWebsite = defineOperation({
  name: 'DeleteBucketWebsite',
  scope: 'bucket',
  action: 's3:DeleteBucketWebsite',
  parameters: [],

  parse: () => undefined,

  run: async () => undefined,

  render: () => reply(204),
});
