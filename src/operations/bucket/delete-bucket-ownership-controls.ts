import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteBucketOwnershipControls: ACLs count again, as with ObjectWriter.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketOwnershipControls.html
 */
export const deleteBucketOwnershipControls = defineOperation({
  name: 'DeleteBucketOwnershipControls',
  scope: 'bucket',
  action: 's3:PutBucketOwnershipControls',
  parameters: [],

  parse: () => undefined,

  async run(context) {
    await changeConfiguration(context, (configuration) => ({ ...configuration, objectOwnership: undefined }));
  },

  render: () => reply(204),
});
