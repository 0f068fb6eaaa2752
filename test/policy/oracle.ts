import type { Action } from '../../src/domain/actions.ts';

/**
 * A second evaluator of policies, written from the words of the documentation and sharing no code with `src/policy`: it
 * reads the document again for each request, turns patterns into regular expressions and addresses into big numbers.
 * It knows documents that are sound, and nothing else.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html and the pages below it
 */

/** A request by its values; a key of the context that is not there is absent. */
export interface OracleRequest {
  readonly tenant: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly action: Action;
  readonly resource: string;
  /** By condition keys in lower case. */
  readonly context: ReadonlyMap<string, readonly string[]>;
}

export interface OracleStatement {
  readonly Effect: string;
  readonly Principal?: OraclePrincipal;
  readonly NotPrincipal?: OraclePrincipal;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: OracleCondition;
}

export type OraclePrincipal = string | Readonly<Record<string, string | readonly string[]>>;
export type OracleCondition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface OraclePolicy {
  readonly Version?: string;
  readonly Statement: readonly OracleStatement[];
}

/** "An explicit deny in any policy overrides any allows", and by default all requests are denied. */
export function verdictOf(policy: OraclePolicy, request: OracleRequest): 'deny' | 'allow' | 'neither' {
  const usesVariables = policy.Version === '2012-10-17';
  const effects = policy.Statement.filter((statement) => applies(statement, request, usesVariables)).map(
    ({ Effect }) => Effect,
  );
  if (effects.includes('Deny')) return 'deny';
  return effects.includes('Allow') ? 'allow' : 'neither';
}

function applies(statement: OracleStatement, request: OracleRequest, usesVariables: boolean): boolean {
  return (
    principalApplies(statement, request) &&
    actionApplies(statement, request) &&
    resourceApplies(statement, request, usesVariables) &&
    conditionApplies(statement.Condition ?? {}, request, usesVariables)
  );
}

function principalApplies({ Principal, NotPrincipal }: OracleStatement, request: OracleRequest): boolean {
  if (NotPrincipal !== undefined) return !isNamed(NotPrincipal, request);
  return Principal === undefined || isNamed(Principal, request);
}

function isNamed(principal: OraclePrincipal, { tenant, accessKeyId }: OracleRequest): boolean {
  if (typeof principal === 'string') return principal === '*';
  const aws = listOf(principal['AWS'] ?? []);
  if (aws.includes('*')) return true;
  if (tenant === undefined) return false;
  const names = [
    tenant,
    `arn:aws:iam::${tenant}:root`,
    `arn:aws:iam:::user/${tenant}`,
    `arn:aws:iam::${tenant}:user/${accessKeyId}`,
  ];
  return aws.some((name) => names.includes(name)) || listOf(principal['CanonicalUser'] ?? []).includes(tenant);
}

function actionApplies({ Action, NotAction }: OracleStatement, { action }: OracleRequest): boolean {
  const matches = (pattern: string) => wildcard(pattern.toLowerCase()).test(action.toLowerCase());
  return NotAction === undefined ? listOf(Action ?? []).some(matches) : !listOf(NotAction).some(matches);
}

function resourceApplies(
  { Resource, NotResource }: OracleStatement,
  request: OracleRequest,
  usesVariables: boolean,
): boolean {
  const patterns = listOf(NotResource ?? Resource ?? []).map((text) => pattern(text, request, { usesVariables }));
  if (NotResource === undefined) return patterns.some((each) => each?.test(request.resource));
  return !patterns.includes(undefined) && !patterns.some((each) => each?.test(request.resource));
}

/** "If your policy has multiple condition operators or multiple keys, they are evaluated using a logical AND." */
function conditionApplies(condition: OracleCondition, request: OracleRequest, usesVariables: boolean): boolean {
  for (const [operator, keys] of Object.entries(condition)) {
    for (const [key, values] of Object.entries(keys)) {
      if (!keyApplies(operator, { key, values: listOf(values) }, request, usesVariables)) return false;
    }
  }
  return true;
}

function keyApplies(
  operator: string,
  { key, values }: { key: string; values: readonly string[] },
  request: OracleRequest,
  usesVariables: boolean,
): boolean {
  const name = key.startsWith('s3:ExistingObjectTag/') ? key : key.toLowerCase();
  const found = request.context.get(name.replace('s3:ExistingObjectTag/', 's3:existingobjecttag/'));
  if (operator === 'Null') return values.includes(String(found === undefined));
  const plain = operator.replace(/^For(All|Any)(Values|Value):/, '').replace(/IfExists$/, '');
  const isNegated = plain.includes('Not');
  const compare = plain.replace('Not', '');
  const one = (value: string) => values.some((text) => compares(compare, { value, text }, request, usesVariables));
  if (found === undefined || found.length === 0) {
    if (operator.endsWith('IfExists')) return true;
    if (operator.startsWith('ForAllValues:')) return true;
    if (operator.startsWith('ForAnyValue:')) return false;
    return isNegated;
  }
  const holds = found.map((value) => (isNegated ? !one(value) : one(value)));
  if (operator.startsWith('ForAllValues:')) return !holds.includes(false);
  if (operator.startsWith('ForAnyValue:')) return holds.includes(true);
  // A key of many values, without a quantifier: one must match; of a negated operator none may.
  return isNegated ? !found.some(one) : found.some(one);
}

