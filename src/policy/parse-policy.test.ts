import { describe, expect, test } from 'vitest';
import { ACTIONS } from '../domain/actions.ts';
import { S3Error } from '../domain/s3-error.ts';
import { type PolicyKind, parsePolicy } from './parse-policy.ts';

const STATEMENT = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' };
const { Principal: _, ...OF_A_KEY } = STATEMENT;

function withStatement(change: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: { ...STATEMENT, ...change } });
}

function withCondition(Condition: unknown, change: object = {}): string {
  return withStatement({ Condition, ...change });
}

function variable(name: string): string {
  return `\${${name}}`;
}

function refusalOf(text: string, kind: PolicyKind = 'bucket'): string {
  try {
    parsePolicy(text, kind);
    return 'accepted';
  } catch (error) {
    if (error instanceof S3Error) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const NOT_JSON = "Policies must be valid JSON and the first byte must be '{'";

describe('a policy is refused that', () => {
  test.each([
    ['is no JSON', 'x', NOT_JSON],
    ['does not begin with a brace', ` ${withStatement({})}`, NOT_JSON],
    ['ends early', withStatement({}).slice(0, -1), NOT_JSON],
    ['is nested without end', `{"Id":${'['.repeat(10_000)}`, NOT_JSON],
    ['is a list', '[]', NOT_JSON],
    ['has a field twice', '{"Version":"2012-10-17","Version":"2012-10-17"}', 'The field "Version" stands twice'],
    ['has a field twice, escaped', '{"Version":"2012-10-17","V\\u0065rsion":"x"}', 'The field "Version" stands twice'],
    ['has an unknown field', '{"Statements":[]}', 'Unknown field "Statements"'],
    ['has a field of a prototype', '{"__proto__":{"Statement":[]}}', 'Unknown field "__proto__"'],
    ['has no statement', '{}', 'Missing required field Statement'],
    ['has a list of none', '{"Statement":[]}', 'at least one statement'],
    ['is of an unknown version', '{"Version":"2012-10-18","Statement":[]}', 'valid version string'],
    ['has an Id that is no text', JSON.stringify({ Id: 1, Statement: STATEMENT }), 'Id must be a string'],
    [
      'has a Sid twice',
      JSON.stringify({ Statement: [1, 2].map(() => ({ ...STATEMENT, Sid: 'a' })) }),
      'must be unique',
    ],
    ['has an unknown element', withStatement({ Conditions: {} }), 'Unknown field "Conditions"'],
    ['has an effect in lower case', withStatement({ Effect: 'allow' }), 'Invalid effect: "allow"'],
    ['has an effect that is no text', withStatement({ Effect: { toString: 1 } }), 'Invalid effect: "{'],
    ['has no effect', withStatement({ Effect: undefined }), 'Missing required field Effect'],
    ['has no principal', withStatement({ Principal: undefined }), 'Missing required field Principal'],
    ['allows all but some', withStatement({ Principal: undefined, NotPrincipal: '*' }), 'Allow with NotPrincipal'],
    ['has principals both ways', withStatement({ NotPrincipal: '*' }), 'Principal or NotPrincipal, not both'],
    ['names a service', withStatement({ Principal: { Service: 'x' } }), 'Invalid principal in policy: "Service"'],
    ['names a role', withStatement({ Principal: { AWS: 'arn:aws:iam::a:role/b' } }), 'Invalid principal in policy'],
    ['names nobody', withStatement({ Principal: { AWS: [] } }), 'Invalid principal in policy'],
    ['has a principal of text', withStatement({ Principal: 'bob' }), 'Invalid principal in policy'],
    ['has no action', withStatement({ Action: undefined }), 'Missing required field Action'],
    ['has an unknown action', withStatement({ Action: 's3:GetObjects' }), 'Policy has invalid action: "s3:GetObjects"'],
    ['has an action without end', withStatement({ Action: 's3:*'.padEnd(129, '*') }), 'Policy has invalid action'],
    ['has an action of another service', withStatement({ Action: 'sqs:*' }), 'Policy has invalid action'],
    ['has no resource', withStatement({ Resource: undefined }), 'Missing required field Resource'],
    [
      'has a resource of another service',
      withStatement({ Resource: 'arn:aws:sqs:::b' }),
      'Policy has invalid resource',
    ],
    ['has every resource there is', withStatement({ Resource: '*' }), 'Policy has invalid resource'],
    [
      'has an unknown operator',
      withCondition({ StringIs: { 'aws:Referer': 'x' } }),
      'Invalid Condition type : "StringIs"',
    ],
    ['has Null where it exists', withCondition({ NullIfExists: { 'aws:Referer': 'true' } }), 'Invalid Condition type'],
    ['has Null for any value', withCondition({ 'ForAnyValue:Null': { 'aws:Referer': 'true' } }), 'Invalid Condition'],
    ['has an unknown key', withCondition({ Bool: { 'aws:Secure': true } }), 'invalid condition key: "aws:Secure"'],
    ['has a key of no tag', withCondition({ StringEquals: { 's3:ExistingObjectTag/': 'x' } }), 'invalid condition key'],
    ['has a key without values', withCondition({ StringEquals: { 'aws:Referer': [] } }), 'has no value'],
    ['has a value that is an object', withCondition({ StringEquals: { 'aws:Referer': {} } }), 'must be strings'],
    ['has a number that is none', withCondition({ NumericEquals: { 'aws:EpochTime': '0x10' } }), 'Invalid value'],
    ['has a date that is none', withCondition({ DateLessThan: { 'aws:CurrentTime': 'today' } }), 'Invalid value'],
    ['has a truth that is none', withCondition({ Bool: { 'aws:SecureTransport': 'yes' } }), 'true or false'],
    ['has a wide address', withCondition({ IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } }), 'Invalid IP address'],
    ['has half an address', withCondition({ IpAddress: { 'aws:SourceIp': '10.0/8' } }), 'Invalid IP address'],
    ['has a short ARN', withCondition({ ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam' } }), 'Invalid ARN'],
    [
      'has a variable that is none',
      withStatement({ Resource: `arn:aws:s3:::b/${variable('aws:name')}` }),
      'invalid condition key',
    ],
    [
      'has a variable without end',
      withStatement({ Resource: `arn:aws:s3:::b/${variable('aws:username').slice(0, -1)}` }),
      'is not closed',
    ],
    ['has a condition its actions never meet', withCondition({ StringLike: { 's3:prefix': 'a' } }), 'do not apply'],
  ])('%s', (_because, text, message) => {
    const refusal = refusalOf(text);
    expect(refusal).toMatch(/^MalformedPolicy: /);
    expect(refusal).toContain(message);
  });

  test('is of a key and names a principal', () => {
    expect(refusalOf(withStatement({}), 'identity')).toContain('should not specify a principal');
  });

  test.each(['aws:SourceVpc', 'aws:PrincipalTag/team', 's3:TlsVersion'])('hangs on %s', (key) => {
    expect(refusalOf(withCondition({ StringEquals: { [key]: 'x' } }))).toMatch(
      /^NotImplemented: .*cannot be evaluated/,
    );
  });
});

describe('a policy is accepted that', () => {
  test.each([
    ['has one statement, or no version', 'bucket', JSON.stringify({ Statement: STATEMENT })],
    ['names an action in another case', 'bucket', withStatement({ Action: 'S3:getobject' })],
    ['names every action', 'bucket', withStatement({ Action: '*', Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/*'] })],
    ['names an action that Pithos does not have', 'bucket', withStatement({ Action: 's3:RestoreObject' })],
    ['has values that are numbers or truths', 'bucket', withCondition({ Bool: { 'aws:SecureTransport': false } })],
    [
      'has what looks like a variable, in the old version',
      'bucket',
      JSON.stringify({ Statement: { ...STATEMENT, Resource: `arn:aws:s3:::b/${variable('x').slice(0, -1)}` } }),
    ],
    ['is of a key, for every resource', 'identity', JSON.stringify({ Statement: { ...OF_A_KEY, Resource: '*' } })],
  ] as const)('%s', (_because, kind, text) => {
    expect(refusalOf(text, kind)).toBe('accepted');
  });
});

test('statements may share an empty Sid, which is none', () => {
  const statements = [1, 2].map(() => ({ ...STATEMENT, Sid: '' }));
  expect(refusalOf(JSON.stringify({ Statement: statements }))).toBe('accepted');
});

test('every action that there is can be named, and is named once', () => {
  const text = withStatement({ Action: ACTIONS, Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/*'] });
  const [statement] = parsePolicy(text, 'bucket').statements;
  expect(statement?.actions.patterns).toEqual(ACTIONS.map((action) => [action]));
  expect(new Set(ACTIONS).size).toBe(ACTIONS.length);
});
