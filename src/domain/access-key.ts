import type { AccessKeyId, TenantId } from './names.ts';
import type { Secret } from './secret.ts';

/** One entry of a keystore: who signs with this key. */
export interface AccessKey {
  readonly accessKeyId: AccessKeyId;
  readonly secret: Secret;
  readonly tenant: TenantId;
  /** The name that listings and ACLs show beside the tenant's id. */
  readonly displayName: string;
  /** A master key may act on every tenant's buckets. */
  readonly master: boolean;
  readonly memberOf: readonly string[];
  /** By which grants may name the tenant. */
  readonly email?: string | undefined;
  /** An identity policy, in JSON: the key may do what it allows and no more. `undefined`: all that its tenant may. */
  readonly policy?: string | undefined;
}
