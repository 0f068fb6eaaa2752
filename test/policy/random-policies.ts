import type { Action } from '../../src/domain/actions.ts';
import { randomNumbers } from '../history/workload.ts';
import type { OracleCondition, OraclePolicy, OraclePrincipal, OracleRequest, OracleStatement } from './oracle.ts';

/** A policy and a request that may or may not have to do with it. */
export interface Case {
  readonly policy: OraclePolicy;
  readonly request: OracleRequest;
}

const TENANTS = { acme: ['K1', 'K2'], zeta: ['K3'] } as const;
const ACTIONS: readonly Action[] = [
  's3:GetObject',
  's3:PutObject',
  's3:GetObjectTagging',
  's3:DeleteObject',
  's3:ListBucket',
  's3:GetBucketPolicy',
];
const ACTION_PATTERNS = [
  '*',
  's3:*',
  's3:Get*',
  's3:*Object',
  's3:?etObject',
  'S3:GETOBJECT*',
  's3:*t*t*g',
  's3:List*',
];
const RESOURCES = ['b', 'b/a', 'b/a/1', 'b/é', 'b/😀', 'b/K1/x', 'b/K3/y', 'b/a*', 'b/a?', 'b/$', 'other', 'other/a'];
const RESOURCE_PATTERNS = [
  ...[
    '*',
    '*',
    'b',
    'b*',
    'b/*',
    'b/*',
    'b/a',
    'b/a*',
    'b/?',
    'b/??',
    'b/a/?',
    'b/*/*',
    'other/*',
    'b/*1',
    'b/a*a*a*b',
    '?/?',
  ],
  ...[`b/${variable('aws:username')}/*`, `b/${variable("aws:Referer, 'a'")}*`, `b/a${variable('*')}`],
  ...[`b/a${variable('?')}`, `b/${variable('$')}`, `b/${variable('aws:referer')}`],
];
const PRINCIPALS: readonly OraclePrincipal[] = [
  '*',
  { AWS: '*' },
  { AWS: 'acme' },
  { AWS: ['arn:aws:iam::acme:root', 'zeta'] },
  { AWS: 'arn:aws:iam:::user/zeta' },
  { AWS: 'arn:aws:iam::acme:user/K1' },
  { AWS: ['arn:aws:iam::zeta:user/K3', 'arn:aws:iam::acme:user/K2'] },
  { CanonicalUser: 'acme' },
  { AWS: 'acme', CanonicalUser: 'zeta' },
];

const TEXTS = ['a', 'A', 'ab', 'a*', 'a?', 'é', 'É', 'K1', ''];
const NUMBERS = ['5', '10', '-1', '1e1', '10.0', '.5'];
const DATES = ['2026-01-01', '2026-06-15T12:00:00Z', '2026-06-15T14:00:00+02:00', '1781524800', '0'];
const RANGES = ['10.0.0.0/8', '10.1.2.3', '10.1.2.9/29', '0.0.0.0/0', '2001:db8::/32', '2001:db8::1', '::/1'];
const ARNS = [
  'arn:aws:iam::acme:user/K1',
  'arn:aws:iam::*:user/K?',
  'arn:*:iam::zeta:*',
  'arn:aws:*:acme:user/K1:*',
  '*:*:*:*:*:*',
];
const VARIABLES = ['aws:username', "aws:Referer, 'a'", '*', 's3:prefix'].map(variable);
const BINARIES = ['YQ==', 'w6k=', ''];

/** What requests have: the values of each key, of which some are none that an operator could read. */
const CONTEXT: readonly (readonly [key: string, values: readonly string[], many: boolean])[] = [
  ['aws:sourceip', ['10.1.2.3', '10.1.2.14', '192.0.2.1', '2001:db8::1', '2001:db9::', 'unknown'], false],
  ['aws:securetransport', ['true', 'false'], false],
  ['aws:currenttime', ['2026-06-15T12:00:00.000Z', '2025-12-31T23:59:59.999Z'], false],
  ['aws:epochtime', ['1781524800', '10', '5'], false],
  ['aws:referer', [...TEXTS, '10', 'YQ==', '10.1.2.3', 'true'], false],
  ['s3:prefix', TEXTS, false],
  ['s3:max-keys', [...NUMBERS, 'x', '2026-06-15T12:00:00Z'], false],
  ['s3:existingobjecttag/Team', TEXTS, false],
  ['s3:requestobjecttagkeys', TEXTS, true],
];
const CONDITION_KEYS = [
  ...['aws:SourceIp', 'aws:SecureTransport', 'aws:CurrentTime', 'aws:EpochTime', 'aws:Referer', 'AWS:referer'],
  ...['aws:PrincipalArn', 'aws:username', 's3:prefix', 's3:max-keys', 's3:ExistingObjectTag/Team'],
  's3:RequestObjectTagKeys',
];
/** Those that an operator is meant for; in most conditions they are what it is used on. */
const FITTING_KEYS: readonly (readonly [type: string, keys: readonly string[]])[] = [
  ['Numeric', ['s3:max-keys', 'aws:EpochTime']],
  ['Date', ['aws:CurrentTime', 'aws:EpochTime']],
  ['Arn', ['aws:PrincipalArn']],
  ['IpAddress', ['aws:SourceIp']],
  ['Bool', ['aws:SecureTransport']],
  ['String', ['aws:Referer', 's3:prefix', 's3:ExistingObjectTag/Team', 's3:RequestObjectTagKeys', 'aws:username']],
];
const COMPARISONS = ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'];
const OPERATORS: readonly (readonly [operator: string, values: readonly string[]])[] = [
  ...['StringEquals', 'StringNotEquals', 'StringLike', 'StringNotLike'].map(
    (name) => [name, [...TEXTS, ...VARIABLES, 'true', '10']] as const,
  ),
  ...['StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase'].map((name) => [name, [...TEXTS, ...VARIABLES]] as const),
  ...COMPARISONS.map((name) => [`Numeric${name}`, NUMBERS] as const),
  ...COMPARISONS.map((name) => [`Date${name}`, DATES] as const),
  ...['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike'].map((name) => [name, ARNS] as const),
  ['IpAddress', RANGES],
  ['NotIpAddress', RANGES],
  ['Bool', ['true', 'false', 'True']],
  ['BinaryEquals', BINARIES],
];

