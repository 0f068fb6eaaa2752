import { ALL_USERS, AUTHENTICATED_USERS, isPublicGrant } from '../domain/acl.ts';
import type { Action } from '../domain/actions.ts';
import type { Bucket, BucketConfiguration } from '../domain/bucket.ts';
import type { Identity } from '../domain/identity.ts';
import type { ObjectKey } from '../domain/names.ts';
import type { Grant, ObjectVersion, Permission, StoredObject } from '../domain/object-version.ts';
import { CompiledPolicies } from '../policy/compiled-policies.ts';
import { evaluatePolicy, type PolicyEffect } from '../policy/evaluate-policy.ts';
import { type Match, matchIf } from '../policy/match.ts';
import type { Policy } from '../policy/policy.ts';
import { policyRequest, type RequestedAccess } from './condition-values.ts';
import type { HeaderMap, ParameterMap } from './request.ts';

/** Who asks, and what else of a request rights may depend on. */
export interface RequestFacts {
  readonly identity: Identity;
  readonly query: ParameterMap;
  readonly headers: HeaderMap;
  /** The client's address, behind trusted proxies too. */
  readonly sourceIp: string;
  readonly isSecure: boolean;
  readonly nowMs: number;
  /** Of a browser form, the version of its signature. */
  readonly formSignature?: 'v2' | 'v4' | undefined;
}

/** What the caller wants to do; `bucket` is `undefined` for actions on the service and for a bucket not made yet. */
export interface AccessQuestion extends RequestedAccess {
  readonly action: Action;
}

/** What rights may depend on beside the action and what it is done to. */
export type AccessDetails = Pick<RequestedAccess, 'prefix' | 'requestTags' | 'versionId'>;

/** `by-object`: it depends on the ACL of the object, or on its tags. */
export type Verdict = 'allowed' | 'denied' | 'by-object';

/** What a bucket's ACL can allow. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions */
const BUCKET_PERMISSIONS: Partial<Record<Action, Permission>> = {
  's3:AbortMultipartUpload': 'WRITE',
  's3:DeleteObject': 'WRITE',
  's3:GetBucketAcl': 'READ_ACP',
  's3:GetBucketLocation': 'READ',
  's3:ListBucket': 'READ',
  's3:ListBucketMultipartUploads': 'READ',
  's3:ListBucketVersions': 'READ',
  's3:ListMultipartUploadParts': 'WRITE',
  's3:PutBucketAcl': 'WRITE_ACP',
  's3:PutObject': 'WRITE',
};

/** What an object's ACL can allow. Source: as above. */
const OBJECT_PERMISSIONS: Partial<Record<Action, Permission>> = {
  's3:GetObject': 'READ',
  's3:GetObjectAcl': 'READ_ACP',
  's3:GetObjectAttributes': 'READ',
  's3:GetObjectVersion': 'READ',
  's3:GetObjectVersionAcl': 'READ_ACP',
  's3:GetObjectVersionAttributes': 'READ',
  's3:PutObjectAcl': 'WRITE_ACP',
  's3:PutObjectVersionAcl': 'WRITE_ACP',
};

/** What the owner of a bucket may do whatever its policy says, so that nobody locks themselves out for good. */
const ALWAYS_THE_OWNERS: readonly Action[] = ['s3:DeleteBucketPolicy', 's3:GetBucketPolicy', 's3:PutBucketPolicy'];

/** What every user may where there is no bucket yet. */
const OPEN_TO_USERS: readonly Action[] = [
  's3:CreateBucket',
  's3:ListAllMyBuckets',
  's3:PutBucketAcl',
  's3:PutBucketOwnershipControls',
];

const BUCKET_POLICIES = new CompiledPolicies('bucket');
const IDENTITY_POLICIES = new CompiledPolicies('identity');
/** What a policy says that is not there. */
const NO_POLICY: PolicyEffect = { allows: 'no', denies: 'no' };
/** What a policy says that cannot be read: nobody knows whom it denies what. */
const UNREADABLE: PolicyEffect = { allows: 'no', denies: 'yes' };

/**
 * Whether the caller may, so far as that can be said without looking at an object.
 *
 * A key that carries a policy may at most what that allows. A master key without one may everything. For anybody else
 * the bucket's policy comes first where it denies. Then its own tenant may everything in a bucket but read what others
 * own there where ACLs count, and whoever else may
 * what its policy allows or an ACL grants: of the bucket for what is done to it and written into it, of the object for
 * what is read of it. Every user may list their buckets and create one.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
 */
