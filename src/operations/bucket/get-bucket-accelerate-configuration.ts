import { xmlDocument } from '../../xml/build.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/**
 * GetBucketAccelerateConfiguration: whether a bucket's transfers are accelerated. None's are, and clients that look for it hear what AWS says of a bucket that was never configured.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAccelerateConfiguration.html
 */
export const getBucketAccelerateConfiguration = defineOperation({
  name: 'GetBucketAccelerateConfiguration',
  scope: 'bucket',
  action: 's3:GetAccelerateConfiguration',
  parameters: [],

  parse: () => undefined,

  run: async () => undefined,

  render: () => xmlReply(xmlDocument('AccelerateConfiguration', [])),
});
