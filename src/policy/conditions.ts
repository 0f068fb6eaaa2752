import { COPY_SOURCE, parseConditionKey } from './condition-keys.ts';
import { isJsonObject, type Json, type JsonObject } from './json-object.ts';
import { malformedPolicy, quoted } from './malformed-policy.ts';
import { everyOf, type Match, matchIf, not, someOf } from './match.ts';
import { type Expected, findOperator } from './operators.ts';
import type { ConditionContext } from './policy-request.ts';

/** One key of one operator in a `Condition` block. */
export interface Condition {
  /** As `parseConditionKey` gives it. */
  readonly key: string;
  readonly test: Test;
}

type Test =
  | { readonly kind: 'null'; readonly mustBeAbsent: readonly boolean[] }
  | {
      readonly kind: 'values';
      readonly quantifier: Quantifier;
      readonly ifExists: boolean;
      readonly negated: boolean;
      readonly expected: readonly Expected[];
    };

type Quantifier = 'ForAllValues' | 'ForAnyValue' | undefined;

const OPERATOR = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

/**
 * The `Condition` block of a statement.
 * Errors: MalformedPolicy 400 · NotImplemented 501.
 */
export function parseConditions(block: Json | undefined, options: { readonly variables: boolean }): Condition[] {
  if (block === undefined) return [];
  if (!isJsonObject(block)) throw malformedPolicy('Condition must be an object of operators.');
  return Object.entries(block).flatMap(([operator, keys]) => {
    if (!isJsonObject(keys)) throw malformedPolicy(`The condition ${quoted(operator)} must be an object of keys.`);
    return parseOperator(operator, keys, options);
  });
}

/**
 * Whether a request satisfies a condition.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html,
 *   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
export function matchCondition({ key, test }: Condition, request: ConditionContext): Match {
  const values = request.valuesOf(key);
  if (values === 'depends') return 'depends';
  if (test.kind === 'null') return matchIf(test.mustBeAbsent.includes(values === undefined));
  const { quantifier, ifExists, negated, expected } = test;
  const isAbsent = values === undefined || values.length === 0;
  if (isAbsent) {
    if (ifExists || quantifier === 'ForAllValues') return 'yes';
    return matchIf(negated && quantifier === undefined);
  }
  const satisfies = (value: string): Match => {
    const match = someOf(expected, (candidate) => candidate.matches(value, request));
    return negated ? not(match) : match;
  };
  // Of a key with many values and no quantifier, none may match what is negated.
  const all = quantifier === 'ForAllValues' || (quantifier === undefined && negated);
  return all ? everyOf(values, satisfies) : someOf(values, satisfies);
}

/** Whether the condition holds for requests with one of some fixed values alone. */
export function limitsToFixedValues({ test }: Condition): boolean {
  if (test.kind === 'null' || test.negated || test.ifExists || test.quantifier === 'ForAllValues') return false;
  return test.expected.every(({ isFixed }) => isFixed);
}

function parseOperator(name: string, keys: JsonObject, options: { readonly variables: boolean }): Condition[] {
  const [, quantifier, base = '', ifExists] = OPERATOR.exec(name) ?? [];
  const operator = findOperator(base);
  const isNull = name === 'Null';
  if (operator === undefined && !isNull) throw malformedPolicy(`Invalid Condition type : ${quoted(name)}`);
  return Object.entries(keys).map(([keyName, value]) => {
    const key = parseConditionKey(keyName);
    const texts = valuesOf(keyName, value).map((text) => (key === COPY_SOURCE ? text.replace(/^\//, '') : text));
    if (operator === undefined) return { key, test: { kind: 'null', mustBeAbsent: texts.map(parseNull) } };
    return {
      key,
      test: {
        kind: 'values',
        quantifier: quantifier === 'ForAllValues' || quantifier === 'ForAnyValue' ? quantifier : undefined,
        ifExists: ifExists !== undefined,
        negated: operator.negated,
        expected: texts.map((text) => operator.parse(text, options)),
      },
    };
  });
}

function valuesOf(key: string, value: Json): readonly string[] {
  const values = Array.isArray(value) ? value : [value];
  if (values.length === 0) throw malformedPolicy(`The condition key ${quoted(key)} has no value.`);
  return values.map((each) => {
    if (typeof each === 'string' || typeof each === 'number' || typeof each === 'boolean') return String(each);
    throw malformedPolicy(`The values of the condition key ${quoted(key)} must be strings.`);
  });
}

function parseNull(text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw malformedPolicy(`A Null condition takes true or false, not ${quoted(text)}`);
}
