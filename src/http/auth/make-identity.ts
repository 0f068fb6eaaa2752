import type { AccessKey } from '../../domain/access-key.ts';
import type { Owner } from '../../domain/bucket.ts';
import type { Identity, User } from '../../domain/identity.ts';

/** The identity of a request that carries no credentials at all. */
export const ANONYMOUS = { kind: 'anonymous' } as Identity;

/**
 * The identity of a request whose signature by `key` was verified. Call it nowhere else. With `owner` the request is
 * that tenant's, with the rights of the key: what it makes and what it lists is theirs.
 */
export function identityOf(key: AccessKey, owner: Owner = key): Identity {
  const user: User = {
    kind: 'user',
    accessKeyId: key.accessKeyId,
    tenant: owner.tenant,
    displayName: owner.displayName,
    master: key.master,
    memberOf: key.memberOf,
    policy: key.policy,
  };
  return user as Identity & User;
}
