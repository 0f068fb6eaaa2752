import { describe, expect, test } from 'vitest';
import type { AccessKey } from '../../src/domain/access-key.ts';
import { parseAccessKeyId, parseTenantId } from '../../src/domain/names.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { ManagedKeystore } from '../../src/stores/keystore.ts';
import { atOnce, must, OPTIONS } from './drafts.ts';
import { openFixture, type Subject } from './subject.ts';

/** Every sentence of `Keystore` and `ManagedKeystore`. The subject opens a keystore without keys. */
export function keystoreContract(subject: Subject<ManagedKeystore>): void {
  describe(`Keystore of ${subject.engine}`, () => {
    describeKeys(subject);
    describeSignals(subject);
    if (subject.isShared) describeSharing(subject);
    if (subject.isDurable) describeDurability(subject);
  });
}

function describeKeys(subject: Subject<ManagedKeystore>): void {
  test('a key that was added is found as it was, secret and all', async () => {
    await using fixture = await openFixture(subject);
    const key = accessKey('AKIAEXAMPLE', { secret: new Secret('wJalr/+=é'), master: true, memberOf: ['a', 'b'] });
    expect(await fixture.store.addKey(key, OPTIONS)).toBe('added');
    const found = must(await fixture.store.getKey(key.accessKeyId, OPTIONS));
    expect(found).toEqual(key);
    expect(found.secret.reveal()).toBe('wJalr/+=é');
  });

  test('a key that is not there is undefined', async () => {
    await using fixture = await openFixture(subject);
    await fixture.store.addKey(accessKey('AKIA'), OPTIONS);
    for (const id of ['akia', 'AKI', 'AKIAA', '__proto__', 'x'.repeat(128)]) {
      expect(await fixture.store.getKey(must(parseAccessKeyId(id)), OPTIONS)).toBeUndefined();
    }
  });

  test('a key is not added where one with its id exists', async () => {
    await using fixture = await openFixture(subject);
    const [first, second] = [accessKey('AKIA'), accessKey('AKIA', { secret: new Secret('other') })];
    await fixture.store.addKey(first, OPTIONS);
    expect(await fixture.store.addKey(second, OPTIONS)).toBe('exists');
    expect((await fixture.store.getKey(first.accessKeyId, OPTIONS))?.secret.reveal()).toBe(first.secret.reveal());
  });

  test('of 32 keys with one id added at once, one is added', async () => {
    await using fixture = await openFixture(subject);
    const outcomes = await atOnce(32, (index) =>
      fixture.store.addKey(accessKey('AKIA', { secret: new Secret(`${index}`) }), OPTIONS),
    );
    expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(1);
    const found = await fixture.store.getKey(accessKey('AKIA').accessKeyId, OPTIONS);
    expect(found?.secret.reveal()).toBe(`${outcomes.indexOf('added')}`);
  });

  test('a deleted key is not found, and deleting it again is false', async () => {
    await using fixture = await openFixture(subject);
    const { accessKeyId } = accessKey('AKIA');
    expect(await fixture.store.deleteKey(accessKeyId, OPTIONS)).toBe(false);
    await fixture.store.addKey(accessKey('AKIA'), OPTIONS);
    expect(await fixture.store.deleteKey(accessKeyId, OPTIONS)).toBe(true);
    expect(await fixture.store.getKey(accessKeyId, OPTIONS)).toBeUndefined();
    expect(await fixture.store.deleteKey(accessKeyId, OPTIONS)).toBe(false);
    expect(await fixture.store.addKey(accessKey('AKIA'), OPTIONS)).toBe('added');
  });

  test('replaceKey puts a key in the place of the one with its id, and adds none', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const key = accessKey('AKIA', { policy: '{"a":1}' });
    expect(await store.replaceKey(key, OPTIONS)).toBe(false);
    expect(await store.listKeys(OPTIONS)).toEqual([]);
    await store.addKey(accessKey('AKIA'), OPTIONS);
    expect(await store.replaceKey(key, OPTIONS)).toBe(true);
    expect(await store.listKeys(OPTIONS)).toEqual([key]);
  });

  test('listKeys gives every key by id', async () => {
    await using fixture = await openFixture(subject);
    expect(await fixture.store.listKeys(OPTIONS)).toEqual([]);
    const ids = ['b', 'a', 'B', 'a.b', 'a-b', '__proto__', 'x'.repeat(128), '9'];
    for (const id of ids) await fixture.store.addKey(accessKey(id), OPTIONS);
    const listed = await fixture.store.listKeys(OPTIONS);
    expect(listed.map(({ accessKeyId }) => accessKeyId)).toEqual(ids.sort());
    for (const key of listed) expect(key.secret.reveal()).toBe(`secret of ${key.accessKeyId}`);
  });

  test('findTenant finds a tenant by id, and by e-mail address whatever its case; nobody else', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    await store.addKey(accessKey('ONE', { tenant: parseTenantId('one') }), OPTIONS);
    const two = accessKey('TWO', { tenant: parseTenantId('two'), email: 'Two@Example.com', policy: '{"a":1}' });
    await store.addKey(two, OPTIONS);
    expect(await store.findTenant({ id: parseTenantId('two') }, OPTIONS)).toEqual(two);
    expect(await store.findTenant({ email: 'two@example.COM' }, OPTIONS)).toEqual(two);
    expect((await store.findTenant({ id: parseTenantId('one') }, OPTIONS))?.accessKeyId).toBe('ONE');
    for (const name of [{ id: parseTenantId('Two') }, { email: 'one' }, { email: '' }]) {
      expect(await store.findTenant(name, OPTIONS)).toBeUndefined();
    }
  });

  test('checkWritable adds no key', async () => {
    await using fixture = await openFixture(subject);
    await fixture.store.checkWritable(OPTIONS);
    expect(await fixture.store.listKeys(OPTIONS)).toEqual([]);
    expect(fixture.store.description).toMatch(/^[^\n]+$/);
  });
}

