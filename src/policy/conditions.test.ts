import { expect, test } from 'vitest';
import { matchCondition, parseConditions } from './conditions.ts';
import { everyOf } from './match.ts';
import type { KeyValues, PolicyRequest } from './policy-request.ts';

type Context = Readonly<Record<string, KeyValues>>;

function match(block: object, context: Context): string {
  const json = JSON.parse(JSON.stringify(block));
  const request: PolicyRequest = {
    principal: { kind: 'anonymous' },
    action: 's3:GetObject',
    resource: 'arn:aws:s3:::bucket/key',
    valuesOf: (key) => context[key],
  };
  return everyOf(parseConditions(json, { variables: true }), (condition) => matchCondition(condition, request));
}

const KEYS = 's3:requestobjecttagkeys';
const [NONE, EMPTY] = [{}, { [KEYS]: [] }];
const referer = (value: string) => ({ 'aws:referer': [value] });
const keys = (...names: readonly string[]) => ({ [KEYS]: names });
const address = (value: string) => ({ 'aws:sourceip': [value] });

test.each<[object, Context, 'yes' | 'no' | 'depends']>([
  // A key that is not there.
  [{ StringEquals: { 'aws:Referer': 'a' } }, NONE, 'no'],
  [{ StringNotEquals: { 'aws:Referer': 'a' } }, NONE, 'yes'],
  [{ StringEqualsIfExists: { 'aws:Referer': 'a' } }, NONE, 'yes'],
  [{ StringEqualsIfExists: { 'aws:Referer': 'a' } }, referer('b'), 'no'],
  [{ Null: { 'aws:Referer': 'true' } }, NONE, 'yes'],
  [{ Null: { 'aws:Referer': true } }, referer(''), 'no'],
  [{ Null: { 'aws:Referer': 'false' } }, referer(''), 'yes'],
  // Several values, keys and operators.
  [{ StringEquals: { 'aws:Referer': ['a', 'b'] } }, referer('b'), 'yes'],
  [{ StringNotEquals: { 'aws:Referer': ['a', 'b'] } }, referer('b'), 'no'],
  [{ StringEquals: { 'aws:Referer': 'a', 'aws:UserAgent': 'x' } }, referer('a'), 'no'],
  [{ StringEquals: { 'aws:Referer': 'a' }, StringLike: { 'aws:Referer': 'b' } }, referer('a'), 'no'],
  // Sets, as the tables of the documentation have them.
  [{ 'ForAllValues:StringEquals': { [KEYS]: ['a', 'b'] } }, keys('a', 'b'), 'yes'],
  [{ 'ForAllValues:StringEquals': { [KEYS]: ['a', 'b'] } }, keys('a', 'c'), 'no'],
  [{ 'ForAllValues:StringEquals': { [KEYS]: 'a' } }, NONE, 'yes'],
  [{ 'ForAllValues:StringEquals': { [KEYS]: 'a' } }, EMPTY, 'yes'],
  [{ 'ForAllValues:StringNotEquals': { [KEYS]: ['a', 'b'] } }, keys('c', 'd'), 'yes'],
  [{ 'ForAllValues:StringNotEquals': { [KEYS]: ['a', 'b'] } }, keys('c', 'a'), 'no'],
  [{ 'ForAnyValue:StringEquals': { [KEYS]: ['a', 'b'] } }, keys('c', 'a'), 'yes'],
  [{ 'ForAnyValue:StringEquals': { [KEYS]: ['a', 'b'] } }, keys('c'), 'no'],
  [{ 'ForAnyValue:StringEquals': { [KEYS]: 'a' } }, NONE, 'no'],
  [{ 'ForAnyValue:StringNotEquals': { [KEYS]: ['a', 'b'] } }, keys('a', 'c'), 'yes'],
  [{ 'ForAnyValue:StringNotEquals': { [KEYS]: ['a', 'b'] } }, keys('a', 'b'), 'no'],
  [{ 'ForAnyValue:StringNotEquals': { [KEYS]: 'a' } }, NONE, 'no'],
  // Text.
  [{ StringLike: { 'aws:Referer': 'https://*.example.com/?' } }, referer('https://a.b.example.com/x'), 'yes'],
  [{ StringEquals: { 'aws:Referer': '*' } }, referer('a'), 'no'],
  [{ StringEqualsIgnoreCase: { 'aws:Referer': 'ÄB' } }, referer('äb'), 'yes'],
  [{ StringLike: { 'aws:Referer': `x\${${'*'}}` } }, referer('xy'), 'no'],
  [{ StringLike: { 'aws:Referer': `\${${'aws:username'}}*` } }, referer('a'), 'no'],
  [{ StringNotLike: { 'aws:Referer': `\${${'aws:username'}}*` } }, referer('a'), 'yes'],
  [{ StringLike: { 'aws:Referer': `\${${'aws:username'}}` } }, { ...referer('ab'), 'aws:username': ['a*'] }, 'no'],
  [{ StringLike: { 'aws:Referer': `\${${"aws:username, 'guest'"}}` } }, referer('guest'), 'yes'],
  // Numbers and dates.
  [{ NumericLessThanEquals: { 's3:max-keys': '10' } }, { 's3:max-keys': ['10.0'] }, 'yes'],
  [{ NumericEquals: { 's3:max-keys': 10 } }, { 's3:max-keys': ['0x0a'] }, 'no'],
  [{ NumericNotEquals: { 's3:max-keys': 10 } }, { 's3:max-keys': ['ten'] }, 'yes'],
  [
    { DateGreaterThan: { 'aws:CurrentTime': '2026-01-01' } },
    { 'aws:currenttime': ['2026-01-01T00:00:00.001Z'] },
    'yes',
  ],
  [{ DateLessThan: { 'aws:EpochTime': '2026-01-01T00:00:00Z' } }, { 'aws:epochtime': ['1767225599'] }, 'yes'],
  [{ DateEquals: { 'aws:CurrentTime': '1767225600' } }, { 'aws:currenttime': ['2026-01-01T01:00:00+01:00'] }, 'yes'],
  // Addresses.
  [{ IpAddress: { 'aws:SourceIp': '192.0.2.128/25' } }, address('192.0.2.127'), 'no'],
  [{ IpAddress: { 'aws:SourceIp': '192.0.2.129/25' } }, address('192.0.2.128'), 'yes'],
  [{ NotIpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '2001:db8::/32'] } }, address('2001:db8::1'), 'no'],
  [{ IpAddress: { 'aws:SourceIp': '::/0' } }, address('192.0.2.1'), 'no'],
  [{ IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } }, address('2001:db8::1'), 'no'],
  [{ IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } }, address('unknown'), 'no'],
  // Others.
  [{ Bool: { 'aws:SecureTransport': false } }, { 'aws:securetransport': ['false'] }, 'yes'],
  [{ BinaryEquals: { 'aws:Referer': 'YWI=' } }, referer('ab'), 'yes'],
  [{ ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::a:*' } }, { 'aws:principalarn': ['arn:aws:iam::a:user/K'] }, 'yes'],
  [{ ArnLike: { 'aws:PrincipalArn': 'arn:*:user/K:*:*:*' } }, { 'aws:principalarn': ['arn:aws:iam::a:user/K'] }, 'no'],
  [
    { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::?:user/*' } },
    { 'aws:principalarn': ['arn:aws:iam::a:user/K'] },
    'yes',
  ],
  // What is not known yet.
  [{ StringEquals: { 's3:ExistingObjectTag/a': 'x' } }, { 's3:existingobjecttag/a': 'depends' }, 'depends'],
  [{ Null: { 's3:ExistingObjectTag/a': 'true' } }, { 's3:existingobjecttag/a': 'depends' }, 'depends'],
  [
    { StringEquals: { 's3:ExistingObjectTag/a': 'x', 'aws:Referer': 'a' } },
    { 's3:existingobjecttag/a': 'depends' },
    'no',
  ],
])('%j of a request with %j: %s', (block, context, expected) => {
  expect(match(block, context)).toBe(expected);
});
