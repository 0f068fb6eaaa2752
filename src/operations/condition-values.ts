import type { Action } from '../domain/actions.ts';
import type { Bucket, Tag } from '../domain/bucket.ts';
import type { Identity } from '../domain/identity.ts';
import type { ObjectKey } from '../domain/names.ts';
import type { StoredObject } from '../domain/object-version.ts';
import { S3Error } from '../domain/s3-error.ts';
import { COPY_SOURCE, EXISTING_TAG, hasConditionKey, REQUEST_TAG } from '../policy/condition-keys.ts';
import {
  ANONYMOUS_USER_ID,
  type KeyValues,
  type PolicyRequest,
  type Principal,
  S3_ARN,
} from '../policy/policy-request.ts';
import { principalArn } from '../policy/principals.ts';
import type { RequestFacts } from './access.ts';
import type { HeaderMap } from './request.ts';
import { taggingHeader } from './tags.ts';

/** What a request does, as policies see it. */
export interface RequestedAccess {
  readonly action: Action;
  readonly bucket: Bucket | undefined;
  /** Of a bucket that is not there yet. */
  readonly bucketName?: string | undefined;
  readonly key: ObjectKey | undefined;
  /** Where the query does not name it. */
  readonly versionId?: string | undefined;
  /** In place of the query's `prefix`. */
  readonly prefix?: string | undefined;
  /** What is there; `undefined`: nobody has looked yet. */
  readonly version?: StoredObject | undefined;
  /** The tags of PutObjectTagging; `undefined`: not read yet. With them, and without `version`, there is no object. */
  readonly requestTags?: readonly Tag[] | undefined;
}

const VERSION_MARK = '?versionId=';
const SIGNATURE_V4 = 'AWS4-HMAC-SHA256';
const BASIC_TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const NOT_TAGS_OF_THE_HEADER: readonly Action[] = ['s3:PutObjectTagging', 's3:PutObjectVersionTagging'];

/** A request as policies ask about it. */
export function policyRequest(facts: RequestFacts, access: RequestedAccess): PolicyRequest {
  const { action, bucket, bucketName, key } = access;
  const name = bucket?.name ?? bucketName ?? '*';
  return {
    principal: principalOf(facts.identity),
    action,
    resource: key === undefined ? `${S3_ARN}${name}` : `${S3_ARN}${name}/${key}`,
    valuesOf: (conditionKey) =>
      hasConditionKey(action, conditionKey) ? valuesOf(conditionKey, facts, access) : undefined,
  };
}

function principalOf(identity: Identity): Principal {
  if (identity.kind === 'anonymous') return { kind: 'anonymous' };
  return { kind: 'key', tenant: identity.tenant, accessKeyId: identity.accessKeyId };
}

function valuesOf(key: string, facts: RequestFacts, access: RequestedAccess): KeyValues {
  if (key.startsWith('aws:')) return oneOrNone(globalValue(key, facts, access));
  if (key.startsWith(EXISTING_TAG)) return existingTag(key.slice(EXISTING_TAG.length), access);
  if (key.startsWith(REQUEST_TAG)) {
    const tags = requestTags(facts, access);
    return tags === 'depends' ? tags : valueOfTag(tags, key.slice(REQUEST_TAG.length));
  }
  if (key === 's3:requestobjecttagkeys') {
    const tags = requestTags(facts, access);
    if (tags === 'depends') return tags;
    return tags.length === 0 ? undefined : tags.map(([name]) => name);
  }
  return oneOrNone(requestValue(key, facts, access));
}

/** Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
function globalValue(key: string, facts: RequestFacts, { bucket }: RequestedAccess): string | undefined {
  const { identity, headers, nowMs } = facts;
  const user = identity.kind === 'user' ? identity : undefined;
  switch (key) {
    case 'aws:currenttime':
      return new Date(nowMs).toISOString();
    case 'aws:epochtime':
      return String(Math.floor(nowMs / 1000));
    case 'aws:principalaccount':
      return user?.tenant;
    case 'aws:principalarn':
      return user && principalArn(user);
    case 'aws:principaltype':
      return user === undefined ? 'Anonymous' : 'User';
    case 'aws:referer':
      return headers.get('referer');
    case 'aws:resourceaccount':
      return resourceAccount(facts, bucket);
    case 'aws:securetransport':
      return String(facts.isSecure);
    case 'aws:sourceip':
      return plainAddress(facts.sourceIp);
    case 'aws:useragent':
      return headers.get('user-agent');
    case 'aws:userid':
      return user?.accessKeyId ?? ANONYMOUS_USER_ID;
    case 'aws:username':
      return user?.accessKeyId;
    default:
      throw new TypeError(`The condition key ${key} has no value of its own.`);
  }
}

/** Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys */
function requestValue(key: string, facts: RequestFacts, access: RequestedAccess): string | undefined {
  const { query, headers } = facts;
  switch (key) {
    case 's3:prefix':
      return access.prefix ?? query.get('prefix');
    case 's3:delimiter':
    case 's3:max-keys':
      return query.get(key.slice('s3:'.length));
    case 's3:versionid':
      return access.versionId ?? query.get('versionId');
    case 's3:resourceaccount':
      return resourceAccount(facts, access.bucket);
    case 's3:authtype':
      return signatureOf(facts)?.type;
    case 's3:signatureversion':
      return signatureOf(facts)?.version;
    case 's3:signatureage':
      return signatureAge(facts);
    case COPY_SOURCE:
      return sourceOf(headers);
    default:
      return headers.get(key.slice('s3:'.length));
  }
}

function resourceAccount({ identity }: RequestFacts, bucket: Bucket | undefined): string | undefined {
  return bucket?.owner.tenant ?? (identity.kind === 'user' ? identity.tenant : undefined);
}

function existingTag(name: string, { version, requestTags }: RequestedAccess): KeyValues {
  if (version !== undefined) return valueOfTag(version.attributes.tags, name);
  return requestTags === undefined ? 'depends' : undefined;
}

function requestTags({ headers }: RequestFacts, { action, requestTags }: RequestedAccess): readonly Tag[] | 'depends' {
  if (NOT_TAGS_OF_THE_HEADER.includes(action)) return requestTags ?? 'depends';
  try {
    return taggingHeader(headers) ?? [];
  } catch (error) {
    // Refused as soon as the request is parsed.
    if (error instanceof S3Error) return [];
    throw error;
  }
}

function valueOfTag(tags: readonly Tag[], name: string): KeyValues {
  return oneOrNone(tags.find(([tag]) => tag === name)?.[1]);
}

/** The source of a copy as it is told apart from others: percent-decoded, without a slash before it and a version. */
function sourceOf(headers: HeaderMap): string | undefined {
  const text = headers.get('x-amz-copy-source');
  if (text === undefined) return undefined;
  const mark = text.lastIndexOf(VERSION_MARK);
  return decoded(mark < 0 ? text : text.slice(0, mark)).replace(/^\//, '');
}

/** What cannot be decoded is refused when the request is parsed. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** How a request is signed. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html */
function signatureOf({
  identity,
  query,
  headers,
  formSignature,
}: RequestFacts): { readonly type: string; readonly version: string } | undefined {
  if (identity.kind === 'anonymous') return undefined;
  if (formSignature !== undefined) return { type: 'POST', version: versionOf(formSignature === 'v4') };
  const authorization = headers.get('authorization');
  if (authorization) return { type: 'REST-HEADER', version: versionOf(authorization.startsWith(SIGNATURE_V4)) };
  if (query.has('X-Amz-Signature')) return { type: 'REST-QUERY-STRING', version: versionOf(true) };
  return { type: 'REST-QUERY-STRING', version: versionOf(false) };
}

function versionOf(isV4: boolean): string {
  return isV4 ? SIGNATURE_V4 : 'AWS';
}

/** Milliseconds since the request was signed, as its signature says: what a URL of SigV2 was signed at, nobody knows. */
function signatureAge({ identity, query, headers, nowMs }: RequestFacts): string | undefined {
  if (identity.kind === 'anonymous' || query.has('Signature')) return undefined;
  const text = query.get('X-Amz-Date') ?? headers.get('x-amz-date') ?? headers.get('date');
  const signedAtMs = Date.parse(text?.replace(BASIC_TIME, '$1-$2-$3T$4:$5:$6Z') ?? '');
  return Number.isNaN(signedAtMs) ? undefined : String(nowMs - signedAtMs);
}

/** An address of version 4 that came over a socket of version 6 is one of version 4; a zone is the server's own affair. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/s, '');
}

function oneOrNone(value: string | undefined): KeyValues {
  return value === undefined ? undefined : [value];
}
