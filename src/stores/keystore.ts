import type { AccessKey } from '../domain/access-key.ts';
import type { AccessKeyId } from '../domain/names.ts';
import type { CallOptions, Store } from './store.ts';

/**
 * The keystore: access key → secret and tenant. All a server needs of it is one lookup.
 *
 * Consistency: a key that was put is found, and one that was deleted is not, by every call that begins
 * after the change ended, in any process.
 * Throws: `StoreError`. Absence is a value.
 */
export interface Keystore extends Store {
  /** The key with this id, or `undefined`. */
  getKey(accessKeyId: AccessKeyId, options: CallOptions): Promise<AccessKey | undefined>;
}

/** A keystore whose keys `pithos keys` can change. A configured list of keys is none. */
export interface ManagedKeystore extends Keystore {
  /** Adds a key, unless one with its id exists. */
  addKey(key: AccessKey, options: CallOptions): Promise<'added' | 'exists'>;

  /** Removes a key; `false` where there was none. */
  deleteKey(accessKeyId: AccessKeyId, options: CallOptions): Promise<boolean>;

  /** Every key, by id. */
  listKeys(options: CallOptions): Promise<readonly AccessKey[]>;
}
