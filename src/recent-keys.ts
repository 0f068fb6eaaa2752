import type { AccessKey } from './domain/access-key.ts';
import type { AccessKeyId } from './domain/names.ts';
import type { Keystore, TenantName } from './stores/keystore.ts';
import type { CallOptions } from './stores/store.ts';

/** How old an answer may be, in milliseconds: so long a deleted key may go on working. */
const AGE_MS_MAX = 1_000;
/** Keys that are remembered. */
const KEYS_MAX = 10_000;

/**
 * A keystore whose keys are remembered for a second, where asking costs a network: a busy client is looked up once a
 * second, not once a request. What was not found is asked for again, so a new key works at once.
 */
export class RecentKeys implements Keystore {
  readonly description: string;
  readonly #keystore: Keystore;
  readonly #monotonicMs: () => number;
  readonly #found = new Map<AccessKeyId, { readonly key: AccessKey; readonly askedAtMs: number }>();

  constructor(keystore: Keystore, { monotonicMs }: { readonly monotonicMs: () => number }) {
    this.description = keystore.description;
    this.#keystore = keystore;
    this.#monotonicMs = monotonicMs;
  }

  async getKey(accessKeyId: AccessKeyId, options: CallOptions): Promise<AccessKey | undefined> {
    options.signal.throwIfAborted();
    const askedAtMs = this.#monotonicMs();
    const recent = this.#found.get(accessKeyId);
    if (recent !== undefined && askedAtMs - recent.askedAtMs < AGE_MS_MAX) return recent.key;
    const key = await this.#keystore.getKey(accessKeyId, options);
    this.#found.delete(accessKeyId);
    if (key !== undefined) this.#remember(key, askedAtMs);
    return key;
  }

  async findTenant(name: TenantName, options: CallOptions): Promise<AccessKey | undefined> {
    return await this.#keystore.findTenant(name, options);
  }

  async checkWritable(options: CallOptions): Promise<void> {
    await this.#keystore.checkWritable(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#found.clear();
    await this.#keystore[Symbol.asyncDispose]();
  }

  #remember(key: AccessKey, askedAtMs: number): void {
    this.#found.set(key.accessKeyId, { key, askedAtMs });
    const [oldest] = this.#found.keys();
    if (this.#found.size > KEYS_MAX && oldest !== undefined) this.#found.delete(oldest);
  }
}
