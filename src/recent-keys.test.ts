import { expect, test } from 'vitest';
import type { AccessKey } from './domain/access-key.ts';
import { type AccessKeyId, parseAccessKeyId, parseTenantId } from './domain/names.ts';
import { Secret } from './domain/secret.ts';
import { RecentKeys } from './recent-keys.ts';
import { MemoryKeystore } from './stores/memory/keystore.ts';
import type { CallOptions } from './stores/store.ts';

const options = { signal: AbortSignal.timeout(30_000) };

class CountedKeystore extends MemoryKeystore {
  lookups = 0;

  override async getKey(accessKeyId: AccessKeyId, given: CallOptions): Promise<AccessKey | undefined> {
    this.lookups++;
    return await super.getKey(accessKeyId, given);
  }
}

function keyOf(id: string): AccessKey {
  const accessKeyId = parseAccessKeyId(id);
  if (accessKeyId === undefined) throw new TypeError(id);
  const tenant = parseTenantId('t');
  return { accessKeyId, secret: new Secret('s'), tenant, displayName: 't', master: false, memberOf: [] };
}

test('a key is looked up once a second, and one that is deleted is refused after it', async () => {
  let nowMs = 0;
  const keystore = new CountedKeystore([keyOf('A')]);
  const keys = new RecentKeys(keystore, { monotonicMs: () => nowMs });
  const { accessKeyId } = keyOf('A');
  for (nowMs = 0; nowMs < 1_000; nowMs += 100) expect(await keys.getKey(accessKeyId, options)).toEqual(keyOf('A'));
  expect(keystore.lookups).toBe(1);
  await keystore.deleteKey(accessKeyId, options);
  nowMs = 1_000;
  expect(await keys.getKey(accessKeyId, options)).toBeUndefined();
});

test('a key that was not there works as soon as it is', async () => {
  const keystore = new CountedKeystore([]);
  const keys = new RecentKeys(keystore, { monotonicMs: () => 0 });
  const key = keyOf('A');
  expect(await keys.getKey(key.accessKeyId, options)).toBeUndefined();
  await keystore.addKey(key, options);
  expect(await keys.getKey(key.accessKeyId, options)).toEqual(key);
});

test('a signal that has fired ends a lookup, whatever is remembered', async () => {
  const keys = new RecentKeys(new MemoryKeystore([keyOf('A')]), { monotonicMs: () => 0 });
  await keys.getKey(keyOf('A').accessKeyId, options);
  const reason = new Error('too late');
  await expect(keys.getKey(keyOf('A').accessKeyId, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