/** Random policies with random requests, the same ones for the same seed. Everything comes from small pools, so that much of it meets. */
export function* randomCases(seed: number): Generator<Case> {
  const random = randomNumbers(seed);
  const below = (count: number) => Math.floor(random() * count);
  const chance = (share: number) => random() < share;
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)];
    if (item === undefined) throw new Error('There is nothing to pick from.');
    return item;
  };
  const some = <Item>(items: readonly Item[], most: number): Item | readonly Item[] =>
    chance(0.6) ? pick(items) : Array.from({ length: 1 + below(most) }, () => pick(items));

  const condition = (): OracleCondition => {
    const operators: Record<string, Record<string, string | readonly string[]>> = {};
    for (let count = chance(0.8) ? 1 : 2; count > 0; count--) {
      const [base, values] = pick(OPERATORS);
      const isNull = chance(0.05);
      const quantifier = pick(['', '', 'ForAllValues:', 'ForAnyValue:']);
      const name = isNull ? 'Null' : `${quantifier}${base}${chance(0.2) ? 'IfExists' : ''}`;
      const fitting = FITTING_KEYS.find(([type]) => base.includes(type))?.[1] ?? CONDITION_KEYS;
      const keys = Array.from({ length: chance(0.8) ? 1 : 2 }, () => pick(chance(0.8) ? fitting : CONDITION_KEYS));
      operators[name] = Object.fromEntries(keys.map((key) => [key, some(isNull ? ['true', 'false'] : values, 3)]));
    }
    return operators;
  };

  const statement = (): OracleStatement => {
    const Effect = chance(0.5) ? 'Allow' : 'Deny';
    const actions = some(chance(0.5) ? ACTION_PATTERNS : ACTIONS, 3);
    const resources = some(RESOURCE_PATTERNS, 3);
    const arns =
      typeof resources === 'string' ? `arn:aws:s3:::${resources}` : resources.map((text) => `arn:aws:s3:::${text}`);
    const principal = chance(0.25) ? '*' : pick(PRINCIPALS);
    return {
      Effect,
      ...(Effect === 'Deny' && chance(0.3) ? { NotPrincipal: principal } : { Principal: principal }),
      ...(chance(0.2) ? { NotAction: actions } : { Action: actions }),
      ...(chance(0.2) ? { NotResource: arns } : { Resource: arns }),
      ...(chance(0.7) && { Condition: condition() }),
    };
  };

  const request = (): OracleRequest => {
    const tenant = chance(0.2) ? undefined : pick(['acme', 'zeta'] as const);
    const accessKeyId = tenant && pick(TENANTS[tenant]);
    const context = new Map<string, readonly string[]>();
    for (const [key, values, many] of CONTEXT) {
      if (chance(0.2)) continue;
      context.set(
        key,
        Array.from({ length: many ? below(4) : 1 }, () => pick(values)),
      );
    }
    if (tenant !== undefined && accessKeyId !== undefined) {
      context.set('aws:principalarn', [`arn:aws:iam::${tenant}:user/${accessKeyId}`]);
      context.set('aws:username', [accessKeyId]);
    }
    return { tenant, accessKeyId, action: pick(ACTIONS), resource: `arn:aws:s3:::${pick(RESOURCES)}`, context };
  };

  for (;;) {
    const Statement = Array.from({ length: 1 + below(4) }, statement);
    const version = pick(['2012-10-17', '2012-10-17', '2008-10-17', '']);
    yield { policy: { ...(version !== '' && { Version: version }), Statement }, request: request() };
  }
}

function variable(name: string): string {
  return `\${${name}}`;
}
