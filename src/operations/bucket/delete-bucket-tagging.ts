import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteBucketTagging: takes all tags off a bucket.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketTagging.html
 */
export const deleteBucketTagging = defineOperation({
  name: 'DeleteBucketTagging',
  scope: 'bucket',
  action: 's3:PutBucketTagging',
  parameters: [],

  parse: () => undefined,

  async run(context) {
    await changeConfiguration(context, (configuration) => ({ ...configuration, tags: undefined }));
  },

  render: () => reply(204),
});
