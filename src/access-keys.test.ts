import { expect, test } from 'vitest';
import { ensureAccessKeys, FIRST_OWNER, makeAccessKey } from './access-keys.ts';
import { MemoryKeystore } from './stores/memory/keystore.ts';

const OPTIONS = { signal: new AbortController().signal };

test('a fresh key has the lengths of AWS, letters and digits only, and is never the same', () => {
  const keys = Array.from({ length: 1_000 }, () => makeAccessKey(FIRST_OWNER));
  for (const { accessKeyId, secret } of keys) {
    expect(accessKeyId).toMatch(/^[A-Z2-7]{20}$/);
    expect(secret.reveal()).toMatch(/^[A-Za-z0-9]{40}$/);
  }
  expect(new Set(keys.map(({ accessKeyId }) => accessKeyId)).size).toBe(1_000);
  expect(new Set(keys.map(({ secret }) => secret.reveal())).size).toBe(1_000);
});

test('the first key is made once, and only where there is none', async () => {
  const keystore = new MemoryKeystore([]);
  const made = await ensureAccessKeys(keystore, OPTIONS);
  expect(made).toHaveLength(1);
  expect(await ensureAccessKeys(keystore, OPTIONS)).toEqual(made);
});
