import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyOn, putPolicy } from '../support/policies.ts';
import { presignV2 } from '../support/sign-v2.ts';
import { ALICE, BOB, type SendOptions } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/**
 * The classes in which somebody gets more rights than they were given: a version judged as another one (RustFS
 * GHSA-3ppv), a client's words taken for facts in a policy (GHSA-3rh2), what is public taken for private, parameters
 * added to a signed URL, and policies that keep the server busy.
 */

const DENIED = '403 AccessDenied';
const NOBODY = undefined;
/** How long any one request here may take, in milliseconds. */
const REQUEST_MS_MAX = 3_000;

let whole: WholeFront;

describe.each(['memory', 'embedded'] as const)('on the %s engine', (engine) => {
  beforeAll(async () => {
    whole = await startWholeFront(engine, { settings: { sigV2: true } });
  });
  afterAll(async () => whole[Symbol.asyncDispose]());

  describe('a policy that lets somebody read one version', () => {
    async function twoVersions(): Promise<{ source: string; allowed: string; other: string; copyTo: string }> {
      const bucket = await whole.newBucket();
      await whole.ok({
        method: 'PUT',
        path: `/${bucket}`,
        query: [['versioning', '']],
        body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
      });
      const put = async (tag: string) => {
        const headers = { 'x-amz-tagging': `tag=${tag}` };
        const { headers: answer } = await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: tag, headers });
        return answer.get('x-amz-version-id') ?? '';
      };
      const [allowed, other] = [await put('open'), await put('secret')];
      const Condition = { StringEquals: { 's3:VersionId': allowed } };
      const Action = ['s3:GetObjectVersion', 's3:GetObjectVersionTagging'];
      expect(await putPolicy(whole, bucket, policyOn(bucket, { Action, Condition }))).toBe('204');
      return { source: `${bucket}/key`, allowed, other, copyTo: await whole.newBucket(BOB) };
    }

    test('does not let them copy another one by naming both', async () => {
      const { source, allowed, other, copyTo } = await twoVersions();
      const copy = (versionId: string, query: SendOptions['query'] = []) =>
        whole.codeOf({
          method: 'PUT',
          path: `/${copyTo}/copy`,
          query,
          headers: { 'x-amz-copy-source': `${source}?versionId=${versionId}` },
          keys: BOB,
        });
      expect(await copy(allowed)).toBe('200');
      expect(await copy(other)).toBe(DENIED);
      expect(await copy(other, [['versionId', allowed]])).not.toBe('200');
      expect((await whole.ok({ path: `/${copyTo}/copy`, keys: BOB })).body.toString()).toBe('open');
    });

    test('does not let them read another one by naming it as the source of a copy', async () => {
      const { source, allowed, other } = await twoVersions();
      const read = (versionId: string, named: string) =>
        whole.codeOf({
          path: `/${source}`,
          query: [['versionId', versionId]],
          headers: { 'x-amz-copy-source': `${source}?versionId=${named}` },
          keys: BOB,
        });
      expect(await read(allowed, other)).toBe('200');
      expect(await read(other, allowed)).toBe(DENIED);
    });
  });

  test('the tags of a version are copied by whoever may read the tags of versions', async () => {
    const bucket = await whole.newBucket();
    const headers = { 'x-amz-tagging': 'a=b' };
    await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: 'body', headers });
    const copyTo = await whole.newBucket(BOB);
    const copy = () =>
      whole.codeOf({
        method: 'PUT',
        path: `/${copyTo}/copy`,
        headers: { 'x-amz-copy-source': `${bucket}/key?versionId=null` },
        keys: BOB,
      });
    const Action = ['s3:GetObjectVersion', 's3:GetObjectTagging'];
    await putPolicy(whole, bucket, policyOn(bucket, { Action }));
    expect(await copy()).toBe(DENIED);
    await putPolicy(whole, bucket, policyOn(bucket, { Action: ['s3:GetObjectVersion', 's3:GetObjectVersionTagging'] }));
    expect(await copy()).toBe('200');
  });

  test('a policy for whoever does not sign is public, and refused or without effect where that is blocked', async () => {
    const bucket = await whole.newBucket();
    await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: 'body' });
    const Condition = { StringEquals: { 'aws:userid': 'anonymous' } };
    const policy = policyOn(bucket, { Action: 's3:GetObject', Condition });
    expect(await putPolicy(whole, bucket, policy)).toBe('204');
    expect(await whole.codeOf({ path: `/${bucket}/key`, keys: NOBODY })).toBe('200');
    const block = (setting: string) =>
      whole.ok({
        method: 'PUT',
        path: `/${bucket}`,
        query: [['publicAccessBlock', '']],
        body: `<PublicAccessBlockConfiguration><${setting}>true</${setting}></PublicAccessBlockConfiguration>`,
      });
    await block('BlockPublicPolicy');
    expect(await putPolicy(whole, bucket, policy)).toBe(DENIED);
    await block('RestrictPublicBuckets');
    expect(await whole.codeOf({ path: `/${bucket}/key`, keys: NOBODY })).toBe(DENIED);
  });

  describe('a URL signed by SigV2', () => {
    const presigned = async (method: string, path: string, added: string, body = '') => {
      const request = { method, path, query: [], headers: { host: whole.front.host } };
      const url = presignV2(request, { keys: ALICE, atMs: whole.front.clock.now, expiresSeconds: 60 });
      return await whole.codeOf({ method, path: `${url}${added}`, keys: NOBODY, body });
    };

    test.each([
      'acl',
      'policy',
      'tagging',
      'versions',
      'uploads',
      'encryption',
      'policyStatus',
      'ownershipControls',
      'publicAccessBlock',
    ])('that lists a bucket does not tell its %s by an added parameter', async (name) => {
      const bucket = await whole.newBucket();
      expect(await presigned('GET', `/${bucket}`, '')).toBe('200');
      expect(await presigned('GET', `/${bucket}`, '&list-type=2')).toBe('200');
      expect(await presigned('GET', `/${bucket}`, `&${name}`)).toMatch(/^403 (?:AccessDenied|SignatureDoesNotMatch)$/);
    });

    test('that deletes a bucket does not take its guards away', async () => {
      const bucket = await whole.newBucket();
      for (const name of ['publicAccessBlock', 'ownershipControls', 'encryption', 'policy', 'cors']) {
        expect(await presigned('DELETE', `/${bucket}`, `&${name}`), name).toMatch(/^403 /);
      }
    });

    test('acts for nobody by an added parameter, nor gives an object away', async () => {
      const path = `/${await whole.newBucket()}/key`;
      expect(await presigned('PUT', path, '', 'body')).toBe('200');
      for (const added of ['x-amz-masquerade-tenant=bob', 'X-Amz-Acl=public-read', 'x-amz-copy-source=/b/k']) {
        expect(await presigned('PUT', path, `&${added}`, 'body'), added).toBe('403 SignatureDoesNotMatch');
      }
    });
  });

  test.each([
    ['StringLike', 'aws:UserAgent', '*a*?b'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable.
    ['StringLike', 'aws:UserAgent', '*${aws:UserAgent}*b'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable.
    ['StringEqualsIgnoreCase', 'aws:UserAgent', '${aws:UserAgent}b'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable.
    ['StringNotLike', 'aws:UserAgent', '${aws:UserAgent}'.repeat(100)],
  ])('a policy of %s on %s with %.30s does not keep the server busy', async (operator, key, pattern) => {
    const bucket = await whole.newBucket();
    const variables = pattern.split('$').length - 1;
    const count = variables === 0 ? Math.floor(18_000 / (pattern.length + 7)) : 100 / variables;
    const values = Array.from({ length: count }, (_, n) => `${pattern}${n}`);
    const policy = policyOn(bucket, { Action: 's3:GetObject', Condition: { [operator]: { [key]: values } } });
    expect(await putPolicy(whole, bucket, policy)).toBe('204');
    const headers = { 'user-agent': 'a'.repeat(14_000) };
    const startMs = performance.now();
    expect(await whole.codeOf({ path: `/${bucket}/key`, headers, keys: BOB })).toBe(DENIED);
    expect(performance.now() - startMs).toBeLessThan(REQUEST_MS_MAX);
  });

  test('a policy has 100 variables at most', async () => {
    const bucket = await whole.newBucket();
    const policy = (count: number) => {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable.
      const Condition = { StringLike: { 'aws:UserAgent': '${aws:Referer}'.repeat(count) } };
      return policyOn(bucket, { Action: 's3:GetObject', Condition });
    };
    expect(await putPolicy(whole, bucket, policy(100))).toBe('204');
    expect(await putPolicy(whole, bucket, policy(101))).toBe('400 MalformedPolicy');
  });
});
