import { expect, test } from 'vitest';
import { bucketOf, must } from '../../test/support/start-front.ts';
import type { Identity } from '../domain/identity.ts';
import { parseAccessKeyId, parseBucketName, parseObjectKey, parseTenantId } from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import { ANONYMOUS, identityOf } from '../http/auth/make-identity.ts';
import { type QueryPair, QueryParameters, RequestHeaders } from '../http/parameters.ts';
import { parseConditionKey } from '../policy/condition-keys.ts';
import type { RequestFacts } from './access.ts';
import { policyRequest, type RequestedAccess } from './condition-values.ts';

const NOW_MS = Date.UTC(2026, 5, 15, 12, 0, 0);
const BUCKET = bucketOf(must(parseBucketName('alices-bucket')), 'alice');
const KEY = must(parseObjectKey('a/key'));
const BOB = identityOf({
  accessKeyId: must(parseAccessKeyId('BOBKEY')),
  secret: new Secret('secret'),
  tenant: parseTenantId('bob'),
  displayName: 'Bob',
  master: false,
  memberOf: [],
});

interface Request {
  readonly formSignature?: RequestFacts['formSignature'];
  readonly identity?: Identity;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: readonly QueryPair[];
  readonly sourceIp?: string;
}

function factsOf({
  identity = BOB,
  headers = {},
  query = [],
  sourceIp = '192.0.2.1',
  formSignature,
}: Request): RequestFacts {
  return {
    identity,
    headers: new RequestHeaders(Object.entries(headers).flat()),
    query: new QueryParameters(query),
    sourceIp,
    isSecure: true,
    nowMs: NOW_MS,
    formSignature,
  };
}

function valuesOf(key: string, request: Request, access: Partial<RequestedAccess>) {
  const asked: RequestedAccess = { action: 's3:GetObject', bucket: BUCKET, key: KEY, ...access };
  return policyRequest(factsOf(request), asked).valuesOf(parseConditionKey(key));
}

const PUT: Partial<RequestedAccess> = { action: 's3:PutObject' };
const LIST: Partial<RequestedAccess> = { action: 's3:ListBucket', key: undefined };