export function decide(facts: RequestFacts, question: AccessQuestion): Verdict {
  const rights = rightsOf(facts, question);
  if (isEntitled(rights, { ifDepends: false })) return 'allowed';
  return isEntitled(rights, { ifDepends: true }) ? 'by-object' : 'denied';
}

/** Whether the caller may what is done to `version`, which `decide` left to the object. */
export function decideByObject(facts: RequestFacts, question: AccessQuestion & { version: StoredObject }): boolean {
  return isEntitled(rightsOf(facts, question), { ifDepends: false });
}

/** All that a verdict follows from. */
interface Rights {
  /** What the key's own policy says; `undefined`: it carries none. */
  readonly keyPolicy: PolicyEffect | undefined;
  /** May what is done to no bucket, or to any. */
  readonly isEverywhere: boolean;
  /** Acts for the bucket's tenant, and not on what another tenant owns in it. */
  readonly owns: Match;
  /** The bucket's policy does not bind the caller here. */
  readonly isExempt: boolean;
  readonly bucketPolicy: PolicyEffect;
  readonly acl: Match;
}

function rightsOf(facts: RequestFacts, question: AccessQuestion): Rights {
  const { identity } = facts;
  const { bucket, action } = question;
  const user = identity.kind === 'user' ? identity : undefined;
  const keyPolicy =
    user?.policy === undefined ? undefined : effectOf(IDENTITY_POLICIES.get(user.policy), facts, question);
  if (bucket === undefined) {
    const isEverywhere = user !== undefined && OPEN_TO_USERS.includes(action);
    return { keyPolicy, isEverywhere, owns: 'no', isExempt: false, bucketPolicy: NO_POLICY, acl: 'no' };
  }
  const isOwner = user !== undefined && (user.master || user.tenant === bucket.owner.tenant);
  return {
    keyPolicy,
    isEverywhere: user?.master === true && keyPolicy === undefined,
    owns: user?.master === true ? 'yes' : isOwner ? matchOwned(question.version, { action, bucket }) : 'no',
    isExempt: isOwner && keyPolicy === undefined && ALWAYS_THE_OWNERS.includes(action),
    bucketPolicy: bucketEffect(bucket, facts, question),
    acl: matchAcl(identity, { ...question, bucket }),
  };
}

/** Of a policy or an ACL that hangs on the object, the best is taken, or the worst. */
function isEntitled(rights: Rights, { ifDepends }: { readonly ifDepends: boolean }): boolean {
  const { keyPolicy, bucketPolicy } = rights;
  const grants = (match: Match) => match === 'yes' || (match === 'depends' && ifDepends);
  const denies = (match: Match) => match === 'yes' || (match === 'depends' && !ifDepends);
  if (keyPolicy !== undefined && (denies(keyPolicy.denies) || !grants(keyPolicy.allows))) return false;
  if (rights.isEverywhere) return true;
  if (denies(bucketPolicy.denies) && !rights.isExempt) return false;
  return grants(rights.owns) || grants(bucketPolicy.allows) || grants(rights.acl);
}

function effectOf(policy: Policy | 'unreadable', facts: RequestFacts, question: AccessQuestion): PolicyEffect {
  return policy === 'unreadable' ? UNREADABLE : evaluatePolicy(policy, policyRequest(facts, question));
}

/** A public policy allows nobody but the bucket's tenant anything where public buckets are restricted. */
function bucketEffect({ configuration }: Bucket, facts: RequestFacts, question: AccessQuestion): PolicyEffect {
  if (configuration.policy === undefined) return NO_POLICY;
  const effect = effectOf(BUCKET_POLICIES.get(configuration.policy), facts, question);
  const isRestricted =
    configuration.publicAccessBlock?.restrictPublicBuckets === true && hasPublicPolicy(configuration);
  return isRestricted ? { ...effect, allows: 'no' } : effect;
}

/** Whether a bucket's policy grants something to everybody. */
export function hasPublicPolicy({ policy }: BucketConfiguration): boolean {
  const compiled = policy === undefined ? 'unreadable' : BUCKET_POLICIES.get(policy);
  return compiled !== 'unreadable' && compiled.isPublic;
}

/** Whether a bucket's ACL grants something to everybody. */
export function hasPublicAcl(bucket: Bucket): boolean {
  const { acl = [], publicAccessBlock } = bucket.configuration;
  return aclsCount(bucket) && publicAccessBlock?.ignorePublicAcls !== true && acl.some(isPublicGrant);
}

/**
 * Whether a bucket's tenant may by being that: anything, but where ACLs count reading what another tenant wrote into it,
 * and the ACL of that. Deleting it is theirs as well.
 */
