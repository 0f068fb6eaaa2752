import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elementText } from '../support/raw-http.ts';
import { presign } from '../support/sign.ts';
import { signV2ByHeader } from '../support/sign-v2.ts';
import { ALICE, BOB, MASTER, type SendOptions } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/** A master key acts for a tenant, as in Pithos 0.7.5: by a header that is part of what it signs. */
const HEADER = 'x-amz-masquerade-tenant';
const AS_ALICE = { headers: { [HEADER]: 'alice' }, keys: MASTER };

let whole: WholeFront;

describe.each(['memory', 'embedded'] as const)('on the %s engine', (engine) => {
  beforeAll(async () => {
    whole = await startWholeFront(engine, { settings: { sigV2: true } });
  });
  afterAll(async () => whole[Symbol.asyncDispose]());

  test('a bucket that a master key makes for a tenant is that tenant’s, and so are the objects in it', async () => {
    const bucket = newName();
    await whole.ok({ method: 'PUT', path: `/${bucket}`, ...AS_ALICE });
    await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: 'x', ...AS_ALICE });
    expect((await whole.ok({ path: `/${bucket}/key`, keys: ALICE })).body.toString()).toBe('x');
    const listed = await whole.ok({ path: `/${bucket}`, query: [['versions', '']], keys: ALICE });
    expect(elementText(listed.body, 'ID')).toBe('alice');
    expect(await whole.codeOf({ path: `/${bucket}/key`, keys: BOB })).toBe('403 AccessDenied');
  });

  test('ListBuckets shows the buckets of the tenant that is acted for, and names it', async () => {
    const mine = newName();
    const alices = await whole.newBucket(ALICE);
    await whole.ok({ method: 'PUT', path: `/${mine}`, keys: MASTER });
    const { body } = await whole.ok({ path: '/', ...AS_ALICE });
    expect(whole.front.logLines.at(-1)).toMatchObject({ accessKeyId: MASTER.accessKeyId, tenant: 'alice' });
    expect(body.toString()).toContain(alices);
    expect(body.toString()).not.toContain(mine);
    expect([elementText(body, 'ID'), elementText(body, 'DisplayName')]).toEqual(['alice', 'alice']);
  });

  test('the rights stay those of a master key', async () => {
    const bobs = await whole.newBucket(BOB);
    await whole.ok({ method: 'PUT', path: `/${bobs}/key`, body: 'x', keys: BOB });
    expect(await whole.codeOf({ path: `/${bobs}/key`, ...AS_ALICE })).toBe('200');
  });

  test('a tenant need not have a key yet', async () => {
    const headers = { [HEADER]: 'somebody@example.com' };
    await whole.ok({ method: 'PUT', path: `/${newName()}`, headers, keys: MASTER });
    const { body } = await whole.ok({ path: '/', headers, keys: MASTER });
    expect(elementText(body, 'DisplayName')).toBe('somebody@example.com');
  });

  test.each<[string, SendOptions, string]>([
    ['a key that is not master', { headers: { [HEADER]: 'bob' }, keys: ALICE }, '403 AccessDenied'],
    [
      'a key that is not master, for its own tenant',
      { headers: { [HEADER]: 'alice' }, keys: ALICE },
      '403 AccessDenied',
    ],
    ['nobody', { headers: { [HEADER]: 'alice' }, keys: undefined }, '403 AccessDenied'],
    ['nobody, in the query', { query: [['X-Amz-Masquerade-Tenant', 'alice']], keys: undefined }, '403 AccessDenied'],
    ['a master key, for no name', { headers: { [HEADER]: ' ' }, keys: MASTER }, '400 InvalidArgument'],
    [
      'a master key, for an endless name',
      { headers: { [HEADER]: 'a'.repeat(257) }, keys: MASTER },
      '400 InvalidArgument',
    ],
    ['a wrong secret', { ...AS_ALICE, keys: { ...MASTER, secretAccessKey: 'guessed' } }, '403 SignatureDoesNotMatch'],
  ])('is refused to %s', async (_, options, code) => {
    expect(await whole.codeOf({ path: '/', ...options })).toBe(code);
  });

  test('the header must be signed, also where the signature is in the query', async () => {
    const atMs = whole.front.clock.now;
    const request = { method: 'GET', path: '/', headers: { host: whole.front.host } };
    const url = presign(request, { keys: MASTER, atMs, expiresSeconds: 60 });
    const added = { path: url, headers: { [HEADER]: 'alice' }, keys: undefined };
    expect(await whole.codeOf(added)).toBe('403 AccessDenied');
    const addedToQuery = { path: `${url}&${HEADER}=alice`, keys: undefined };
    expect(await whole.codeOf(addedToQuery)).toBe('403 SignatureDoesNotMatch');
  });

  test('a signed URL may carry it in its query, and a request that is signed by SigV2 in its headers', async () => {
    const atMs = whole.front.clock.now;
    const request = { method: 'GET', path: '/', headers: { host: whole.front.host } };
    const query = [['x-amz-masquerade-tenant', 'alice']] as const;
    const url = presign({ ...request, query }, { keys: MASTER, atMs, expiresSeconds: 60 });
    const byUrl = await whole.ok({ path: url, keys: undefined });
    const headers = signV2ByHeader({ ...request, headers: { [HEADER]: 'alice' } }, { keys: MASTER, atMs });
    const byHeader = await whole.ok({ path: '/', headers, keys: undefined });
    for (const { body } of [byUrl, byHeader]) expect(elementText(body, 'ID')).toBe('alice');
  });
});

function newName(): string {
  return `test-${Math.random().toString(36).slice(2)}`;
}
