import { textElement, xmlDocument } from '../../xml/build.ts';
import { hasPublicAcl, hasPublicPolicy } from '../access.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/**
 * GetBucketPolicyStatus: whether the bucket is public, by its policy or its ACL. A bucket without a policy has a status
 * too.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html
 */
export const getBucketPolicyStatus = defineOperation({
  name: 'GetBucketPolicyStatus',
  scope: 'bucket',
  action: 's3:GetBucketPolicyStatus',
  parameters: [],

  parse: () => undefined,

  run: async ({ bucket }) => hasPublicPolicy(bucket.configuration) || hasPublicAcl(bucket),

  render: (isPublic) => xmlReply(xmlDocument('PolicyStatus', [textElement('IsPublic', isPublic)])),
});
