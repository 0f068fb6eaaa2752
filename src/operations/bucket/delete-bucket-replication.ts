import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteBucketReplication: makes sure that a bucket has no replication, which none has.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketReplication.html
 */
export const deleteBucketReplication = defineOperation({
  name: 'DeleteBucketReplication',
  scope: 'bucket',
  action: 's3:PutReplicationConfiguration',
  parameters: [],

  parse: () => undefined,

  run: async () => undefined,

  render: () => reply(204),
});
