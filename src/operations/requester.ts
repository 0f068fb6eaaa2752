import type { Owner } from '../domain/bucket.ts';
import type { Identity } from '../domain/identity.ts';
import { S3Error } from '../domain/s3-error.ts';

/** Who asks, as an owner of what the request makes. Errors: AccessDenied 403 for an anonymous request. */
export function requesterOf(identity: Identity): Owner {
  if (identity.kind === 'anonymous') throw new S3Error('AccessDenied');
  return { tenant: identity.tenant, displayName: identity.displayName };
}