function describeSignals(subject: Subject<ManagedKeystore>): void {
  test('a signal that has fired ends every call with its reason, and nothing is written', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const kept = accessKey('KEPT');
    await store.addKey(kept, OPTIONS);
    const reason = new Error('too late');
    const options = { signal: AbortSignal.abort(reason) };
    await expect(store.getKey(kept.accessKeyId, options)).rejects.toBe(reason);
    await expect(store.addKey(accessKey('NEW'), options)).rejects.toBe(reason);
    await expect(store.replaceKey(accessKey('KEPT', { master: true }), options)).rejects.toBe(reason);
    await expect(store.deleteKey(kept.accessKeyId, options)).rejects.toBe(reason);
    await expect(store.listKeys(options)).rejects.toBe(reason);
    await expect(store.checkWritable(options)).rejects.toBe(reason);
    expect(await store.listKeys(OPTIONS)).toEqual([kept]);
  });
}

function describeSharing(subject: Subject<ManagedKeystore>): void {
  test('a key that one handle added is found by another, and one that it deleted is not', async () => {
    await using fixture = await openFixture(subject);
    const other = await fixture.openAnother();
    const key = accessKey('AKIA');
    expect(await other.getKey(key.accessKeyId, OPTIONS)).toBeUndefined();
    await fixture.store.addKey(key, OPTIONS);
    expect(await other.getKey(key.accessKeyId, OPTIONS)).toEqual(key);
    expect(await other.addKey(key, OPTIONS)).toBe('exists');
    await other.deleteKey(key.accessKeyId, OPTIONS);
    expect(await fixture.store.getKey(key.accessKeyId, OPTIONS)).toBeUndefined();
  });
}

function describeDurability(subject: Subject<ManagedKeystore>): void {
  test('keys are there when the store is opened again', async () => {
    await using fixture = await openFixture(subject);
    await fixture.store.addKey(accessKey('KEPT'), OPTIONS);
    await fixture.store.addKey(accessKey('DELETED'), OPTIONS);
    await fixture.store.deleteKey(accessKey('DELETED').accessKeyId, OPTIONS);
    const reopened = await fixture.reopen();
    const keys = await reopened.listKeys(OPTIONS);
    expect(keys).toEqual([accessKey('KEPT')]);
    expect(keys[0]?.secret.reveal()).toBe('secret of KEPT');
  });
}

function accessKey(id: string, change: Partial<AccessKey> = {}): AccessKey {
  return {
    accessKeyId: must(parseAccessKeyId(id)),
    secret: new Secret(`secret of ${id}`),
    tenant: parseTenantId('tenant'),
    displayName: 'Tenant É',
    master: false,
    memberOf: [],
    ...change,
  };
}
