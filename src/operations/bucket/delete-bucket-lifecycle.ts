import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteBucketLifecycle: makes sure that a bucket has no lifecycle rules, which none has.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketLifecycle.html
 */
export const deleteBucketLifecycle = defineOperation({
  name: 'DeleteBucketLifecycle',
  scope: 'bucket',
  action: 's3:PutLifecycleConfiguration',
  parameters: [],

  parse: () => undefined,

  run: async () => undefined,

  render: () => reply(204),
});
