import { S3Error } from '../../domain/s3-error.ts';

/** Which sizes of the file a policy allows, in bytes, both included. */
export interface SizeRange {
  readonly min: number;
  readonly max: number;
}

/** What a form says, as its policy sees it. */
export interface PolicySubject {
  readonly bucket: string;
  /** By lower-case name, `${filename}` replaced. */
  readonly fields: ReadonlyMap<string, string>;
  readonly nowMs: number;
}

type Condition =
  | { readonly kind: 'eq' | 'starts-with'; readonly field: string; readonly value: string; readonly text: string }
  | ({ readonly kind: 'content-length-range' } & SizeRange);

/** Is always there: without a condition on it, a form could be sent to every bucket of who signed it. */
const BUCKET = 'bucket';
const CONDITIONS_MAX = 200;
const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;
/** Fields that need no condition: what signs cannot be signed, and the policy does not speak of itself. */
const FREE_FIELDS: ReadonlySet<string> = new Set(['awsaccesskeyid', 'file', 'policy', 'signature', 'x-amz-signature']);
/** A checksum of the file says nothing that a policy might want to limit: on AWS it needs a condition, on Ceph none. */
const FREE_PREFIXES = ['x-ignore-', 'x-amz-checksum-'] as const;

/**
 * Holds a form against the policy that came with it, whose signature has been verified. Returns the sizes that the file
 * may have; `undefined`: any.
 *
 * Errors: InvalidPolicyDocument 400 · AccessDenied 403 (expired, a condition that does not hold, a field without one).
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
export function checkPostPolicy(policy: string, subject: PolicySubject): SizeRange | undefined {
  const { expiresAtMs, conditions } = parsePolicy(policy);
  if (subject.nowMs >= expiresAtMs) throw denied('Policy expired.');
  const named = new Set<string>();
  let range: SizeRange | undefined;
  for (const condition of conditions) {
    if (condition.kind === 'content-length-range') {
      range = {
        min: Math.max(range?.min ?? 0, condition.min),
        max: Math.min(range?.max ?? Number.MAX_SAFE_INTEGER, condition.max),
      };
    } else {
      named.add(condition.field);
      if (!holds(condition, subject)) throw denied(`Policy Condition failed: ${condition.text}`);
    }
  }
  for (const field of [BUCKET, ...subject.fields.keys()]) {
    if (named.has(field) || FREE_FIELDS.has(field)) continue;
    if (FREE_PREFIXES.some((prefix) => field.startsWith(prefix))) continue;
    throw denied(`Extra input fields: ${field}`);
  }
  return range;
}

function holds(condition: Exclude<Condition, SizeRange>, { bucket, fields }: PolicySubject): boolean {
  const { kind, field, value } = condition;
  const found = field === BUCKET ? bucket : (fields.get(field) ?? '');
  if (kind === 'eq') return found === value;
  // A list of content types must be one of those that were meant from the first to the last.
  const all = field === 'content-type' && found.includes(',') ? found.split(',').map((type) => type.trim()) : [found];
  return all.every((each) => each.startsWith(value));
}

function parsePolicy(policy: string): { readonly expiresAtMs: number; readonly conditions: readonly Condition[] } {
  const document = parseJson(policy);
  const expiration = document['expiration'];
  if (typeof expiration !== 'string') throw invalid('Policy missing expiration.');
  const expiresAtMs = ISO_DATE.test(expiration) ? Date.parse(expiration) : Number.NaN;
  if (Number.isNaN(expiresAtMs)) throw invalid(`Invalid 'expiration' value: '${expiration.slice(0, 100)}'.`);
  const conditions = document['conditions'];
  if (!Array.isArray(conditions)) throw invalid('Policy missing conditions.');
  if (conditions.length > CONDITIONS_MAX) throw invalid(`A policy has at most ${CONDITIONS_MAX} conditions.`);
  for (const name of Object.keys(document)) {
    if (name !== 'expiration' && name !== 'conditions') throw invalid(`Unexpected: '${name.slice(0, 100)}'.`);
  }
  return { expiresAtMs, conditions: conditions.map(parseCondition) };
}

function parseJson(policy: string): Readonly<Record<string, unknown>> {
  if (!BASE64.test(policy)) throw invalid('It is not encoded in base64.');
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(policy, 'base64')));
  } catch (cause) {
    throw new S3Error('InvalidPolicyDocument', { message: 'Invalid Policy: Invalid JSON.', cause });
  }
  if (isRecord(document)) return document;
  throw invalid('It is not a JSON object.');
}

function parseCondition(condition: unknown): Condition {
  const text = JSON.stringify(condition).slice(0, 200);
  if (Array.isArray(condition)) return parseListCondition(condition, text);
  if (!isRecord(condition)) throw invalid(`Invalid condition: ${text}`);
  const entries = Object.entries(condition);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1)
    throw invalid(`Invalid simple condition: ${text}: it names one field.`);
  const [field, value] = entry;
  if (typeof value !== 'string') throw invalid(`Invalid simple condition: ${text}: its value must be a string.`);
  const shown = JSON.stringify(['eq', `$${field}`, value]);
  return { kind: 'eq', field: field.toLowerCase(), value, text: shown };
}

function parseListCondition(condition: readonly unknown[], text: string): Condition {
  const [operator, first, second, ...others] = condition;
  const kind = typeof operator === 'string' ? operator.toLowerCase() : undefined;
  if (others.length > 0 || second === undefined) throw invalid(`Invalid condition: ${text}: it has three elements.`);
  if (kind === 'content-length-range') {
    const [min, max] = [parseSize(first), parseSize(second)];
    if (min === undefined || max === undefined) throw invalid(`Invalid content-length-range: ${text}`);
    return { kind, min, max };
  }
  if (kind !== 'eq' && kind !== 'starts-with') throw invalid(`Invalid condition: ${text}: unknown operator.`);
  if (typeof first !== 'string' || !first.startsWith('$') || typeof second !== 'string') {
    throw invalid(`Invalid condition: ${text}: it names a field as "$name", and a value.`);
  }
  return { kind, field: first.slice(1).toLowerCase(), value: second, text };
}

function parseSize(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): S3Error {
  return new S3Error('InvalidPolicyDocument', { message: `Invalid Policy: ${message}` });
}

function denied(message: string): S3Error {
  return new S3Error('AccessDenied', { message: `Invalid according to Policy: ${message}` });
}
