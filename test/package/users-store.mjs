// A user's test file: runs in the folder where the package was installed.
import { keystoreContract } from 'pithos/contract/keystore';
import { isKeyOf } from 'pithos/stores/keystore';
import { test } from 'pithos/vitest';
import { expect } from 'vitest';

test('a bucket is there', async ({ s3 }) => {
  const { status } = await fetch(`${s3.endpoint}/${s3.bucket}`);
  expect(status).toBe(403);
});

class UsersKeystore {
  description = 'a Map of a user';
  keys = new Map();

  async getKey(accessKeyId, { signal }) {
    signal.throwIfAborted();
    return this.keys.get(accessKeyId);
  }

  async findTenant(name, { signal }) {
    signal.throwIfAborted();
    return [...this.keys.values()].find((key) => isKeyOf(key, name));
  }

  async addKey(key, { signal }) {
    signal.throwIfAborted();
    if (this.keys.has(key.accessKeyId)) return 'exists';
    this.keys.set(key.accessKeyId, key);
    return 'added';
  }

  async replaceKey(key, { signal }) {
    signal.throwIfAborted();
    if (!this.keys.has(key.accessKeyId)) return false;
    this.keys.set(key.accessKeyId, key);
    return true;
  }

  async deleteKey(accessKeyId, { signal }) {
    signal.throwIfAborted();
    return this.keys.delete(accessKeyId);
  }

  async listKeys({ signal }) {
    signal.throwIfAborted();
    return [...this.keys.values()].sort((a, b) => (a.accessKeyId < b.accessKeyId ? -1 : 1));
  }

  async checkWritable({ signal }) {
    signal.throwIfAborted();
  }

  async [Symbol.asyncDispose]() {
    this.keys.clear();
  }
}

keystoreContract({
  engine: 'a user',
  isShared: false,
  isDurable: false,
  async open() {
    const store = new UsersKeystore();
    return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  },
});
