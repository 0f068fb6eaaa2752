import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../../domain/secret.ts';

/** The one service whose signatures count. */
export const SIGNED_SERVICE = 's3';
/** The last part of every credential scope. */
export const SCOPE_TERMINATOR = 'aws4_request';

/** Keys kept derived: one for each access key, day and region. */
const CACHED_KEYS_MAX = 1000;

export interface SigningScope {
  /** As in the scope: `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
}

/**
 * Derives signing keys and keeps the latest used. Deriving takes four HMACs; a key given to `createHmac` as a buffer
 * costs ten times one given as a `KeyObject` on Node 24.
 */
export class SigningKeys {
  readonly #cache = new Map<string, { readonly secret: Secret; readonly key: KeyObject }>();

  /** The key of `owner`, which names the access key, for one day and region. */
  get(owner: string, secret: Secret, scope: SigningScope): KeyObject {
    const name = `${owner}/${scope.date}/${scope.region}`;
    const cached = this.#cache.get(name);
    if (cached !== undefined) {
      this.#cache.delete(name);
      if (cached.secret === secret || cached.secret.reveal() === secret.reveal()) {
        this.#cache.set(name, cached);
        return cached.key;
      }
    }
    const key = deriveSigningKey(secret, scope);
    this.#cache.set(name, { secret, key });
    if (this.#cache.size > CACHED_KEYS_MAX) {
      const [oldest] = this.#cache.keys();
      if (oldest !== undefined) this.#cache.delete(oldest);
    }
    return key;
  }
}

/** HMAC-SHA256. `message` must be ASCII. */
export function sign(key: KeyObject, message: string): Buffer {
  return createHmac('sha256', key).update(message, 'latin1').digest();
}

function deriveSigningKey(secret: Secret, { date, region }: SigningScope): KeyObject {
  let key = createHmac('sha256', `AWS4${secret.reveal()}`).update(date).digest();
  for (const part of [region, SIGNED_SERVICE, SCOPE_TERMINATOR]) key = createHmac('sha256', key).update(part).digest();
  return createSecretKey(key);
}
