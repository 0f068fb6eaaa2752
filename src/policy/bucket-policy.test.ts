import { describe, expect, test } from 'vitest';
import { must } from '../../test/support/start-front.ts';
import { parseBucketName } from '../domain/names.ts';
import { isPublicPolicy, requirePolicyOf } from './bucket-policy.ts';
import { parsePolicy } from './parse-policy.ts';

const BUCKET = must(parseBucketName('bucket'));

function policyWith(change: object) {
  const Statement = {
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::bucket/*',
    ...change,
  };
  return parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement }), 'bucket');
}

describe('a policy is public:', () => {
  test.each([
    [true, 'everybody', {}],
    [true, 'everybody, in the other way', { Principal: { AWS: '*' } }],
    [true, 'a tenant and everybody', { Principal: { AWS: ['acme', '*'] } }],
    [false, 'a tenant', { Principal: { AWS: 'acme' } }],
    [false, 'a denial', { Effect: 'Deny' }],
    [false, 'an address', { Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.1' } } }],
    [false, 'a range of the size of /8', { Condition: { IpAddress: { 'aws:SourceIp': '54.0.0.0/8' } } }],
    [true, 'a wider range', { Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/1' } } }],
    [true, 'a range and a wider one', { Condition: { IpAddress: { 'aws:SourceIp': ['54.0.0.0/8', '0.0.0.0/7'] } } }],
    [false, 'a range of version 6', { Condition: { IpAddress: { 'aws:SourceIp': '2001:db8::/32' } } }],
    [true, 'a wider one of version 6', { Condition: { IpAddress: { 'aws:SourceIp': '2001::/31' } } }],
    [true, 'all addresses but some', { Condition: { NotIpAddress: { 'aws:SourceIp': '192.0.2.1' } } }],
    [false, 'a user', { Condition: { StringEquals: { 'aws:userid': 'KEY' } } }],
    [true, 'whoever does not sign', { Condition: { StringEquals: { 'aws:userid': 'anonymous' } } }],
    [true, 'either', { Condition: { StringEqualsIgnoreCase: { 'aws:userid': ['KEY', 'ANONYMOUS'] } } }],
    [true, 'users by a pattern', { Condition: { StringLike: { 'aws:userid': 'KEY*' } } }],
    [true, 'a user by a variable', { Condition: { StringEquals: { 'aws:userid': `\${${'aws:Referer'}}` } } }],
    [true, 'a user, if it has a name', { Condition: { StringEqualsIfExists: { 'aws:userid': 'KEY' } } }],
    [true, 'users, or nobody', { Condition: { 'ForAllValues:StringEquals': { 'aws:username': 'KEY' } } }],
    [
      false,
      'a principal by its ARN',
      { Condition: { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::acme:user/KEY' } } },
    ],
    [true, 'principals by a pattern', { Condition: { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::acme:*' } } }],
    [true, 'a page that links here', { Condition: { StringEquals: { 'aws:Referer': 'https://example.com/' } } }],
    [true, 'a time', { Condition: { DateLessThan: { 'aws:CurrentTime': '2030-01-01' } } }],
    [true, 'the one who is named', { Condition: { Null: { 'aws:username': 'false' } } }],
  ])('%s for %s', (isPublic, _who, change) => {
    expect(isPublicPolicy(policyWith(change))).toBe(isPublic);
  });
});

const INVALID_RESOURCE = 'Policy has invalid resource';
const NOTHING_TO_DO = 'Action does not apply to any resource(s) in statement';

test.each<[string, object, string | undefined]>([
  ['an action of objects on objects', {}, undefined],
  ['an action of the bucket on the bucket', { Action: 's3:ListBucket', Resource: 'arn:aws:s3:::bucket' }, undefined],
  ['any bucket', { Resource: 'arn:aws:s3:::*' }, undefined],
  ['a pattern that reaches the bucket', { Resource: 'arn:aws:s3:::buck*' }, undefined],
  ['a variable for the bucket', { Resource: `arn:aws:s3:::\${${'aws:username'}}/x` }, undefined],
  ['every action on objects alone', { Action: 's3:*' }, undefined],
  ['all but an action', { NotAction: 's3:GetObject', Action: undefined, Resource: 'arn:aws:s3:::bucket' }, undefined],
  ['all but an object', { NotResource: 'arn:aws:s3:::bucket/a', Resource: undefined }, undefined],
  ['another bucket', { Resource: 'arn:aws:s3:::bucket-2/*' }, INVALID_RESOURCE],
  ['another bucket beside it', { Resource: ['arn:aws:s3:::bucket/*', 'arn:aws:s3:::other'] }, INVALID_RESOURCE],
  ['all but another bucket', { NotResource: 'arn:aws:s3:::other', Resource: undefined }, INVALID_RESOURCE],
  ['an action of objects on the bucket', { Resource: 'arn:aws:s3:::bucket' }, NOTHING_TO_DO],
  ['an action of the bucket on objects', { Action: ['s3:GetObject', 's3:ListBucket'] }, NOTHING_TO_DO],
  ['an action on neither', { Action: 's3:ListAllMyBuckets', Resource: 'arn:aws:s3:::*' }, NOTHING_TO_DO],
])('a bucket may have a policy for %s: %j, but for %s', (_because, change, refusal) => {
  const put = () => requirePolicyOf(BUCKET, policyWith(change));
  if (refusal === undefined) expect(put).not.toThrow();
  else expect(put).toThrow(refusal);
});
