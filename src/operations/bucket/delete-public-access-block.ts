import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeletePublicAccessBlock: nothing is blocked any more.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeletePublicAccessBlock.html
 */
export const deletePublicAccessBlock = defineOperation({
  name: 'DeletePublicAccessBlock',
  scope: 'bucket',
  action: 's3:PutBucketPublicAccessBlock',
  parameters: [],

  parse: () => undefined,

  async run(context) {
    await changeConfiguration(context, (configuration) => ({ ...configuration, publicAccessBlock: undefined }));
  },

  render: () => reply(204),
});
