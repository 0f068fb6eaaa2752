import type { AccessKey } from '../../domain/access-key.ts';
import type { AccessKeyId } from '../../domain/names.ts';
import { compareUtf8 } from '../../domain/utf8-order.ts';
import { isKeyOf, type ManagedKeystore, type TenantName } from '../keystore.ts';
import type { CallOptions } from '../store.ts';

/** A keystore in a Map, filled with the keys it is made with. */
export class MemoryKeystore implements ManagedKeystore {
  readonly description: string;
  readonly #keys: Map<AccessKeyId, AccessKey>;

  constructor(keys: readonly AccessKey[], description = 'memory: nothing survives the process') {
    this.description = description;
    this.#keys = new Map(keys.map((key) => [key.accessKeyId, key]));
  }

  async getKey(accessKeyId: AccessKeyId, { signal }: CallOptions): Promise<AccessKey | undefined> {
    signal.throwIfAborted();
    return this.#keys.get(accessKeyId);
  }

  async findTenant(name: TenantName, { signal }: CallOptions): Promise<AccessKey | undefined> {
    signal.throwIfAborted();
    return [...this.#keys.values()].find((key) => isKeyOf(key, name));
  }

  async addKey(key: AccessKey, { signal }: CallOptions): Promise<'added' | 'exists'> {
    signal.throwIfAborted();
    if (this.#keys.has(key.accessKeyId)) return 'exists';
    this.#keys.set(key.accessKeyId, key);
    return 'added';
  }

  async replaceKey(key: AccessKey, { signal }: CallOptions): Promise<boolean> {
    signal.throwIfAborted();
    if (!this.#keys.has(key.accessKeyId)) return false;
    this.#keys.set(key.accessKeyId, key);
    return true;
  }

  async deleteKey(accessKeyId: AccessKeyId, { signal }: CallOptions): Promise<boolean> {
    signal.throwIfAborted();
    return this.#keys.delete(accessKeyId);
  }

  async listKeys({ signal }: CallOptions): Promise<readonly AccessKey[]> {
    signal.throwIfAborted();
    return [...this.#keys.values()].sort((a, b) => compareUtf8(a.accessKeyId, b.accessKeyId));
  }

  async checkWritable({ signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#keys.clear();
  }
}