test.each<[string, Request, Partial<RequestedAccess>, readonly string[] | 'depends' | undefined]>([
  ['aws:CurrentTime', {}, {}, ['2026-06-15T12:00:00.000Z']],
  ['aws:EpochTime', {}, {}, ['1781524800']],
  ['aws:SourceIp', {}, {}, ['192.0.2.1']],
  ['aws:SourceIp', { sourceIp: '::ffff:192.0.2.1' }, {}, ['192.0.2.1']],
  ['aws:SourceIp', { sourceIp: 'fe80::1%eth0' }, {}, ['fe80::1']],
  ['aws:SecureTransport', {}, {}, ['true']],
  ['aws:UserAgent', { headers: { 'User-Agent': 'aws-cli' } }, {}, ['aws-cli']],
  ['aws:Referer', {}, {}, undefined],
  ['aws:PrincipalArn', {}, {}, ['arn:aws:iam::bob:user/BOBKEY']],
  ['aws:PrincipalArn', { identity: ANONYMOUS }, {}, undefined],
  ['aws:PrincipalAccount', {}, {}, ['bob']],
  ['aws:PrincipalType', {}, {}, ['User']],
  ['aws:PrincipalType', { identity: ANONYMOUS }, {}, ['Anonymous']],
  ['aws:username', {}, {}, ['BOBKEY']],
  ['aws:userid', { identity: ANONYMOUS }, {}, ['anonymous']],
  ['aws:ResourceAccount', {}, {}, ['alice']],
  ['s3:ResourceAccount', {}, { bucket: undefined, action: 's3:CreateBucket' }, ['bob']],
  ['s3:prefix', { query: [['prefix', 'a/']] }, LIST, ['a/']],
  ['s3:prefix', { query: [['prefix', '']] }, LIST, ['']],
  ['s3:prefix', {}, LIST, undefined],
  ['s3:prefix', {}, { ...LIST, prefix: 'a/key' }, ['a/key']],
  ['s3:prefix', { query: [['prefix', 'a/']] }, {}, undefined],
  ['s3:max-keys', { query: [['max-keys', '5']] }, LIST, ['5']],
  ['s3:VersionId', { query: [['versionId', 'v']] }, { action: 's3:GetObjectVersion' }, ['v']],
  ['s3:VersionId', {}, { action: 's3:DeleteObjectVersion', versionId: 'v' }, ['v']],
  [
    's3:VersionId',
    { headers: { 'x-amz-copy-source': 'b/k?versionId=%76' } },
    { action: 's3:GetObjectVersion' },
    undefined,
  ],
  ['s3:VersionId', { query: [['versionId', 'v']] }, {}, undefined],
  ['s3:x-amz-acl', { headers: { 'x-amz-acl': 'public-read' } }, PUT, ['public-read']],
  ['s3:x-amz-acl', { headers: { 'x-amz-acl': 'public-read' } }, {}, undefined],
  ['s3:x-amz-grant-full-control', { headers: { 'x-amz-grant-full-control': 'id=bob' } }, PUT, ['id=bob']],
  ['s3:x-amz-copy-source', { headers: { 'x-amz-copy-source': '/b/%6Bey?versionId=v' } }, PUT, ['b/key']],
  ['s3:x-amz-copy-source', { headers: { 'x-amz-copy-source': 'b/%' } }, PUT, ['b/%']],
  ['s3:if-none-match', { headers: { 'if-none-match': '*' } }, PUT, ['*']],
  ['s3:ExistingObjectTag/a', {}, {}, 'depends'],
  ['s3:ExistingObjectTag/a', {}, PUT, undefined],
  ['s3:RequestObjectTag/a', { headers: { 'x-amz-tagging': 'a=1&b=2' } }, PUT, ['1']],
  ['s3:RequestObjectTag/A', { headers: { 'x-amz-tagging': 'a=1&b=2' } }, PUT, undefined],
  ['s3:RequestObjectTagKeys', { headers: { 'x-amz-tagging': 'a=1&b=2' } }, PUT, ['a', 'b']],
  ['s3:RequestObjectTagKeys', { headers: { 'x-amz-tagging': 'a=1&a=2' } }, PUT, undefined],
  ['s3:RequestObjectTag/a', { headers: { 'x-amz-tagging': 'a=1' } }, { action: 's3:PutObjectTagging' }, 'depends'],
  ['s3:RequestObjectTag/a', {}, { action: 's3:PutObjectTagging', requestTags: [['a', '2']] }, ['2']],
  ['s3:authType', { headers: { Authorization: 'AWS4-HMAC-SHA256 …' } }, {}, ['REST-HEADER']],
  ['s3:authType', { query: [['X-Amz-Signature', 'x']] }, {}, ['REST-QUERY-STRING']],
  ['s3:authType', { formSignature: 'v4' }, {}, ['POST']],
  ['s3:signatureversion', { formSignature: 'v4' }, {}, ['AWS4-HMAC-SHA256']],
  ['s3:signatureversion', { formSignature: 'v2' }, {}, ['AWS']],
  ['s3:authType', { identity: ANONYMOUS }, {}, undefined],
  ['s3:signatureversion', { headers: { Authorization: 'AWS4-HMAC-SHA256 …' } }, {}, ['AWS4-HMAC-SHA256']],
  ['s3:signatureversion', { headers: { Authorization: 'AWS BOBKEY:x' } }, {}, ['AWS']],
  ['s3:signatureversion', { query: [['Signature', 'x']] }, {}, ['AWS']],
  ['s3:signatureAge', { query: [['X-Amz-Date', '20260615T115950Z']] }, {}, ['10000']],
  ['s3:signatureAge', { headers: { Date: 'Mon, 15 Jun 2026 11:59:59 GMT' } }, {}, ['1000']],
  [
    's3:signatureAge',
    { query: [['Signature', 'x']], headers: { Date: 'Mon, 15 Jun 2026 11:59:59 GMT' } },
    {},
    undefined,
  ],
  ['s3:signatureAge', {}, {}, undefined],
])('%s of %j, done to %j, is %j', (key, request, access, values) => {
  expect(valuesOf(key, request, access)).toEqual(values);
});

test.each<[Partial<RequestedAccess>, string]>([
  [{}, 'arn:aws:s3:::alices-bucket/a/key'],
  [{ key: undefined }, 'arn:aws:s3:::alices-bucket'],
  [{ bucket: undefined, bucketName: 'new', key: undefined }, 'arn:aws:s3:::new'],
  [{ bucket: undefined, key: undefined }, 'arn:aws:s3:::*'],
])('what is done to %j is done to %s', (access, resource) => {
  const asked: RequestedAccess = { action: 's3:GetObject', bucket: BUCKET, key: KEY, ...access };
  expect(policyRequest(factsOf({}), asked).resource).toBe(resource);
});
