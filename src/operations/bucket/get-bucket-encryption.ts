import { S3Error } from '../../domain/s3-error.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * GetBucketEncryption: how new objects are encrypted by default. Pithos does not encrypt, so there is no such setting, and clients that look for it hear what AWS says of a bucket without it.
 *
 * Errors: ServerSideEncryptionConfigurationNotFoundError 404, always.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html
 */
export const getBucketEncryption = defineOperation({
  name: 'GetBucketEncryption',
  scope: 'bucket',
  action: 's3:GetEncryptionConfiguration',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    throw new S3Error('ServerSideEncryptionConfigurationNotFoundError', { elements: { BucketName: bucket.name } });
  },

  render: () => reply(200),
});
