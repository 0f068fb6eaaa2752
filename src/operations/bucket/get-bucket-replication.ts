import { S3Error } from '../../domain/s3-error.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * GetBucketReplication: where a bucket is replicated to. It never is, and clients that look for it hear what AWS says of a bucket without it.
 *
 * Errors: ReplicationConfigurationNotFoundError 404, always.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html
 */
export const getBucketReplication = defineOperation({
  name: 'GetBucketReplication',
  scope: 'bucket',
  action: 's3:GetReplicationConfiguration',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    throw new S3Error('ReplicationConfigurationNotFoundError', { elements: { BucketName: bucket.name } });
  },

  render: () => reply(200),
});
