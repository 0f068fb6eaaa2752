import { S3Error } from '../../domain/s3-error.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * GetObjectLockConfiguration: a bucket's object lock configuration. There is none yet, and clients that look for it hear what AWS says of a bucket without it.
 *
 * Errors: ObjectLockConfigurationNotFoundError 404, always.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html
 */
export const getObjectLockConfiguration = defineOperation({
  name: 'GetObjectLockConfiguration',
  scope: 'bucket',
  action: 's3:GetBucketObjectLockConfiguration',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    throw new S3Error('ObjectLockConfigurationNotFoundError', { elements: { BucketName: bucket.name } });
  },

  render: () => reply(200),
});
