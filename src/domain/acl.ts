import type { Owner } from './bucket.ts';
import type { Grant, Permission } from './object-version.ts';

/**
 * The groups that S3 knows. A grant to any other URI is to a group of the keystore by that name.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee-predefined-groups
 */
export const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers';
export const AUTHENTICATED_USERS = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers';
export const LOG_DELIVERY = 'http://acs.amazonaws.com/groups/s3/LogDelivery';

/** Most grants of one ACL. */
export const GRANTS_MAX = 100;

/** A stored ACL as clients see it: an empty one is its owner's alone, as the canned ACL `private`. */
export function grantsOf(acl: readonly Grant[] | undefined, owner: Owner): readonly Grant[] {
  return acl === undefined || acl.length === 0 ? [ownerGrant(owner)] : acl;
}

export function ownerGrant(owner: Owner): Grant {
  return { grantee: { kind: 'tenant', ...owner }, permission: 'FULL_CONTROL' };
}

/** Whether a grant is to everybody, or to every user whoever they are. */
export function isPublicGrant({ grantee }: Grant): boolean {
  return grantee.kind === 'group' && (grantee.uri === ALL_USERS || grantee.uri === AUTHENTICATED_USERS);
}

export function isPermission(text: string): text is Permission {
  return ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'].includes(text);
}
