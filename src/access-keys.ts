import { randomBytes } from 'node:crypto';
import type { AccessKey } from './domain/access-key.ts';
import { parseAccessKeyId, parseTenantId, type TenantId } from './domain/names.ts';
import { Secret } from './domain/secret.ts';
import type { ManagedKeystore } from './stores/keystore.ts';
import type { CallOptions } from './stores/store.ts';

const ACCESS_KEY_ID_LENGTH = 20;
const SECRET_LENGTH = 40;
const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Whose the first key is. */
export const FIRST_OWNER = { tenant: parseTenantId('pithos'), displayName: 'pithos' };

/** The keys of the keystore by id; the first one is made where there is none. */
export async function ensureAccessKeys(keys: ManagedKeystore, options: CallOptions): Promise<readonly AccessKey[]> {
  const existing = await keys.listKeys(options);
  if (existing.length > 0) return existing;
  const key = makeAccessKey(FIRST_OWNER);
  await keys.addKey(key, options);
  return [key];
}

/**
 * A new access key with the lengths that AWS uses: 20 upper-case letters and digits (100 random bits), and a secret of
 * 40 letters and digits (over 230), so that both pass through shells and URLs as they are.
 */
export function makeAccessKey(owner: { tenant: TenantId; displayName: string }): AccessKey {
  const id = Array.from(randomBytes(ACCESS_KEY_ID_LENGTH), (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join('');
  const accessKeyId = parseAccessKeyId(id);
  if (accessKeyId === undefined) throw new TypeError('A fresh access key id is not valid.');
  return { accessKeyId, secret: new Secret(makeSecret()), ...owner, master: false, memberOf: [] };
}

/** Base64 has two signs that are no letters or digits; they are left out. */
function makeSecret(): string {
  let secret = '';
  while (secret.length < SECRET_LENGTH)
    secret += randomBytes(SECRET_LENGTH).toString('base64').replaceAll(/[+/=]/g, '');
  return secret.slice(0, SECRET_LENGTH);
}
