import { resourceKindOf } from '../domain/actions.ts';
import type { BucketName } from '../domain/names.ts';
import { type Condition, limitsToFixedValues, matchCondition } from './conditions.ts';
import { canBeginWith, type Glob, matchGlob } from './glob.ts';
import { malformedPolicy } from './malformed-policy.ts';
import type { Policy, Statement } from './policy.ts';
import { ANONYMOUS_USER_ID, type ConditionContext, S3_ARN } from './policy-request.ts';
import type { Principals } from './principals.ts';
import { widen } from './template.ts';

const USER_ID = 'aws:userid';
const ANONYMOUS_REQUEST: ConditionContext = {
  valuesOf: (key) => (key === USER_ID ? [ANONYMOUS_USER_ID] : undefined),
};
/** Conditions on who asks, or from where: fixed values of one of these make a statement that is not public. */
const LIMITING_KEYS: ReadonlySet<string> = new Set([
  'aws:principalaccount',
  'aws:principalarn',
  'aws:sourceip',
  USER_ID,
  'aws:username',
]);

/**
 * Refuses a policy that speaks of another bucket, or of an action that nothing it names can be done to.
 *
 * Errors: MalformedPolicy 400.
 */
export function requirePolicyOf(bucket: BucketName, { statements }: Policy): void {
  for (const { resources, actions } of statements) {
    const reach = resources.named.map(widen).map((glob) => reachOf(bucket, glob));
    if (reach.some(({ bucket: ofBucket, object }) => !ofBucket && !object)) {
      throw malformedPolicy(
        `Policy has invalid resource: each must be ${S3_ARN}${bucket} or begin with ${S3_ARN}${bucket}/`,
      );
    }
    if (resources.excludes || actions.excludes) continue;
    requireSomethingToDo(actions, reach);
  }
}

/**
 * Whether a policy grants anything to whoever it may be: each `Allow` is taken to, unless it names its principals or
 * fixed values of a key that says who or where they are. A range of addresses is fixed where it is no wider than /8, or
 * /32 of IPv6.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
 */
export function isPublicPolicy({ statements }: Policy): boolean {
  return statements.some(
    ({ effect, principals, conditions }) =>
      effect === 'Allow' && principals?.named.everybody === true && !conditions.some(limitsWhoAsks),
  );
}

/** A condition that lets in whoever does not sign says nothing of who that is. */
function limitsWhoAsks(condition: Condition): boolean {
  if (!LIMITING_KEYS.has(condition.key) || !limitsToFixedValues(condition)) return false;
  return condition.key !== USER_ID || matchCondition(condition, ANONYMOUS_REQUEST) === 'no';
}

/** The tenants and keys that a policy names, to allow them something, to deny it, or not to. */
export function namedPrincipals({ statements }: Policy): Pick<Principals, 'tenants' | 'keys'> {
  const all = statements.flatMap(({ principals }) => (principals === undefined ? [] : [principals.named]));
  return { tenants: new Set(all.flatMap(({ tenants }) => [...tenants])), keys: all.flatMap(({ keys }) => keys) };
}

interface Reach {
  readonly bucket: boolean;
  readonly object: boolean;
}

function reachOf(bucket: BucketName, glob: Glob): Reach {
  const arn = `${S3_ARN}${bucket}`;
  return { bucket: matchGlob(glob, arn), object: canBeginWith(glob, `${arn}/`) };
}

/** What a wildcard names counts together: `s3:*` is about the objects where only they are named. */
function requireSomethingToDo({ patterns }: Statement['actions'], reach: readonly Reach[]): void {
  const kinds = {
    bucket: reach.some(({ bucket }) => bucket),
    object: reach.some(({ object }) => object),
    account: false,
  };
  for (const actions of patterns) {
    if (actions.some((action) => kinds[resourceKindOf(action)])) continue;
    throw malformedPolicy('Action does not apply to any resource(s) in statement');
  }
}
