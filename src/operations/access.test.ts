import { describe, expect, test } from 'vitest';
import type { OracleStatement } from '../../test/policy/oracle.ts';
import { randomCases } from '../../test/policy/random-policies.ts';
import { bucketOf, must } from '../../test/support/start-front.ts';
import type { AccessKey } from '../domain/access-key.ts';
import { ALL_USERS } from '../domain/acl.ts';
import type { Action } from '../domain/actions.ts';
import type { Bucket, BucketConfiguration, Tag } from '../domain/bucket.ts';
import { etagOfMd5 } from '../domain/etag.ts';
import type { Identity } from '../domain/identity.ts';
import {
  parseAccessKeyId,
  parseBucketName,
  parseObjectKey,
  parseStorageClass,
  parseTenantId,
  parseVersionId,
} from '../domain/names.ts';
import { DEFAULT_ATTRIBUTES, type StoredObject, type VersionAttributes } from '../domain/object-version.ts';
import { Secret } from '../domain/secret.ts';
import { ANONYMOUS, identityOf } from '../http/auth/make-identity.ts';
import { QueryParameters, RequestHeaders } from '../http/parameters.ts';
import { actionsOnNewBucket, decide, decideByObject, type RequestFacts, type Verdict } from './access.ts';

const WHO = { alice: user('alice'), bob: user('bob'), master: user('master', { master: true }), nobody: ANONYMOUS };
const BUCKET = bucketOf(must(parseBucketName('alices-bucket')), 'alice');

test.each<[keyof typeof WHO, Action, 'on her bucket' | 'on no bucket', boolean]>([
  ['alice', 's3:PutObject', 'on her bucket', true],
  ['alice', 's3:DeleteBucket', 'on her bucket', true],
  ['bob', 's3:GetObject', 'on her bucket', false],
  ['bob', 's3:PutObject', 'on her bucket', false],
  ['bob', 's3:ListBucket', 'on her bucket', false],
  ['master', 's3:PutObject', 'on her bucket', true],
  ['nobody', 's3:GetObject', 'on her bucket', false],
  ['nobody', 's3:ListAllMyBuckets', 'on no bucket', false],
  ['nobody', 's3:CreateBucket', 'on no bucket', false],
  ['bob', 's3:ListAllMyBuckets', 'on no bucket', true],
  ['bob', 's3:CreateBucket', 'on no bucket', true],
  ['alice', 's3:GetObject', 'on no bucket', false],
  ['master', 's3:GetObject', 'on no bucket', false],
])('%s doing %s %s is allowed: %s', (who, action, where, allowed) => {
  const bucket = where === 'on her bucket' ? BUCKET : undefined;
  const verdict = decide(factsOf(WHO[who]), { action, bucket, key: undefined });
  // What an object's own ACL may grant is not granted by the bucket.
  expect(verdict === 'allowed').toBe(allowed);
});

const READ = { action: 's3:GetObject', key: must(parseObjectKey('a/key')) } as const;
const PUBLIC_READ = [{ grantee: { kind: 'group', uri: ALL_USERS }, permission: 'READ' }] as const;
const TAGGED = { Condition: { StringEquals: { 's3:ExistingObjectTag/open': 'yes' } } };

function bucketWith(change: Partial<BucketConfiguration>): Bucket {
  return { ...BUCKET, configuration: { ...BUCKET.configuration, ...change } };
}

function policy(...statements: readonly object[]): string {
  const Statement = statements.map((statement) => ({
    Effect: 'Allow',
    Action: 's3:*',
    Resource: 'arn:aws:s3:::*',
    ...statement,
  }));
  return JSON.stringify({ Version: '2012-10-17', Statement });
}

function ofBucket(...statements: readonly object[]): string {
  return policy(...statements.map((statement) => ({ Principal: '*', ...statement })));
}

