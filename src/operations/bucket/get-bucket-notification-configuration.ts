import { xmlDocument } from '../../xml/build.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/**
 * GetBucketNotificationConfiguration: whom a bucket tells of changes. Nobody, and clients that look for it hear what AWS says of a bucket that was never configured.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html
 */
export const getBucketNotificationConfiguration = defineOperation({
  name: 'GetBucketNotificationConfiguration',
  scope: 'bucket',
  action: 's3:GetBucketNotification',
  parameters: [],

  parse: () => undefined,

  run: async () => undefined,

  render: () => xmlReply(xmlDocument('NotificationConfiguration', [])),
});
