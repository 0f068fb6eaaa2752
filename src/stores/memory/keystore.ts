import type { AccessKey } from '../../domain/access-key.ts';
import type { AccessKeyId } from '../../domain/names.ts';
import { compareUtf8 } from '../../domain/utf8-order.ts';
import type { ManagedKeystore } from '../keystore.ts';
import type { CallOptions } from '../store.ts';

/** A keystore in a Map, filled with the keys it is made with. */
export class MemoryKeystore implements ManagedKeystore {
  readonly description = 'memory: nothing survives the process';
  readonly #keys: Map<AccessKeyId, AccessKey>;

  constructor(keys: readonly AccessKey[]) {
    this.#keys = new Map(keys.map((key) => [key.accessKeyId, key]));
  }

  async getKey(accessKeyId: AccessKeyId, { signal }: CallOptions): Promise<AccessKey | undefined> {
    signal.throwIfAborted();
    return this.#keys.get(accessKeyId);
  }

  async addKey(key: AccessKey, { signal }: CallOptions): Promise<'added' | 'exists'> {
    signal.throwIfAborted();
    if (this.#keys.has(key.accessKeyId)) return 'exists';
    this.#keys.set(key.accessKeyId, key);
    return 'added';
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