describe('who may read an object', () => {
  const allow = policy({ Action: 's3:Get*' });
  const elsewhere = policy({ Resource: 'arn:aws:s3:::other/*' });
  test.each<[string, Verdict, Identity, Partial<BucketConfiguration>]>([
    // What another tenant wrote into the bucket is not the bucket owner's to read while ACLs count.
    ['the tenant while ACLs count', 'by-object', user('alice'), {}],
    ['the tenant where ACLs are off', 'allowed', user('alice'), { objectOwnership: 'BucketOwnerEnforced' }],
    [
      'a key of the tenant with a policy that allows it',
      'allowed',
      user('alice', { policy: allow }),
      { objectOwnership: 'BucketOwnerEnforced' },
    ],
    ['one whose policy says nothing of it', 'denied', user('alice', { policy: elsewhere }), {}],
    ['one whose policy denies it', 'denied', user('alice', { policy: policy({}, { Effect: 'Deny' }) }), {}],
    [
      'one that the bucket policy allows it instead',
      'denied',
      user('alice', { policy: elsewhere }),
      { policy: ofBucket({}) },
    ],
    ['another tenant by its own policy', 'by-object', user('bob', { policy: allow }), {}],
    [
      'another tenant where ACLs are off',
      'denied',
      user('bob', { policy: allow }),
      { objectOwnership: 'BucketOwnerEnforced' },
    ],
    ['another tenant by the bucket policy', 'allowed', user('bob'), { policy: ofBucket({}) }],
    ['another tenant by both', 'allowed', user('bob', { policy: allow }), { policy: ofBucket({}) }],
    [
      'another tenant by a bucket policy for a third',
      'by-object',
      user('bob'),
      { policy: ofBucket({ Principal: { AWS: 'carol' } }) },
    ],
    ['nobody by the bucket policy', 'allowed', ANONYMOUS, { policy: ofBucket({}) }],
    ['the tenant against the bucket policy', 'denied', user('alice'), { policy: ofBucket({ Effect: 'Deny' }) }],
    ['a master key against it', 'allowed', user('master', { master: true }), { policy: ofBucket({ Effect: 'Deny' }) }],
    ['a master key within its policy', 'allowed', user('master', { master: true, policy: allow }), {}],
    ['a master key beyond its policy', 'denied', user('master', { master: true, policy: elsewhere }), {}],
    [
      'a bound master key against the bucket policy',
      'denied',
      user('master', { master: true, policy: allow }),
      { policy: ofBucket({ Effect: 'Deny' }) },
    ],
    [
      'another tenant by tags',
      'by-object',
      user('bob'),
      { policy: ofBucket(TAGGED), objectOwnership: 'BucketOwnerEnforced' },
    ],
    ['the tenant unless tags deny it', 'by-object', user('alice'), { policy: ofBucket({ Effect: 'Deny', ...TAGGED }) }],
    ['the tenant by tags', 'by-object', user('alice', { policy: policy(TAGGED) }), {}],
    ['the tenant under a policy that cannot be read', 'denied', user('alice'), { policy: '{}' }],
    ['a key whose policy cannot be read', 'denied', user('alice', { policy: '{}' }), {}],
    ['a master key whose policy cannot be read', 'denied', user('master', { master: true, policy: '{}' }), {}],
  ])('%s: %s', (_who, verdict, identity, configuration) => {
    expect(decide(factsOf(identity), { ...READ, bucket: bucketWith(configuration) })).toBe(verdict);
  });
});

describe('who may replace a policy that denies everybody everything', () => {
  const bucket = bucketWith({ policy: ofBucket({ Effect: 'Deny' }) });
  const broken = bucketWith({ policy: 'broken' });
  test.each([
    ['the tenant', true, user('alice')],
    ['a master key', true, user('master', { master: true })],
    ['a key of the tenant with a policy', false, user('alice', { policy: policy({}) })],
    ['another tenant', false, user('bob')],
    ['nobody', false, ANONYMOUS],
  ])('%s: %s', (_who, may, identity) => {
    for (const action of ['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy'] as const) {
      for (const each of [bucket, broken]) {
        const verdict = decide(factsOf(identity), { action, bucket: each, key: undefined });
        expect(verdict).toBe(may ? 'allowed' : 'denied');
      }
    }
  });
});

