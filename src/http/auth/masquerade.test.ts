import { expect, test } from 'vitest';
import { accessKey, KEYS, options } from '../../../test/support/authenticate.ts';
import { parseTenantId } from '../../domain/names.ts';
import { MemoryKeystore } from '../../stores/memory/keystore.ts';
import { TenantOwners } from './masquerade.ts';

const TENANT = parseTenantId('tenant');

test('a tenant is shown by the name that its keys have, found again after a minute', async () => {
  const keys = new MemoryKeystore([]);
  const clock = { now: 0, nowMs: () => clock.now };
  const owners = new TenantOwners(keys, clock);
  const nameAt = async (atMs: number) => {
    clock.now = atMs;
    return (await owners.ownerOf(TENANT, options())).displayName;
  };
  expect(await nameAt(0)).toBe('tenant');
  await keys.addKey(accessKey(KEYS), options());
  expect(await nameAt(59_999)).toBe('tenant');
  expect(await nameAt(60_000)).toBe('Tenant');
});

test('names of any number of tenants are found, though not all are kept', async () => {
  const owners = new TenantOwners(new MemoryKeystore([accessKey(KEYS)]), { nowMs: () => 0 });
  for (let index = 0; index < 2500; index += 1) {
    const tenant = parseTenantId(`tenant-${index}`);
    expect((await owners.ownerOf(tenant, options())).tenant).toBe(tenant);
  }
  expect(await owners.ownerOf(TENANT, options())).toEqual({ tenant: 'tenant', displayName: 'Tenant' });
});
