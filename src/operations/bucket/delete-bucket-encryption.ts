import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteBucketEncryption: makes sure that a bucket has no default encryption, which none has.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html
 */
export const deleteBucketEncryption = defineOperation({
  name: 'DeleteBucketEncryption',
  scope: 'bucket',
  action: 's3:PutEncryptionConfiguration',
  parameters: [],

  parse: () => undefined,

  run: async () => undefined,

  render: () => reply(204),
});
