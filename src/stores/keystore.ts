import type { AccessKey } from '../domain/access-key.ts';
import type { AccessKeyId, TenantId } from '../domain/names.ts';
import type { CallOptions, Store } from './store.ts';

/** By what a grant names a tenant. */
export type TenantName = { readonly id: TenantId } | { readonly email: string };

/** Whether `key` is one of the tenant that is named. E-mail addresses are compared without regard to case. */
export function isKeyOf(key: AccessKey, name: TenantName): boolean {
  return 'id' in name ? key.tenant === name.id : key.email?.toLowerCase() === name.email.toLowerCase();
}

/**
 * The keystore: access key → secret and tenant. All a server needs for a request is one lookup.
 *
 * Consistency: a key that was put is found, and one that was deleted is not, by every call that begins
 * after the change ended, in any process.
 * Throws: `StoreError`. Absence is a value.
 */
export interface Keystore extends Store {
  /** The key with this id, or `undefined`. */
  getKey(accessKeyId: AccessKeyId, options: CallOptions): Promise<AccessKey | undefined>;

  /** A key of the tenant with this id or e-mail address, or `undefined`. May cost a look at every key. */
  findTenant(name: TenantName, options: CallOptions): Promise<AccessKey | undefined>;
}

/** A keystore whose keys `pithos keys` can change. A configured list of keys is none. */
export interface ManagedKeystore extends Keystore {
  /** Adds a key, unless one with its id exists. */
  addKey(key: AccessKey, options: CallOptions): Promise<'added' | 'exists'>;

  /** Puts `key` in the place of the one with its id; `false` where there is none. */
  replaceKey(key: AccessKey, options: CallOptions): Promise<boolean>;

  /** Removes a key; `false` where there was none. */
  deleteKey(accessKeyId: AccessKeyId, options: CallOptions): Promise<boolean>;

  /** Every key, by id. */
  listKeys(options: CallOptions): Promise<readonly AccessKey[]>;
}
