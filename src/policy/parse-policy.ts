import { ACTIONS } from '../domain/actions.ts';
import { hasConditionKey } from './condition-keys.ts';
import { type Condition, parseConditions } from './conditions.ts';
import { canBeginWith } from './glob.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from './json-object.ts';
import { malformedPolicy, quoted } from './malformed-policy.ts';
import { POLICY_BYTES_MAX, type Policy, type SelectedActions, type Selection, type Statement } from './policy.ts';
import { S3_ARN } from './policy-request.ts';
import { type Principals, parsePrincipals } from './principals.ts';
import { actionsMatching } from './s3-actions.ts';
import { globOf, parseTemplate, type Template, widen } from './template.ts';

/** `bucket`: says whom it is about. `identity`: is about the key that has it. */
export type PolicyKind = 'bucket' | 'identity';

const POLICY_FIELDS = ['Version', 'Id', 'Statement'];
const STATEMENT_FIELDS = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];
/** Longest pattern of actions, in UTF-16 units: twice the longest name. Each is held against every action. */
const ACTION_UNITS_MAX = 128;
/** Each is as long as a client makes it in each request. */
const VARIABLES_MAX = 100;
/** The version that has policy variables; without one the older holds. */
const VERSION_WITH_VARIABLES = '2012-10-17';
const VERSIONS: readonly (Json | undefined)[] = [undefined, '2008-10-17', VERSION_WITH_VARIABLES];

/**
 * Reads a policy, strictly: whatever cannot be understood or evaluated is refused, never ignored.
 *
 * Errors: MalformedPolicy 400 · NotImplemented 501 for a condition key that Pithos cannot evaluate.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export function parsePolicy(text: string, kind: PolicyKind): Policy {
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX) {
    throw malformedPolicy(`Policy exceeds the maximum allowed document size of ${POLICY_BYTES_MAX} bytes.`);
  }
  const document = parseJsonObject(text);
  requireFields(document, POLICY_FIELDS);
  const { Version: version, Id: id, Statement: statement } = document;
  if (!VERSIONS.includes(version)) throw malformedPolicy('The policy must contain a valid version string');
  requireString('Id', id);
  if (statement === undefined) throw malformedPolicy('Missing required field Statement');
  const list = Array.isArray(statement) ? statement : [statement];
  if (list.length === 0) throw malformedPolicy('The policy must have at least one statement.');
  requireUniqueSids(list);
  const variables = version === VERSION_WITH_VARIABLES;
  if (variables && text.split('${').length - 1 > VARIABLES_MAX) {
    throw malformedPolicy(`A policy has at most ${VARIABLES_MAX} policy variables.`);
  }
  return { statements: list.map((each) => parseStatement(each, { kind, variables })) };
}

function parseStatement(value: Json, options: { kind: PolicyKind; variables: boolean }): Statement {
  if (!isJsonObject(value)) throw malformedPolicy('A statement must be an object.');
  requireFields(value, STATEMENT_FIELDS);
  const { Effect: effect } = value;
  if (effect === undefined) throw malformedPolicy('Missing required field Effect');
  if (effect !== 'Allow' && effect !== 'Deny') throw malformedPolicy(`Invalid effect: ${quoted(textOf(effect))}`);
  const actions = parseActions(value);
  const conditions = parseConditions(value['Condition'], options);
  requireApplicable(conditions, actions);
  return {
    effect,
    principals: parsePrincipal(value, { effect, kind: options.kind }),
    actions,
    resources: parseResources(value, options),
    conditions,
  };
}

function parsePrincipal(
  statement: JsonObject,
  { effect, kind }: { effect: Statement['effect']; kind: PolicyKind },
): Selection<Principals> | undefined {
  const found = eitherOf(statement, 'Principal');
  if (kind === 'identity') {
    if (found === undefined) return undefined;
    throw malformedPolicy('Policy document should not specify a principal.');
  }
  if (found === undefined) throw malformedPolicy('Missing required field Principal');
  if (found.excludes && effect === 'Allow') {
    throw malformedPolicy('Allow with NotPrincipal is not allowed: name whom to allow in Principal.');
  }
  return { excludes: found.excludes, named: parsePrincipals(found.value) };
}

function parseActions(statement: JsonObject): SelectedActions {
  const found = eitherOf(statement, 'Action');
  if (found === undefined) throw malformedPolicy('Missing required field Action');
  const patterns = textsOf('Action', found.value).map((text) => {
    const actions = text.length > ACTION_UNITS_MAX ? [] : actionsMatching(globOf(text.toLowerCase()));
    if (actions.length === 0) throw malformedPolicy(`Policy has invalid action: ${quoted(text)}`);
    return actions;
  });
  return { excludes: found.excludes, named: new Set(patterns.flat()), patterns };
}

function parseResources(statement: JsonObject, options: { kind: PolicyKind; variables: boolean }) {
  const found = eitherOf(statement, 'Resource');
  if (found === undefined) throw malformedPolicy('Missing required field Resource');
  const named = textsOf('Resource', found.value).map((text) => parseResource(text, options));
  return { excludes: found.excludes, named };
}

function parseResource(text: string, { kind, variables }: { kind: PolicyKind; variables: boolean }): Template {
  const template = parseTemplate(text, { wildcards: true, variables });
  const isAll = text === '*' && kind === 'identity';
  if (isAll || (text.startsWith('arn:') && canBeginWith(widen(template), S3_ARN))) return template;
  throw malformedPolicy(`Policy has invalid resource: ${quoted(text)}`);
}

/** A condition on what no request for the statement's actions has would never hold, or always. */
function requireApplicable(conditions: readonly Condition[], { excludes, named }: Statement['actions']): void {
  const actions = ACTIONS.filter((action) => named.has(action) !== excludes);
  for (const { key } of conditions) {
    if (actions.some((action) => hasConditionKey(action, key))) continue;
    throw malformedPolicy(
      `Conditions do not apply to combination of actions and resources in statement: no action of it has ${quoted(key)}.`,
    );
  }
}

