import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteBucketPolicy: takes the bucket's policy away, where there is one.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html
 */
export const deleteBucketPolicy = defineOperation({
  name: 'DeleteBucketPolicy',
  scope: 'bucket',
  action: 's3:DeleteBucketPolicy',
  parameters: [],

  parse: () => undefined,

  async run(context) {
    await changeConfiguration(context, (configuration) => ({ ...configuration, policy: undefined }));
  },

  render: () => reply(204),
});
