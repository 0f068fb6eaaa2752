import { objectAcl } from '../acl/apply-acl.ts';
import { PUT_ACL_PARAMETERS, parsePutAcl, readPutAcl, requireOwner } from '../acl/put-acl.ts';
import { changeAttributes } from '../change-attributes.ts';
import { versionIdHeader } from '../headers/object-headers.ts';
import { versionIdOf } from '../headers/parameters.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * PutObjectAcl: replaces the grants of a version, by a canned ACL, by grants in headers or by a document.
 *
 * Errors: AccessControlListNotSupported, InvalidArgument, MalformedACLError, MissingSecurityHeader, UnexpectedContent,
 *   UnresolvableGrantByEmailAddress 400 · AccessDenied 403 · NoSuchKey, NoSuchVersion 404 · MethodNotAllowed (a delete
 *   marker) 405 · OperationAborted 409 · NotImplemented 501.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html
 */
export const putObjectAcl = defineOperation({
  name: 'PutObjectAcl',
  scope: 'object',
  action: 's3:PutObjectAcl',
  versionAction: 's3:PutObjectVersionAcl',
  decidedBy: 'object',
  parameters: [...PUT_ACL_PARAMETERS, 'VersionId'],

  parse: (request) => ({
    target: { method: request.method, key: request.key, versionId: versionIdOf(request) },
    put: parsePutAcl(request),
  }),

  async run(context, { target, put }) {
    // Read when it is known that the caller may: the first look at the object checks that.
    let acl: Awaited<ReturnType<typeof readPutAcl>> | undefined;
    const { bucket } = context;
    const version = await changeAttributes(context, target, async (found) => {
      acl ??= await readPutAcl(context, put);
      requireOwner(acl, found.owner);
      // The body may have taken its time, and public ACLs may be blocked by now.
      return { ...found.attributes, acl: objectAcl(await context.refresh(), found.owner, acl.acl) };
    });
    return { bucket, version };
  },

  render: ({ bucket, version }) => reply(200, versionIdHeader(bucket, version.versionId)),
});
