import { describe, expect, test, vi } from 'vitest';
import { parseAccessKeyId, parseTenantId } from '../../src/domain/names.ts';
import { S3Error } from '../../src/domain/s3-error.ts';
import { evaluatePolicy } from '../../src/policy/evaluate-policy.ts';
import type { Match } from '../../src/policy/match.ts';
import { parsePolicy } from '../../src/policy/parse-policy.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { KeyValues, PolicyRequest } from '../../src/policy/policy-request.ts';
import { type OraclePolicy, type OracleRequest, verdictOf } from './oracle.ts';
import { type Case, randomCases } from './random-policies.ts';

const CASES = 10_000;
const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? 20_261_126);
const TAG = 's3:existingobjecttag/Team';
/** What a tag may turn out to be; none of the policies can tell any other value from the last. */
const TAG_VALUES = [undefined, 'a', 'A', 'ab', 'a*', 'a?', 'é', 'É', 'K1', 'K2', 'K3', '', 'true', '10', 'other'];

type Evaluator = (policy: OraclePolicy, request: OracleRequest) => string;

// So many requests take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

test(`the evaluator and the oracle agree on ${CASES} random requests`, () => {
  const counts = { allow: 0, deny: 0, neither: 0 };
  const differing = soundCases().filter(({ policy, request }) => {
    const expected = verdictOf(policy, request);
    counts[expected]++;
    return evaluate(policy, request) !== expected;
  });
  expect(differing.slice(0, 1), `seed ${SEED}, ${differing.length} differ`).toEqual([]);
  // Cases that all end the same way would show nothing.
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(CASES / 20);
});

test('what hangs on a tag nobody has looked at is the same whatever the tag, or is said to depend on it', () => {
  const onTags = soundCases().filter(({ policy }) => JSON.stringify(policy).includes('ExistingObjectTag'));
  let dependentCount = 0;
  const differing = onTags.filter(({ policy, request }) => {
    const compiled = compile(policy);
    const said = evaluatePolicy(compiled, policyRequest(request, { [TAG]: 'depends' }));
    if (said.allows === 'depends' || said.denies === 'depends') dependentCount++;
    return !TAG_VALUES.every((value) => {
      const context = new Map(request.context);
      context.delete(TAG);
      if (value !== undefined) context.set(TAG, [value]);
      const known = evaluatePolicy(compiled, policyRequest({ ...request, context }, {}));
      return agree(said.allows, known.allows) && agree(said.denies, known.denies);
    });
  });
  expect(differing.slice(0, 1), `seed ${SEED}, ${differing.length} differ`).toEqual([]);
  expect(dependentCount).toBeGreaterThan(50);
});

/** Evaluators that misread a policy in one way each. */
const BROKEN: readonly (readonly [flaw: string, evaluator: Evaluator])[] = [
  ['lets an allow win over a deny', (policy, request) => verdict(policy, request, { allowFirst: true })],
  ['takes ForAllValues for ForAnyValue', misreading(/ForAllValues:/g, 'ForAnyValue:')],
  ['takes ForAnyValue for ForAllValues', misreading(/ForAnyValue:/g, 'ForAllValues:')],
  ['overlooks quantifiers', misreading(/For(?:AllValues|AnyValue):/g, '')],
  ['overlooks IfExists', misreading(/IfExists/g, '')],
  ['sees IfExists in StringEquals', misreading(/"StringEquals"/g, '"StringEqualsIfExists"')],
  ['takes StringNotLike for StringLike', misreading(/StringNotLike/g, 'StringLike')],
  ['takes StringLike for StringEquals', misreading(/StringLike/g, 'StringEquals')],
  ['takes StringEqualsIgnoreCase for StringEquals', misreading(/EqualsIgnoreCase/g, 'Equals')],
  ['takes NotIpAddress for IpAddress', misreading(/NotIpAddress/g, 'IpAddress')],
  ['takes LessThan for LessThanEquals', misreading(/LessThan"/g, 'LessThanEquals"')],
  ['takes NotAction for Action', misreading(/NotAction/g, 'Action')],
  ['takes NotResource for Resource', misreading(/NotResource/g, 'Resource')],
  ['takes a tenant for everybody', misreading(/"CanonicalUser":"acme"/g, '"AWS":"*"')],
  ['takes a key for its tenant', misreading(/:user\/K1/g, ':root')],
  ['does not know variables', misreading(/2012-10-17/g, '2008-10-17')],
  ['knows variables in the old version', misreading(/2008-10-17/g, '2012-10-17')],
  ['takes a question mark for a star', misreading(/\?/g, '*')],
  ['takes Null the wrong way', misreading(/"true"/g, '"false"')],
];

describe('the oracle catches an evaluator that', () => {
  test.each(BROKEN)('%s', (_flaw, evaluator) => {
    const caught = soundCases().some(
      ({ policy, request }) => evaluator(policy, request) !== verdictOf(policy, request),
    );
    expect(caught).toBe(true);
  });
});

/** Leaves out the policies that a client may not put, such as one with a condition that none of its actions has. */
function soundCases(): readonly Case[] {
  cases ??= Array.from(takeSound(CASES));
  return cases;
}
let cases: readonly Case[] | undefined;

function* takeSound(count: number): Generator<Case> {
  let left = count;
  for (const each of randomCases(SEED)) {
    if (left === 0) return;
    if (!isSound(each.policy)) continue;
    left--;
    yield each;
  }
}

function isSound(policy: OraclePolicy): boolean {
  try {
    compile(policy);
    return true;
  } catch (error) {
    if (error instanceof S3Error && error.message.startsWith('Conditions do not apply')) return false;
    throw error;
  }
}

function compile(policy: OraclePolicy): Policy {
  return parsePolicy(JSON.stringify(policy), 'bucket');
}

function evaluate(policy: OraclePolicy, request: OracleRequest): string {
  return verdict(policy, request, { allowFirst: false });
}

function verdict(policy: OraclePolicy, request: OracleRequest, { allowFirst }: { allowFirst: boolean }): string {
  const { allows, denies } = evaluatePolicy(compile(policy), policyRequest(request, {}));
  if (allows === 'depends' || denies === 'depends') throw new Error('Nothing is left to depend on.');
  if (denies === 'yes' && !(allowFirst && allows === 'yes')) return 'deny';
  return allows === 'yes' ? 'allow' : 'neither';
}

function misreading(pattern: RegExp, replacement: string): Evaluator {
  return (policy, request) => {
    try {
      return evaluate(JSON.parse(JSON.stringify(policy).replace(pattern, replacement)), request);
    } catch (error) {
      if (error instanceof S3Error) return verdictOf(policy, request);
      throw error;
    }
  };
}

function policyRequest(request: OracleRequest, unknown: Readonly<Record<string, KeyValues>>): PolicyRequest {
  const { tenant, accessKeyId, action, resource, context } = request;
  const id = accessKeyId === undefined ? undefined : parseAccessKeyId(accessKeyId);
  return {
    principal:
      tenant === undefined || id === undefined
        ? { kind: 'anonymous' }
        : { kind: 'key', tenant: parseTenantId(tenant), accessKeyId: id },
    action,
    resource,
    valuesOf: (key) => unknown[key] ?? context.get(key),
  };
}

function agree(said: Match, known: Match): boolean {
  return said === 'depends' || said === known;
}
