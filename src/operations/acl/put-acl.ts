import type { TenantId } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { type BodyDigests, parseBodyDigests } from '../body-digests.ts';
import type { OperationContext } from '../operation.ts';
import type { RequestBody, S3Request } from '../request.ts';
import { type AclDocument, readAclDocument } from './acl-document.ts';
import { parseAclHeaders, type RequestedAcl } from './requested-acl.ts';
import { type ResolvedAcl, resolveAcl } from './resolve-acl.ts';

/** The parameters of the model that `parsePutAcl` and `readPutAcl` honour. */
export const PUT_ACL_PARAMETERS = [
  'ACL',
  'AccessControlPolicy',
  'ChecksumAlgorithm',
  'ContentMD5',
  'GrantFullControl',
  'GrantRead',
  'GrantReadACP',
  'GrantWrite',
  'GrantWriteACP',
] as const;

/** What PutBucketAcl and PutObjectAcl are asked for: an ACL in headers, or one in the body. */
export interface PutAclInput {
  readonly acl: RequestedAcl;
  readonly body: RequestBody;
  readonly digests: BodyDigests;
}

/** An ACL, and whom its document names as the owner. */
export interface PutAcl {
  readonly acl: ResolvedAcl;
  readonly ownerId: string | undefined;
}

export function parsePutAcl(request: S3Request): PutAclInput {
  return { acl: parseAclHeaders(request.headers), body: request.body, digests: parseBodyDigests(request) };
}

/**
 * The ACL that is to be put.
 * Errors: MissingSecurityHeader (neither headers nor a body), UnexpectedContent (both), MalformedACLError,
 *   InvalidArgument, UnresolvableGrantByEmailAddress 400.
 */
export async function readPutAcl(
  context: Pick<OperationContext, 'stores' | 'signal'>,
  { acl, body, digests }: PutAclInput,
): Promise<PutAcl> {
  const document = await readAclDocument(body, digests);
  const { ownerId } = document ?? {};
  return { acl: await resolveAcl(context, onlyOne(acl, document)), ownerId };
}

/** Errors: AccessDenied 403 where a document names another owner than there is. */
export function requireOwner({ ownerId }: PutAcl, owner: { readonly tenant: TenantId }): void {
  if (ownerId === undefined || ownerId === owner.tenant) return;
  throw new S3Error('AccessDenied', {
    message: 'The Owner of an ACL cannot be changed: send it as it is, or leave it out.',
  });
}

function onlyOne(acl: RequestedAcl, document: AclDocument | undefined): RequestedAcl {
  if (document === undefined) {
    if (acl.kind !== 'default') return acl;
    throw new S3Error('MissingSecurityHeader', {
      message: 'Your request was missing a required header: send x-amz-acl, x-amz-grant-* or an AccessControlPolicy.',
      elements: { MissingHeaderName: 'x-amz-acl' },
    });
  }
  if (acl.kind === 'default') return { kind: 'grants', grants: document.grants };
  throw new S3Error('UnexpectedContent', {
    message: 'This request does not support content: the ACL stands in headers already.',
  });
}
