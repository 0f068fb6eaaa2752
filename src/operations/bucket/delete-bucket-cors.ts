import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteBucketCors: takes all CORS rules off a bucket.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html
 */
export const deleteBucketCors = defineOperation({
  name: 'DeleteBucketCors',
  scope: 'bucket',
  action: 's3:PutBucketCORS',
  parameters: [],

  parse: () => undefined,

  async run(context) {
    await changeConfiguration(context, (configuration) => ({ ...configuration, cors: undefined }));
  },

  render: () => reply(204),
});
