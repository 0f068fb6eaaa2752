import type { AccessKeyId, TenantId } from './names.ts';

declare const authenticated: unique symbol;

/**
 * Who asks, as the authenticator found it out. No operation runs without one, and only code under `http/auth/`
 * may import the functions that make one (a lint rule holds that).
 */
export type Identity = (User | Anonymous) & { readonly [authenticated]: true };

export interface User {
  readonly kind: 'user';
  readonly accessKeyId: AccessKeyId;
  readonly tenant: TenantId;
  readonly displayName: string;
  /** Acts on every tenant's buckets. */
  readonly master: boolean;
  readonly memberOf: readonly string[];
  /** The identity policy of the key, in JSON; `undefined`: all that its tenant may. */
  readonly policy: string | undefined;
}

export interface Anonymous {
  readonly kind: 'anonymous';
}
