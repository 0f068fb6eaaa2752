import type { AccessKey } from './domain/access-key.ts';
import type { AccessKeyId } from './domain/names.ts';
import { isKeyOf, type Keystore, type TenantName } from './stores/keystore.ts';
import type { CallOptions } from './stores/store.ts';

/** A keystore beside which one more key is valid: the one that the environment gives, as long as it gives it. */
export class KeystoreBesideKey implements Keystore {
  readonly description: string;
  readonly #keystore: Keystore;
  readonly #key: AccessKey;

  constructor(keystore: Keystore, key: AccessKey) {
    this.description = keystore.description;
    this.#keystore = keystore;
    this.#key = key;
  }

  async getKey(accessKeyId: AccessKeyId, options: CallOptions): Promise<AccessKey | undefined> {
    return accessKeyId === this.#key.accessKeyId ? this.#key : await this.#keystore.getKey(accessKeyId, options);
  }

  async findTenant(name: TenantName, options: CallOptions): Promise<AccessKey | undefined> {
    return isKeyOf(this.#key, name) ? this.#key : await this.#keystore.findTenant(name, options);
  }

  async checkWritable(options: CallOptions): Promise<void> {
    await this.#keystore.checkWritable(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keystore[Symbol.asyncDispose]();
  }
}
