import { type Answer, type Caller, Refused } from './s3-call.ts';
import {
  findVersion,
  type Grant,
  type NaiveBucket,
  type NaiveObject,
  type NaiveS3,
  OWNER,
  type Permission,
  type Tenant,
} from './s3-state.ts';

/** The policies that buckets are given, and what each says. */
export const POLICIES = {
  'everybody reads': (bucket: string) =>
    policyOf('Allow', { Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` }),
  'bob lists': (bucket: string) =>
    policyOf('Allow', {
      Principal: { AWS: 'arn:aws:iam::bob:root' },
      Action: 's3:ListBucket',
      Resource: `arn:aws:s3:::${bucket}`,
    }),
  'nobody deletes': (bucket: string) =>
    policyOf('Deny', { Principal: '*', Action: 's3:DeleteObject', Resource: `arn:aws:s3:::${bucket}/*` }),
} as const;

export type PolicyName = keyof typeof POLICIES;

export function hasPolicy(bucket: NaiveBucket, name: PolicyName): boolean {
  return bucket.policy === POLICIES[name](bucket.name);
}

export function aclsCount({ ownership }: NaiveBucket): boolean {
  return ownership !== 'BucketOwnerEnforced';
}

export function isPublic([grantee]: Grant): boolean {
  return grantee === 'AllUsers' || grantee === 'AuthenticatedUsers';
}

/** Whoever is not the owner, and pays for what they ask, would have to say so; the model's callers never do. */
function isRefusedPayer(bucket: NaiveBucket, caller: Caller): boolean {
  return bucket.payer === 'Requester' && caller !== OWNER;
}

/** The bucket, for a caller whom its ACL gives `permission`, or its policy the right to list. */
export function requireBucket(s3: NaiveS3, name: string, caller: Caller, permission: Permission): NaiveBucket {
  const bucket = s3.bucket(name);
  if (!mayInBucket(bucket, caller, permission) || isRefusedPayer(bucket, caller)) throw new Refused('AccessDenied');
  return bucket;
}

export function mayInBucket(bucket: NaiveBucket, caller: Caller, permission: Permission): boolean {
  if (caller === OWNER) return true;
  if (permission === 'READ' && caller === 'bob' && hasPolicy(bucket, 'bob lists')) return true;
  return isGranted(bucket, bucket.acl ?? [], caller, permission);
}

/** What a request reads or changes of one version. */
export interface VersionTarget {
  readonly caller: Caller;
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
  /** `undefined` for tags, which no ACL speaks of. */
  readonly permission: 'READ' | 'READ_ACP' | 'WRITE_ACP' | undefined;
  readonly method: string;
}

/** Who may not list a bucket does not hear whether an object is there. */
export function requireObject(
  s3: NaiveS3,
  target: VersionTarget,
): { readonly bucket: NaiveBucket; readonly object: NaiveObject } {
  const { caller, key, versionId } = target;
  const bucket = s3.bucket(target.bucket);
  if (isRefusedPayer(bucket, caller)) throw new Refused('AccessDenied');
  const version = findVersion(bucket, key, versionId);
  if (version?.kind === 'object') {
    if (mayOnObject(bucket, version, target)) return { bucket, object: version };
    throw new Refused('AccessDenied');
  }
  const mightRead = caller === OWNER || aclsCount(bucket) || policyLetsRead(bucket, target);
  if (!mightRead || !mayInBucket(bucket, caller, 'READ')) throw new Refused('AccessDenied');
  if (version === undefined) throw new Refused(versionId === undefined ? 'NoSuchKey' : 'NoSuchVersion');
  const headers: Answer['headers'] = { 'x-amz-delete-marker': 'true', ...versionHeader(bucket, version.id) };
  if (versionId === undefined) throw new Refused('NoSuchKey', headers);
  throw new Refused('MethodNotAllowed', { ...headers, allow: 'DELETE', 'last-modified': httpDate(version.modifiedMs) });
}

function mayOnObject(bucket: NaiveBucket, object: NaiveObject, target: VersionTarget): boolean {
  const { caller, permission } = target;
  if (caller === OWNER && (permission === undefined || !aclsCount(bucket) || object.owner === OWNER)) return true;
  if (policyLetsRead(bucket, target)) return true;
  if (permission === undefined || !aclsCount(bucket)) return false;
  return caller === object.owner || isGranted(bucket, object.acl, caller, permission);
}

/** `s3:GetObject` is the right to the current version alone. */
function policyLetsRead(bucket: NaiveBucket, { permission, versionId }: VersionTarget): boolean {
  const isRestricted = bucket.block?.['RestrictPublicBuckets'] === true;
  return permission === 'READ' && versionId === undefined && hasPolicy(bucket, 'everybody reads') && !isRestricted;
}

function isGranted(bucket: NaiveBucket, acl: readonly Grant[], caller: Caller, permission: Permission): boolean {
  if (!aclsCount(bucket)) return false;
  return acl.some((grant) => {
    const [grantee, granted] = grant;
    if (granted !== permission && granted !== 'FULL_CONTROL') return false;
    if (isPublic(grant) && bucket.block?.['IgnorePublicAcls'] === true) return false;
    return grantee === caller || grantee === 'AllUsers' || (grantee === 'AuthenticatedUsers' && caller !== 'nobody');
  });
}

/** An ACL as a request asks for it, in headers. */
export type AskedAcl =
  | { readonly kind: 'none' }
  | { readonly kind: 'canned'; readonly name: string }
  | { readonly kind: 'grants'; readonly grants: readonly Grant[] };

const GROUPS = 'http://acs.amazonaws.com/groups/global/';

export function aclHeaders(acl: AskedAcl): Record<string, string> {
  if (acl.kind === 'none') return {};
  if (acl.kind === 'canned') return { 'x-amz-acl': acl.name };
  const headers: Record<string, string> = {};
  for (const [grantee, permission] of acl.grants) {
    const name = `x-amz-grant-${permission.toLowerCase().replace('_', '-')}`;
    const who = grantee === 'alice' || grantee === 'bob' ? `id="${grantee}"` : `uri="${GROUPS}${grantee}"`;
    headers[name] = headers[name] === undefined ? who : `${headers[name]}, ${who}`;
  }
  return headers;
}

export function granteeUri(grantee: string): string {
  return `${GROUPS}${grantee}`;
}

/** Whose an object is that `writer` makes, and its ACL. */
export function placeObject(bucket: NaiveBucket, writer: Tenant, asked: AskedAcl) {
  const { ownership } = bucket;
  const gives = asked.kind === 'canned' && asked.name === 'bucket-owner-full-control';
  const isBuckets = ownership === 'BucketOwnerEnforced' || (ownership === 'BucketOwnerPreferred' && gives);
  const owner = isBuckets ? OWNER : writer;
  return { owner, acl: objectAcl(bucket, owner, asked) };
}

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl */
export function objectAcl(bucket: NaiveBucket, owner: Tenant, asked: AskedAcl): readonly Grant[] {
  if (asked.kind === 'none') return [];
  if (!aclsCount(bucket)) {
    requireSameAsDisabled(asked);
    return [];
  }
  const grants = asked.kind === 'grants' ? asked.grants : cannedAcl(owner, asked.name);
  requireUnblocked(bucket, grants);
  return grants;
}

export function bucketAcl(bucket: NaiveBucket, asked: AskedAcl): readonly Grant[] | undefined {
  const grants = objectAcl(bucket, OWNER, asked);
  return asked.kind === 'grants' && aclsCount(bucket) ? grants : grants.length === 0 ? undefined : grants;
}

function cannedAcl(owner: Tenant, name: string): readonly Grant[] {
  const full: Grant = [owner, 'FULL_CONTROL'];
  switch (name) {
    case 'public-read':
      return [full, ['AllUsers', 'READ']];
    case 'public-read-write':
      return [full, ['AllUsers', 'READ'], ['AllUsers', 'WRITE']];
    case 'authenticated-read':
      return [full, ['AuthenticatedUsers', 'READ']];
    case 'bucket-owner-read':
      return owner === OWNER ? [] : [full, [OWNER, 'READ']];
    case 'bucket-owner-full-control':
      return owner === OWNER ? [] : [full, [OWNER, 'FULL_CONTROL']];
    default:
      return [];
  }
}

function requireSameAsDisabled(asked: AskedAcl): void {
  if (asked.kind === 'canned' && asked.name === 'bucket-owner-full-control') return;
  const [only, ...others] = asked.kind === 'grants' ? asked.grants : [];
  if (others.length === 0 && only?.[0] === OWNER && only[1] === 'FULL_CONTROL') return;
  throw new Refused('AccessControlListNotSupported');
}

function requireUnblocked(bucket: NaiveBucket, grants: readonly Grant[]): void {
  if (bucket.block?.['BlockPublicAcls'] === true && grants.some(isPublic)) throw new Refused('AccessDenied');
}

/** Versions are named in buckets that have or had versioning. */
export function versionHeader({ versioning }: NaiveBucket, id: string): Record<string, string> {
  return versioning === 'Off' ? {} : { 'x-amz-version-id': id };
}

export function httpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

function policyOf(Effect: string, statement: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect, ...statement }] });
}