function matchOwned(
  version: StoredObject | undefined,
  { action, bucket }: { readonly action: Action; readonly bucket: Bucket },
): Match {
  if (OBJECT_PERMISSIONS[action] === undefined || !aclsCount(bucket)) return 'yes';
  return version === undefined ? 'depends' : matchIf(version.owner.tenant === bucket.owner.tenant);
}

function matchAcl(
  identity: Identity,
  { action, bucket, version }: AccessQuestion & { readonly bucket: Bucket },
): Match {
  if (!aclsCount(bucket)) return 'no';
  const ofBucket = BUCKET_PERMISSIONS[action];
  if (ofBucket !== undefined) {
    return matchIf(isGranted(identity, { bucket, acl: bucket.configuration.acl ?? [], permission: ofBucket }));
  }
  const permission = OBJECT_PERMISSIONS[action];
  if (permission === undefined) return 'no';
  if (version === undefined) return 'depends';
  if (identity.kind === 'user' && identity.tenant === version.owner.tenant) return 'yes';
  return matchIf(isGranted(identity, { bucket, acl: version.attributes.acl, permission }));
}

/**
 * What else than CreateBucket a request to make a bucket asks for.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html, permissions
 */
export function actionsOnNewBucket(headers: HeaderMap): readonly Action[] {
  const names = [...headers.names()];
  const hasAcl = names.some((name) => name === 'x-amz-acl' || name.startsWith('x-amz-grant-'));
  return [
    ...(hasAcl ? (['s3:PutBucketAcl'] as const) : []),
    ...(names.includes('x-amz-object-ownership') ? (['s3:PutBucketOwnershipControls'] as const) : []),
  ];
}

/** Whether ACLs mean anything in a bucket. */
export function aclsCount({ configuration }: Bucket): boolean {
  return configuration.objectOwnership !== 'BucketOwnerEnforced';
}

/** A caller's rights in one bucket, for one request. */
export class BucketAccess {
  readonly #facts: RequestFacts;
  readonly #bucket: Bucket;

  constructor(facts: RequestFacts, bucket: Bucket) {
    this.#facts = facts;
    this.#bucket = bucket;
  }

  /** Whether the caller may, whatever object there is. */
  isAllowed(action: Action, key: ObjectKey | undefined, details: AccessDetails = {}): boolean {
    return this.verdict(action, key, details) === 'allowed';
  }

  verdict(action: Action, key: ObjectKey | undefined, details: AccessDetails = {}): Verdict {
    return decide(this.#facts, { ...details, action, bucket: this.#bucket, key });
  }

  /** `denied` where the caller may do `action` to no key at all. What a policy says of that is found out key by key. */
  verdictOnSomeKey(action: Action): Verdict {
    const { identity } = this.#facts;
    const keyPolicy = identity.kind === 'user' ? identity.policy : undefined;
    const hasPolicy = keyPolicy !== undefined || this.#bucket.configuration.policy !== undefined;
    return hasPolicy ? 'by-object' : this.verdict(action, undefined);
  }

  /**
   * Whether the caller may do `action` to `version`, which is what `key` has. Where there is no object, whoever may not
   * list the bucket, or this key of it, is not told so. `requestTags`: those of a body, where it brings some.
   */
  isAllowedOn(
    action: Action,
    key: ObjectKey,
    {
      version,
      ...details
    }: { readonly version: ObjectVersion | undefined } & Pick<AccessDetails, 'requestTags' | 'versionId'>,
  ): boolean {
    const bucket = this.#bucket;
    if (version?.kind === 'object') {
      return decideByObject(this.#facts, { action, bucket, key, version, ...details });
    }
    if (this.verdict(action, key, details) === 'denied') return false;
    return this.verdict('s3:ListBucket', undefined, { prefix: key }) === 'allowed';
  }
}

function isGranted(
  identity: Identity,
  wanted: { readonly bucket: Bucket; readonly acl: readonly Grant[]; readonly permission: Permission },
): boolean {
  const ignoresPublic = wanted.bucket.configuration.publicAccessBlock?.ignorePublicAcls === true;
  return wanted.acl.some((grant) => {
    if (grant.permission !== wanted.permission && grant.permission !== 'FULL_CONTROL') return false;
    if (ignoresPublic && isPublicGrant(grant)) return false;
    return isGrantee(identity, grant);
  });
}

function isGrantee(identity: Identity, { grantee }: Grant): boolean {
  if (grantee.kind === 'tenant') return identity.kind === 'user' && identity.tenant === grantee.tenant;
  if (grantee.uri === ALL_USERS) return true;
  if (identity.kind === 'anonymous') return false;
  return grantee.uri === AUTHENTICATED_USERS || identity.memberOf.includes(grantee.uri);
}