test('tags decide when the object is known', () => {
  const facts = factsOf(user('bob'));
  const bucket = bucketWith({ policy: ofBucket(TAGGED) });
  const read = (tags: readonly Tag[]) =>
    decideByObject(facts, { ...READ, bucket, version: objectOf('alice', { tags }) });
  expect([read([['open', 'yes']]), read([['open', 'no']]), read([['Open', 'yes']]), read([])]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('the tags in a body are asked for, and until they are known nobody is allowed anything by them', () => {
  const Condition = { StringEquals: { 's3:RequestObjectTag/open': 'yes' } };
  const bucket = bucketWith({ policy: ofBucket({ Action: 's3:PutObjectTagging', Condition }) });
  const question = { action: 's3:PutObjectTagging', key: READ.key, bucket, version: objectOf('alice') } as const;
  const facts = factsOf(user('bob'));
  expect(decideByObject(facts, question)).toBe(false);
  expect(decideByObject(facts, { ...question, requestTags: [['open', 'yes']] })).toBe(true);
  expect(decideByObject(facts, { ...question, requestTags: [['open', 'no']] })).toBe(false);
});

test('a master key that acts for a tenant stays within its policy', () => {
  const master = accessKeyOf('master', { master: true, policy: policy({ Action: 's3:ListBucket' }) });
  const facts = factsOf(identityOf(master, { tenant: parseTenantId('alice'), displayName: 'Alice' }));
  expect(decide(facts, { ...READ, bucket: BUCKET })).toBe('denied');
  expect(decide(facts, { action: 's3:ListBucket', bucket: BUCKET, key: undefined })).toBe('allowed');
});

test('creating a bucket hangs on its name, and listing buckets on all of them', () => {
  const facts = factsOf(user('bob', { policy: policy({ Resource: 'arn:aws:s3:::of-bob-*' }) }));
  const create = (bucketName: string) =>
    decide(facts, { action: 's3:CreateBucket', bucket: undefined, bucketName, key: undefined });
  expect([create('of-bob-1'), create('of-alice')]).toEqual(['allowed', 'denied']);
  const acl = new RequestHeaders(['X-Amz-Grant-Read', 'id=carol', 'X-Amz-Object-Ownership', 'ObjectWriter']);
  expect(actionsOnNewBucket(acl)).toEqual(['s3:PutBucketAcl', 's3:PutBucketOwnershipControls']);
  expect(actionsOnNewBucket(new RequestHeaders(['X-Amz-Date', '']))).toEqual([]);
  expect(decide(facts, { action: 's3:ListAllMyBuckets', bucket: undefined, key: undefined })).toBe('denied');
});

test('a key with a policy may nothing that it might not without one, whatever policies and requests there are', () => {
  const order = { denied: 0, 'by-object': 1, allowed: 2 };
  const differences = { narrower: 0, same: 0 };
  const cases = randomCases(1);
  // The random policies are about a bucket `b`.
  const onBucket = (document: object) => JSON.stringify(document).replaceAll(/:::b(?=["/*])/g, `:::${BUCKET.name}`);
  for (let count = 0; count < 2_000; count++) {
    const [{ policy: own, request }, { policy: another }] = [cases.next().value, cases.next().value];
    const statements = own.Statement.map(({ Principal: _, NotPrincipal: __, ...rest }: OracleStatement) => rest);
    const bucket = bucketWith({ policy: onBucket(another), acl: PUBLIC_READ });
    const question = { action: request.action, bucket, key: must(parseObjectKey('a/1')) };
    const options = { master: count % 7 === 0 };
    const tenant = count % 2 === 0 ? 'alice' : 'acme';
    const bound = user(tenant, { ...options, policy: onBucket({ ...own, Statement: statements }) });
    const within = order[decide(factsOf(bound), question)];
    const without = order[decide(factsOf(user(tenant, options)), question)];
    expect(within).toBeLessThanOrEqual(without);
    differences[within === without ? 'same' : 'narrower']++;
  }
  expect(Math.min(differences.narrower, differences.same)).toBeGreaterThan(100);
});

function factsOf(identity: Identity): RequestFacts {
  const headers = new RequestHeaders([]);
  return { identity, headers, query: new QueryParameters([]), sourceIp: '127.0.0.1', isSecure: false, nowMs: 0 };
}

function user(name: string, change: Partial<AccessKey> = {}) {
  return identityOf(accessKeyOf(name, change));
}

function accessKeyOf(name: string, change: Partial<AccessKey> = {}): AccessKey {
  const accessKeyId = must(parseAccessKeyId(name));
  const tenant = parseTenantId(name);
  return { accessKeyId, secret: new Secret(name), tenant, displayName: name, master: false, memberOf: [], ...change };
}

function objectOf(owner: string, attributes: Partial<VersionAttributes> = {}): StoredObject {
  return {
    kind: 'object',
    key: READ.key,
    versionId: parseVersionId('1'),
    lastModifiedMs: 0,
    owner: { tenant: parseTenantId(owner), displayName: owner },
    etag: etagOfMd5(new Uint8Array(16)),
    sizeBytes: 0,
    storageClass: must(parseStorageClass('STANDARD')),
    checksum: undefined,
    headers: {},
    userMetadata: [],
    attributes: { ...DEFAULT_ATTRIBUTES, ...attributes },
    body: { kind: 'inline', bytes: new Uint8Array() },
    attributesRevision: 1,
  };
}
