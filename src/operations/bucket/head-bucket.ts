import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * HeadBucket: whether the bucket exists and may be read, and where it is.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
 */
export const headBucket = defineOperation({
  name: 'HeadBucket',
  scope: 'bucket',
  action: 's3:ListBucket',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    return bucket.region;
  },

  render: (region) => reply(200, { 'x-amz-bucket-region': region, 'x-amz-access-point-alias': 'false' }),
});
