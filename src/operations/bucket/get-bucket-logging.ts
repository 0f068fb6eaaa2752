import { xmlDocument } from '../../xml/build.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/**
 * GetBucketLogging: where a bucket's access log goes. Nowhere, and clients that look for it hear what AWS says of a bucket that was never configured.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html
 */
export const getBucketLogging = defineOperation({
  name: 'GetBucketLogging',
  scope: 'bucket',
  action: 's3:GetBucketLogging',
  parameters: [],

  parse: () => undefined,

  run: async () => undefined,

  render: () => xmlReply(xmlDocument('BucketLoggingStatus', [])),
});
