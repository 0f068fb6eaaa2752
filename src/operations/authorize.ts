import type { Action } from '../domain/actions.ts';
import type { Bucket } from '../domain/bucket.ts';
import type { Identity } from '../domain/identity.ts';

/** What a caller wants to do; `bucket` is `undefined` for actions on the service and for a bucket not made yet. */
export interface AuthorizationRequest {
  readonly identity: Identity;
  readonly action: Action;
  readonly bucket: Bucket | undefined;
}

/**
 * Whether the caller may: a bucket's own tenant everything on it, a master key everything everywhere, and any user
 * may list their buckets and create one. Anonymous callers may nothing.
 */
export function isAllowed({ identity, action, bucket }: AuthorizationRequest): boolean {
  if (identity.kind === 'anonymous') return false;
  if (bucket === undefined) return action === 's3:ListAllMyBuckets' || action === 's3:CreateBucket';
  return identity.master || identity.tenant === bucket.owner.tenant;
}
