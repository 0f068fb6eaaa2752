import { ALL_USERS, AUTHENTICATED_USERS, isPublicGrant, LOG_DELIVERY, ownerGrant } from '../../domain/acl.ts';
import type { Bucket, Owner } from '../../domain/bucket.ts';
import type { Identity } from '../../domain/identity.ts';
import type { Grant, Permission } from '../../domain/object-version.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { invalidArgument } from '../headers/parameters.ts';
import type { CannedAcl } from './requested-acl.ts';
import type { ResolvedAcl } from './resolve-acl.ts';

/** Whose a new object is, and its ACL as it is stored: empty for its owner's alone. */
export interface ObjectPlacement {
  readonly owner: Owner;
  readonly acl: readonly Grant[];
}

/**
 * Whose an object is that the caller writes with `acl`, and what that ACL comes to.
 *
 * The bucket's where ACLs are disabled, where it prefers so and gets full control, for what nobody in particular
 * writes, and for a master key, which acts for the bucket's tenant; otherwise the writer's.
 * Errors: AccessControlListNotSupported 400 · AccessDenied 403 for a public ACL in a bucket that blocks them.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 */
export function placeObject(bucket: Bucket, identity: Identity, acl: ResolvedAcl): ObjectPlacement {
  const owner = ownerOfNew(bucket, identity, acl);
  return { owner, acl: objectAcl(bucket, owner, acl) };
}

/** What `acl` comes to on an object of `owner`. Errors: as `placeObject`. */
export function objectAcl(bucket: Bucket, owner: Owner, acl: ResolvedAcl): readonly Grant[] {
  if (acl.kind === 'default') return [];
  if (bucket.configuration.objectOwnership === 'BucketOwnerEnforced') {
    requireSameAsDisabled(bucket, acl);
    return [];
  }
  const grants = acl.kind === 'grants' ? acl.grants : cannedObjectAcl(bucket, owner, acl.name);
  requireUnblocked(bucket, grants);
  return grants;
}

/**
 * What `acl` comes to on a bucket; `undefined` for its owner's alone.
 * Errors: AccessControlListNotSupported 400 · AccessDenied 403 for a public ACL where the bucket blocks them.
 */
export function bucketAcl(bucket: Bucket, acl: ResolvedAcl): readonly Grant[] | undefined {
  if (acl.kind === 'default') return undefined;
  if (bucket.configuration.objectOwnership === 'BucketOwnerEnforced') {
    requireSameAsDisabled(bucket, acl);
    return undefined;
  }
  const grants = acl.kind === 'grants' ? acl.grants : cannedBucketAcl(bucket.owner, acl.name);
  if (grants !== undefined) requireUnblocked(bucket, grants);
  return grants;
}

/** Whether a bucket's ACL gives anybody but its owner anything. */
export function grantsOthers(owner: Owner, acl: readonly Grant[] | undefined): boolean {
  return acl?.some(({ grantee }) => grantee.kind === 'group' || grantee.tenant !== owner.tenant) === true;
}

function ownerOfNew(bucket: Bucket, identity: Identity, acl: ResolvedAcl): Owner {
  const { objectOwnership } = bucket.configuration;
  if (identity.kind === 'anonymous' || identity.master || objectOwnership === 'BucketOwnerEnforced') {
    return bucket.owner;
  }
  const givesControl = acl.kind === 'canned' && acl.name === 'bucket-owner-full-control';
  if (objectOwnership === 'BucketOwnerPreferred' && givesControl) return bucket.owner;
  return { tenant: identity.tenant, displayName: identity.displayName };
}

function cannedObjectAcl(bucket: Bucket, owner: Owner, name: CannedAcl): readonly Grant[] {
  switch (name) {
    case 'private':
      return [];
    case 'bucket-owner-read':
    case 'bucket-owner-full-control': {
      if (owner.tenant === bucket.owner.tenant) return [];
      const permission = name === 'bucket-owner-read' ? 'READ' : 'FULL_CONTROL';
      return [ownerGrant(owner), { grantee: { kind: 'tenant', ...bucket.owner }, permission }];
    }
    case 'log-delivery-write':
      throw invalidArgument('x-amz-acl', name, 'log-delivery-write is for buckets: use another ACL for an object.');
    default:
      return [ownerGrant(owner), ...publicGrants(name)];
  }
}

/** The canned ACLs that speak of the bucket's owner are of objects, and S3 ignores them on buckets. */
function cannedBucketAcl(owner: Owner, name: CannedAcl): readonly Grant[] | undefined {
  switch (name) {
    case 'private':
    case 'bucket-owner-read':
    case 'bucket-owner-full-control':
      return undefined;
    case 'log-delivery-write':
      return [ownerGrant(owner), toGroup(LOG_DELIVERY, 'WRITE'), toGroup(LOG_DELIVERY, 'READ_ACP')];
    default:
      return [ownerGrant(owner), ...publicGrants(name)];
  }
}

function publicGrants(name: 'public-read' | 'public-read-write' | 'authenticated-read'): readonly Grant[] {
  switch (name) {
    case 'public-read':
      return [toGroup(ALL_USERS, 'READ')];
    case 'public-read-write':
      return [toGroup(ALL_USERS, 'READ'), toGroup(ALL_USERS, 'WRITE')];
    case 'authenticated-read':
      return [toGroup(AUTHENTICATED_USERS, 'READ')];
  }
}

function toGroup(uri: string, permission: Permission): Grant {
  return { grantee: { kind: 'group', uri }, permission };
}

/** Where ACLs are disabled only one is taken, which says what holds anyway: the bucket's owner has full control. */
function requireSameAsDisabled(bucket: Bucket, acl: Exclude<ResolvedAcl, { readonly kind: 'default' }>): void {
  if (acl.kind === 'canned') {
    if (acl.name === 'bucket-owner-full-control') return;
  } else if (acl.grants.length === 1 && isFullControlOf(bucket.owner, acl.grants[0])) return;
  throw new S3Error('AccessControlListNotSupported', {
    message:
      'The bucket does not allow ACLs: its object ownership is BucketOwnerEnforced. Leave the ACL out, or change the object ownership.',
    elements: { BucketName: bucket.name },
  });
}

function isFullControlOf(owner: Owner, grant: Grant | undefined): boolean {
  return (
    grant?.permission === 'FULL_CONTROL' && grant.grantee.kind === 'tenant' && grant.grantee.tenant === owner.tenant
  );
}

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
function requireUnblocked(bucket: Bucket, grants: readonly Grant[]): void {
  if (bucket.configuration.publicAccessBlock?.blockPublicAcls !== true || !grants.some(isPublicGrant)) return;
  throw new S3Error('AccessDenied', {
    message: 'Public ACLs are blocked by the BlockPublicAcls setting of this bucket’s public access block.',
  });
}