function compares(
  operator: string,
  { value, text }: { value: string; text: string },
  request: OracleRequest,
  usesVariables: boolean,
): boolean {
  const like = (options: { isLiteral?: boolean; flags?: string } = {}) =>
    pattern(text, request, { usesVariables, ...options })?.test(value) ?? false;
  switch (operator) {
    case 'StringEquals':
      return like({ isLiteral: true });
    case 'StringEqualsIgnoreCase':
      return like({ isLiteral: true, flags: 'i' });
    case 'StringLike':
      return like();
    case 'Bool':
      return value.toLowerCase() === text.toLowerCase();
    case 'BinaryEquals':
      return Buffer.from(value).toString('base64') === text;
    case 'IpAddress':
      return isInRange(value, text);
    case 'ArnEquals':
    case 'ArnLike':
      return isArnLike(value, text);
    default:
      return comparesNumbers(operator, value, text);
  }
}

function comparesNumbers(operator: string, value: string, text: string): boolean {
  const isDate = operator.startsWith('Date');
  const [left, right] = [value, text].map((each) => {
    const isNumber = each.trim() !== '' && !Number.isNaN(Number(each));
    if (!isDate) return isNumber ? Number(each) : Number.NaN;
    return isNumber ? Number(each) * 1000 : new Date(each).getTime();
  }) as [number, number];
  switch (operator.replace(/^(Date|Numeric)/, '')) {
    case 'Equals':
      return left === right;
    case 'LessThan':
      return left < right;
    case 'LessThanEquals':
      return left <= right;
    case 'GreaterThan':
      return left > right;
    case 'GreaterThanEquals':
      return left >= right;
    default:
      throw new Error(`The oracle does not know ${operator}.`);
  }
}

/** The text as a regular expression, its variables replaced; `undefined` where one has no value. */
function pattern(
  text: string,
  request: OracleRequest,
  { usesVariables, isLiteral = false, flags = '' }: { usesVariables: boolean; isLiteral?: boolean; flags?: string },
): RegExp | undefined {
  let isUnresolved = false;
  const source = text.replace(/\$\{([^}]*)\}|[\s\S]/gu, (part: string, inside: string | undefined) => {
    if (inside !== undefined && usesVariables) {
      if (['*', '?', '$'].includes(inside)) return escaped(inside);
      const [name = '', otherwise] = inside.split(/,\s*/);
      const value = request.context.get(name.trim().toLowerCase())?.[0] ?? otherwise?.replaceAll("'", '');
      if (value === undefined) isUnresolved = true;
      return escaped(value ?? '');
    }
    if (inside !== undefined) return [...part].map((sign) => single(sign, isLiteral)).join('');
    return single(part, isLiteral);
  });
  return isUnresolved ? undefined : new RegExp(`^${source}$`, `us${flags}`);
}

function wildcard(text: string): RegExp {
  return new RegExp(`^${[...text].map((sign) => single(sign, false)).join('')}$`, 'us');
}

function single(sign: string, isLiteral: boolean): string {
  if (isLiteral) return escaped(sign);
  if (sign === '*') return '.*';
  return sign === '?' ? '.' : escaped(sign);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** "Each of the six colon-delimited components of the ARN is checked separately and each can include a wildcard." */
function isArnLike(value: string, text: string): boolean {
  const [values, texts] = [value.split(':'), text.split(':')];
  if (values.length < 6) return false;
  for (let part = 0; part < 5; part++) {
    if (!wildcard(texts[part] ?? '').test(values[part] ?? '')) return false;
  }
  return wildcard(texts.slice(5).join(':')).test(values.slice(5).join(':'));
}

function isInRange(value: string, range: string): boolean {
  const [network = '', bits] = range.split('/');
  const [address, base] = [numberOf(value), numberOf(network)];
  if (address === undefined || base === undefined || address.width !== base.width) return false;
  const rest = BigInt(address.width - Number(bits ?? address.width));
  return address.number >> rest === base.number >> rest;
}

function numberOf(address: string): { readonly number: bigint; readonly width: number } | undefined {
  if (/^\d+(\.\d+){3}$/.test(address)) {
    const number = address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
    return { number, width: 32 };
  }
  if (!/^[0-9a-f:]*:[0-9a-f:]*$/.test(address)) return undefined;
  const [head = '', tail = ''] = address.split('::');
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'));
  const zeros = Array.from({ length: 8 - groupsOf(head).length - groupsOf(tail).length }, () => '0');
  const groups = address.includes('::') ? [...groupsOf(head), ...zeros, ...groupsOf(tail)] : groupsOf(address);
  return { number: groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n), width: 128 };
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
