import { bucketAcl } from '../acl/apply-acl.ts';
import { PUT_ACL_PARAMETERS, parsePutAcl, readPutAcl, requireOwner } from '../acl/put-acl.ts';
import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * PutBucketAcl: replaces the grants of a bucket, by a canned ACL, by grants in headers or by a document.
 *
 * Errors: AccessControlListNotSupported, InvalidArgument, MalformedACLError, MissingSecurityHeader, UnexpectedContent,
 *   UnresolvableGrantByEmailAddress 400 · AccessDenied 403 · OperationAborted 409 · NotImplemented 501.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html
 */
export const putBucketAcl = defineOperation({
  name: 'PutBucketAcl',
  scope: 'bucket',
  action: 's3:PutBucketAcl',
  parameters: PUT_ACL_PARAMETERS,

  parse: parsePutAcl,

  async run(context, input) {
    const put = await readPutAcl(context, input);
    requireOwner(put, context.bucket.owner);
    await changeConfiguration(context, (configuration, bucket) => ({
      ...configuration,
      acl: bucketAcl(bucket, put.acl),
    }));
  },

  render: () => reply(200),
});
