import { ownerGrant } from '../../domain/acl.ts';
import { aclsCount } from '../access.ts';
import { aclDocument } from '../acl/acl-document.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/**
 * GetBucketAcl: the owner and the grants of a bucket. Where ACLs are disabled it is the owner's full control.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html
 */
export const getBucketAcl = defineOperation({
  name: 'GetBucketAcl',
  scope: 'bucket',
  action: 's3:GetBucketAcl',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    const { owner, configuration } = bucket;
    const acl = aclsCount(bucket) ? configuration.acl : undefined;
    return { owner, grants: acl ?? [ownerGrant(owner)] };
  },

  render: ({ owner, grants }) => xmlReply(aclDocument(owner, grants)),
});
