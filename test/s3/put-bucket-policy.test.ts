import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyOn, putPolicy } from '../support/policies.ts';
import { elementText } from '../support/raw-http.ts';
import { BOB, MASTER } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

const DENIED = '403 AccessDenied';
const MALFORMED = '400 MalformedPolicy';
const NOBODY = undefined;

let whole: WholeFront;

describe.each(['memory', 'embedded'] as const)('PutBucketPolicy on the %s engine', (engine) => {
  beforeAll(async () => {
    whole = await startWholeFront(engine);
  });
  afterAll(async () => whole[Symbol.asyncDispose]());

  async function bucketWithObject(): Promise<{ bucket: string; path: string }> {
    const bucket = await whole.newBucket();
    const path = `/${bucket}/key`;
    await whole.ok({ method: 'PUT', path, body: 'body' });
    return { bucket, path };
  }

  test.each([
    ['everybody', '*', '200', '200'],
    ['everybody, as AWS', { AWS: '*' }, '200', '200'],
    ['a tenant by its name', { AWS: 'bob' }, '200', DENIED],
    ['a tenant as an account', { AWS: ['arn:aws:iam::bob:root'] }, '200', DENIED],
    ['a tenant as a user of no account', { AWS: 'arn:aws:iam:::user/bob' }, '200', DENIED],
    ['a tenant by its canonical id', { CanonicalUser: 'bob' }, '200', DENIED],
    ['one key of a tenant', { AWS: 'arn:aws:iam::bob:user/BOBKEY' }, '200', DENIED],
    ['another tenant', { AWS: 'alice' }, DENIED, DENIED],
  ])('lets %s read', async (_, Principal, bobs, nobodys) => {
    const { bucket, path } = await bucketWithObject();
    expect(await putPolicy(whole, bucket, policyOn(bucket, { Principal, Action: 's3:GetObject' }))).toBe('204');
    expect(await whole.codeOf({ path, keys: BOB })).toBe(bobs);
    expect(await whole.codeOf({ path, keys: NOBODY })).toBe(nobodys);
    expect(await whole.codeOf({ path: `/${bucket}`, keys: BOB })).toBe(DENIED);
    expect(await whole.codeOf({ method: 'DELETE', path, keys: BOB })).toBe(DENIED);
  });

  test('denies its owner what it denies everybody, but for the policy itself; a master key it does not bind', async () => {
    const { bucket, path } = await bucketWithObject();
    expect(await putPolicy(whole, bucket, policyOn(bucket, { Effect: 'Deny', Action: 's3:*' }))).toBe('204');
    expect(await whole.codeOf({ path })).toBe(DENIED);
    expect(await whole.codeOf({ path: `/${bucket}`, query: [['acl', '']] })).toBe(DENIED);
    expect(await whole.codeOf({ path, keys: MASTER })).toBe('200');
    expect(await whole.codeOf({ path: `/${bucket}`, query: [['policy', '']] })).toBe('200');
    expect(await whole.codeOf({ method: 'DELETE', path: `/${bucket}`, query: [['policy', '']] })).toBe('204');
    expect(await whole.codeOf({ path })).toBe('200');
  });

  test('denies what an ACL grants', async () => {
    const { bucket, path } = await bucketWithObject();
    await whole.ok({ method: 'PUT', path, body: 'body', headers: { 'x-amz-acl': 'public-read' } });
    expect(await whole.codeOf({ path, keys: BOB })).toBe('200');
    await putPolicy(
      whole,
      bucket,
      policyOn(bucket, { Effect: 'Deny', Principal: { AWS: 'bob' }, Action: 's3:GetObject' }),
    );
    expect(await whole.codeOf({ path, keys: BOB })).toBe(DENIED);
    expect(await whole.codeOf({ path, keys: NOBODY })).toBe('200');
  });

  test('lets DeleteObjects delete those keys that may be deleted', async () => {
    const bucket = await whole.newBucket();
    for (const key of ['a/1', 'b/1']) await whole.ok({ method: 'PUT', path: `/${bucket}/${key}`, body: 'body' });
    const Resource = `arn:aws:s3:::${bucket}/a/*`;
    await putPolicy(whole, bucket, policyOn(bucket, { Action: 's3:DeleteObject', Resource }));
    const body = '<Delete><Object><Key>a/1</Key></Object><Object><Key>b/1</Key></Object></Delete>';
    const headers = { 'content-md5': hash('md5', body, 'base64') };
    const reply = await whole.ok({
      method: 'POST',
      path: `/${bucket}`,
      query: [['delete', '']],
      body,
      headers,
      keys: BOB,
    });
    const text = reply.body.toString();
    expect(text).toContain('<Deleted><Key>a/1</Key></Deleted>');
    expect(text).toContain('<Error><Key>b/1</Key><Code>AccessDenied</Code>');
  });

  test('tells whoever may list a prefix that a key of it does not exist, and nobody else', async () => {
    const bucket = await whole.newBucket();
    const Condition = { StringLike: { 's3:prefix': 'public/*' } };
    await putPolicy(whole, bucket, policyOn(bucket, { Action: 's3:ListBucket', Condition }));
    expect(await whole.codeOf({ path: `/${bucket}/public/x`, keys: BOB })).toBe('404 NoSuchKey');
    expect(await whole.codeOf({ path: `/${bucket}/private/x`, keys: BOB })).toBe(DENIED);
    const list = (prefix: string) => whole.codeOf({ path: `/${bucket}`, query: [['prefix', prefix]], keys: BOB });
    expect([await list('public/'), await list('private/')]).toEqual(['200', DENIED]);
  });

  test('knows the source of a copy however it is spelled', async () => {
    const { bucket } = await bucketWithObject();
    await whole.ok({ method: 'PUT', path: `/${bucket}/secret`, body: 'body' });
    const other = await whole.newBucket();
    await putPolicy(whole, bucket, policyOn(bucket, { Action: 's3:GetObject' }));
    const Condition = { StringLike: { 's3:x-amz-copy-source': `/${bucket}/sec*` } };
    const forbid = { Effect: 'Deny', Action: 's3:PutObject', Condition };
    await putPolicy(whole, other, policyOn(other, { Action: 's3:PutObject' }, forbid));
    const copy = (source: string) =>
      whole.codeOf({ method: 'PUT', path: `/${other}/copy`, headers: { 'x-amz-copy-source': source }, keys: BOB });
    expect(await copy(`${bucket}/key`)).toBe('200');
    for (const source of [
      `${bucket}/secret`,
      `/${bucket}/secret`,
      `${bucket}%2F%73ecret`,
      `${bucket}/secret?versionId=null`,
    ]) {
      expect(await copy(source), source).toBe(DENIED);
    }
  });

  test('lets others read by the tags of an object, and write by those that they bring, wherever these stand', async () => {
    const { bucket, path } = await bucketWithObject();
    const tagging = [['tagging', '']] as const;
    const isOpen = (key: string) => ({ Condition: { StringEquals: { [`s3:${key}/open`]: 'yes' } } });
    const body = policyOn(
      bucket,
      { Action: 's3:GetObject', ...isOpen('ExistingObjectTag') },
      { Action: 's3:PutObject' },
      { Action: 's3:PutObjectTagging', ...isOpen('RequestObjectTag') },
    );
    expect(await putPolicy(whole, bucket, body)).toBe('204');
    const headers = (tags: string) => ({ 'x-amz-tagging': tags });
    const put = (tags: string) =>
      whole.codeOf({ method: 'PUT', path, body: 'body', headers: headers(tags), keys: BOB });
    const tag = (value: string, more: object = {}) => {
      const set = `<Tagging><TagSet><Tag><Key>open</Key><Value>${value}</Value></Tag></TagSet></Tagging>`;
      return whole.codeOf({ method: 'PUT', path, query: tagging, body: set, keys: BOB, ...more });
    };
    const read = () => whole.codeOf({ path, keys: NOBODY });
    expect(await read()).toBe(DENIED);
    expect([await put('open=no'), await put('open=no&x=yes'), await put('?open=yes')]).toEqual([
      DENIED,
      DENIED,
      '400 InvalidTag',
    ]);
    expect([await tag('no'), await tag('no', { headers: headers('open=yes') })]).toEqual([DENIED, DENIED]);
    expect([await tag('yes'), await read()]).toEqual(['200', '200']);
    expect([await whole.codeOf({ method: 'PUT', path, body: 'body', keys: BOB }), await read()]).toEqual([
      '200',
      DENIED,
    ]);
    expect([await put('open=yes'), await read()]).toEqual(['200', '200']);
  });

  test('refuses a public policy where those are blocked, and restricts one to the tenant', async () => {
    const { bucket, path } = await bucketWithObject();
    const block = (name: string) =>
      whole.ok({
        method: 'PUT',
        path: `/${bucket}`,
        query: [['publicAccessBlock', '']],
        body: `<PublicAccessBlockConfiguration><${name}>true</${name}></PublicAccessBlockConfiguration>`,
      });
    const open = policyOn(bucket, { Action: 's3:GetObject' }, { Action: 's3:GetObject', Principal: { AWS: 'bob' } });
    await block('BlockPublicPolicy');
    expect(await putPolicy(whole, bucket, open)).toBe(DENIED);
    expect(await putPolicy(whole, bucket, policyOn(bucket, { Action: 's3:*', Principal: { AWS: 'bob' } }))).toBe('204');
    await block('RestrictPublicBuckets');
    expect(await putPolicy(whole, bucket, open)).toBe('204');
    for (const keys of [BOB, NOBODY]) expect(await whole.codeOf({ path, keys })).toBe(DENIED);
    expect(await whole.codeOf({ path })).toBe('200');
  });

  test('keeps another tenant from giving up its right to change the policy, unless it says so', async () => {
    const bucket = await whole.newBucket();
    const rights = { Action: ['s3:PutBucketPolicy', 's3:GetBucketPolicy'], Principal: { AWS: 'bob' } };
    expect(await putPolicy(whole, bucket, policyOn(bucket, rights))).toBe('204');
    const without = policyOn(bucket, { ...rights, Action: 's3:GetBucketPolicy' });
    expect(await putPolicy(whole, bucket, without, { keys: BOB })).toBe('400 InvalidRequest');
    const headers = { 'x-amz-confirm-remove-self-bucket-access': 'true' };
    expect(await putPolicy(whole, bucket, without, { keys: BOB, headers })).toBe('204');
    expect(await putPolicy(whole, bucket, without, { keys: BOB, headers })).toBe(DENIED);
  });

  test.each([
    ['no JSON', () => 'policy', MALFORMED],
    ['an empty body', () => '', MALFORMED],
    [
      'a tenant that does not exist',
      (b: string) => policyOn(b, { Action: 's3:*', Principal: { AWS: 'carol' } }),
      MALFORMED,
    ],
    [
      'a key of another tenant',
      (b: string) => policyOn(b, { Action: 's3:*', Principal: { AWS: 'arn:aws:iam::alice:user/BOBKEY' } }),
      MALFORMED,
    ],
    [
      'another bucket',
      (b: string) => policyOn(b, { Action: 's3:GetObject', Resource: 'arn:aws:s3:::other/*' }),
      MALFORMED,
    ],
    [
      'a bucket whose name only begins so',
      (b: string) => policyOn(b, { Action: 's3:GetObject', Resource: `arn:aws:s3:::${b}-2/*` }),
      MALFORMED,
    ],
    [
      'an action of a bucket on objects',
      (b: string) => policyOn(b, { Action: ['s3:GetObject', 's3:ListBucket'], Resource: `arn:aws:s3:::${b}/*` }),
      MALFORMED,
    ],
    [
      'a condition that Pithos cannot evaluate',
      (b: string) => policyOn(b, { Action: 's3:*', Condition: { Bool: { 'aws:MultiFactorAuthPresent': true } } }),
      '501 NotImplemented',
    ],
    [
      'too many principals',
      (b: string) =>
        policyOn(b, { Action: 's3:*', Principal: { AWS: Array.from({ length: 101 }, (_, i) => `t${i}`) } }),
      MALFORMED,
    ],
    [
      'more than 20 KiB',
      (b: string) => policyOn(b, { Action: 's3:*' }).padEnd(20 * 1024 + 1),
      '400 MaxMessageLengthExceeded',
    ],
  ])('refuses %s', async (_, body, code) => {
    const bucket = await whole.newBucket();
    expect(await putPolicy(whole, bucket, body(bucket))).toBe(code);
    expect(await whole.codeOf({ path: `/${bucket}`, query: [['policy', '']] })).toBe('404 NoSuchBucketPolicy');
  });

  test('says in the words of S3 what is wrong, and which principal', async () => {
    const bucket = await whole.newBucket();
    const body = policyOn(bucket, { Action: 's3:*', Principal: { AWS: 'carol' } });
    const { body: reply } = await whole.front.send({
      method: 'PUT',
      path: `/${bucket}`,
      query: [['policy', '']],
      body,
    });
    expect(elementText(reply, 'Message')).toBe('Invalid principal in policy: &quot;carol&quot;');
  });
});