/** The element `name` or `Not` with it; both are one too many. */
function eitherOf(statement: JsonObject, name: string): { excludes: boolean; value: Json } | undefined {
  const value = statement[name];
  const excluded = statement[`Not${name}`];
  if (value !== undefined && excluded !== undefined) {
    throw malformedPolicy(`A statement has ${name} or Not${name}, not both.`);
  }
  if (value !== undefined) return { excludes: false, value };
  return excluded === undefined ? undefined : { excludes: true, value: excluded };
}

function textsOf(name: string, value: Json): readonly string[] {
  const texts = Array.isArray(value) ? value : [value];
  if (texts.length === 0) throw malformedPolicy(`${name} must not be empty.`);
  return texts.map((text) => {
    if (typeof text !== 'string') throw malformedPolicy(`${name} must be a string or a list of strings.`);
    return text;
  });
}

/** Text of a client's for a message: JSON unless it is a string. */
function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function requireFields(object: JsonObject, known: readonly string[]): void {
  for (const name of Object.keys(object)) {
    if (!known.includes(name)) throw malformedPolicy(`Unknown field ${quoted(name)} in the policy.`);
  }
}

function requireUniqueSids(statements: readonly Json[]): void {
  const seen = new Set<Json>();
  for (const statement of statements) {
    const sid = isJsonObject(statement) ? statement['Sid'] : undefined;
    requireString('Sid', sid);
    // Clients of MinIO's library write an empty one into every statement that has no id.
    if (sid === undefined || sid === '') continue;
    if (seen.has(sid)) throw malformedPolicy('Statement IDs (SID) in a single policy must be unique.');
    seen.add(sid);
  }
}

function requireString(name: string, value: Json | undefined): void {
  if (value !== undefined && typeof value !== 'string') throw malformedPolicy(`${name} must be a string.`);
}
