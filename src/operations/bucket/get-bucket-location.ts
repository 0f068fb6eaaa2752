import { textNode, xmlDocument } from '../../xml/build.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/** The region that GetBucketLocation does not name, for historical reasons. */
const UNNAMED_REGION = 'us-east-1';

/**
 * GetBucketLocation: the region of the bucket; nothing for us-east-1.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
 */
export const getBucketLocation = defineOperation({
  name: 'GetBucketLocation',
  scope: 'bucket',
  action: 's3:GetBucketLocation',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    return bucket.region;
  },

  render: (region) => {
    const location = region === UNNAMED_REGION ? [] : [textNode(region)];
    return xmlReply(xmlDocument('LocationConstraint', location));
  },
});
