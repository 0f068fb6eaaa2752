import { S3Error } from '../../domain/s3-error.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * GetBucketPolicy: the bucket's policy, byte for byte as it was put.
 *
 * Errors: NoSuchBucketPolicy 404.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html
 */
export const getBucketPolicy = defineOperation({
  name: 'GetBucketPolicy',
  scope: 'bucket',
  action: 's3:GetBucketPolicy',
  parameters: [],

  parse: () => undefined,

  async run({ bucket: { name, configuration } }) {
    if (configuration.policy !== undefined) return configuration.policy;
    throw new S3Error('NoSuchBucketPolicy', { elements: { BucketName: name } });
  },

  render: (policy) => reply(200, { 'Content-Type': 'application/json' }, { kind: 'bytes', bytes: Buffer.from(policy) }),
});
