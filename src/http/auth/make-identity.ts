import type { AccessKey } from '../../domain/access-key.ts';
import type { Identity, User } from '../../domain/identity.ts';

/** The identity of a request that carries no credentials at all. */
export const ANONYMOUS = { kind: 'anonymous' } as Identity;

/** The identity of a request whose signature by `key` was verified. Call it nowhere else. */
export function identityOf(key: AccessKey): Identity {
  const user: User = {
    kind: 'user',
    accessKeyId: key.accessKeyId,
    tenant: key.tenant,
    displayName: key.displayName,
    master: key.master,
    memberOf: key.memberOf,
  };
  return user as Identity & User;
}
