import { grantsOf } from '../../domain/acl.ts';
import { aclsCount } from '../access.ts';
import { aclDocument } from '../acl/acl-document.ts';
import { versionIdHeader } from '../headers/object-headers.ts';
import { versionIdOf } from '../headers/parameters.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import { findObject } from './read-version.ts';

/**
 * GetObjectAcl: the owner and the grants of a version. Where ACLs are disabled it is the bucket owner's full control.
 *
 * Errors: InvalidArgument 400 · AccessDenied 403 · NoSuchKey, NoSuchVersion 404 · MethodNotAllowed (a delete marker) 405.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html
 */
export const getObjectAcl = defineOperation({
  name: 'GetObjectAcl',
  scope: 'object',
  action: 's3:GetObjectAcl',
  versionAction: 's3:GetObjectVersionAcl',
  decidedBy: 'object',
  parameters: ['VersionId'],

  parse: (request) => ({ method: request.method, key: request.key, versionId: versionIdOf(request) }),

  async run(context, target) {
    return { bucket: context.bucket, version: await findObject(context, target) };
  },

  render({ bucket, version }) {
    const { owner, acl } = aclsCount(bucket)
      ? { owner: version.owner, acl: version.attributes.acl }
      : { owner: bucket.owner, acl: [] };
    return xmlReply(aclDocument(owner, grantsOf(acl, owner)), versionIdHeader(bucket, version.versionId));
  },
});
