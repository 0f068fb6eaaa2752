import { ALL_USERS, AUTHENTICATED_USERS, GRANTS_MAX, isPermission, ownerGrant } from '../domain/acl.ts';
import type { Owner } from '../domain/bucket.ts';
import type { CorsRule } from '../domain/cors.ts';
import { parseTenantId } from '../domain/names.ts';
import type { Grant, SystemHeaders, UserMetadata } from '../domain/object-version.ts';
import { type Edn, EdnError, readEdn } from './edn.ts';

/** A value of today, and what of the original could not become a part of it, one sentence each. */
export interface Translated<Value> {
  readonly value: Value;
  readonly problems: readonly string[];
}

/** The original's words for S3's groups. Any other URI names a group of the keystore. */
const GROUPS: Readonly<Record<string, string>> = {
  anonymous: ALL_USERS,
  authenticated: AUTHENTICATED_USERS,
  'authenticated-users': AUTHENTICATED_USERS,
};
const CORS_METHODS = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE'];
const MAX_AGE = /^\d{1,9}$/;
const USER_METADATA_PREFIX = 'x-amz-meta-';
/** The name of a header. Source: https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const BEYOND_LATIN1 = /[^\x00-\xff]/;
const SYSTEM_HEADERS: Readonly<Record<string, keyof SystemHeaders>> = {
  'content-type': 'contentType',
  'content-encoding': 'contentEncoding',
  'content-disposition': 'contentDisposition',
  'content-language': 'contentLanguage',
  'cache-control': 'cacheControl',
  expires: 'expires',
};

/**
 * The ACL in a column. Where the original had no grantee it wrote nil, and the bucket's owner could do everything
 * whatever stood there; so `owner` always can. One that cannot be read leaves the owner alone.
 */
export function translateAcl(text: string | undefined, owner: Owner): Translated<readonly Grant[]> {
  try {
    const grants = grantsIn(readEdn(text ?? 'nil'));
    const ofOwner = ownerGrant(owner);
    const isOwners = ({ grantee, permission }: Grant) =>
      permission === 'FULL_CONTROL' && grantee.kind === 'tenant' && grantee.tenant === owner.tenant;
    const all = distinct([ofOwner, ...grants.filter((grant) => !isOwners(grant))]);
    if (all.length > GRANTS_MAX) throw new EdnError(`It has more than ${GRANTS_MAX} grants.`);
    return { value: all.length === 1 ? [] : all, problems: [] };
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
    return { value: [], problems: [`the ACL cannot be read, so that its owner alone has rights: ${error.message}`] };
  }
}

/** The CORS rules in a column, without those that no bucket may have today; `undefined` where there is none. */
export function translateCors(text: string | undefined): Translated<readonly CorsRule[] | undefined> {
  try {
    const edn = readEdn(text ?? 'nil');
    const problems: string[] = [];
    const rules = itemsOf(edn).flatMap((item, index) => {
      try {
        return [corsRuleIn(item)];
      } catch (error) {
        if (!(error instanceof EdnError)) throw error;
        problems.push(`CORS rule ${index + 1} is left out: ${error.message}`);
        return [];
      }
    });
    return { value: rules.length === 0 ? undefined : rules, problems };
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
    return { value: undefined, problems: [`the CORS rules cannot be read and are left out: ${error.message}`] };
  }
}

/** The headers and the metadata of an object, but for what no header can carry. */
export function translateHeaders(
  metadata: ReadonlyMap<string, string>,
): Translated<{ readonly headers: SystemHeaders; readonly userMetadata: UserMetadata }> {
  const headers: { -readonly [Name in keyof SystemHeaders]: string } = {};
  const userMetadata: [string, string][] = [];
  const problems: string[] = [];
  for (const [name, text] of metadata) {
    const value = bytesOf(text);
    const own = Object.hasOwn(SYSTEM_HEADERS, name) ? SYSTEM_HEADERS[name] : undefined;
    const userName = name.startsWith(USER_METADATA_PREFIX) ? name.slice(USER_METADATA_PREFIX.length) : '';
    if (CONTROL.test(value)) problems.push(`the header ${name} is left out: it has a control character.`);
    else if (own !== undefined) headers[own] = value;
    else if (TOKEN.test(userName)) userMetadata.push([userName, value]);
    else problems.push(`the header ${JSON.stringify(name)} is left out: it is none that an object has.`);
  }
  return { value: { headers, userMetadata }, problems };
}

/** The time in milliseconds, or `undefined` where there is none. */
export function translateTime(text: string | undefined): number | undefined {
  const timeMs = Date.parse(text ?? '');
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** `{:READ [{:ID "a", :DisplayName "a"} {:URI "anonymous"}]}`. */
function grantsIn(acl: Edn): readonly Grant[] {
  return fieldsOf(acl).flatMap(([permission, grantees]) => {
    if (!isPermission(permission)) throw new EdnError(`There is no permission ${permission}.`);
    return itemsOf(grantees).flatMap((grantee): Grant[] => {
      const fields = new Map(fieldsOf(grantee));
      const [uri, id, name] = ['URI', 'ID', 'DisplayName'].map((field) => textOf(fields.get(field)));
      if (uri) {
        const group = Object.hasOwn(GROUPS, uri) ? GROUPS[uri] : undefined;
        return [{ grantee: { kind: 'group', uri: group ?? uri }, permission }];
      }
      if (!id) return [];
      return [{ grantee: { kind: 'tenant', tenant: parseTenantId(id), displayName: name || id }, permission }];
    });
  });
}

function distinct(grants: readonly Grant[]): readonly Grant[] {
  const keyOf = ({ grantee, permission }: Grant) =>
    JSON.stringify([permission, grantee.kind, grantee.kind === 'tenant' ? grantee.tenant : grantee.uri]);
  return [...new Map(grants.map((grant) => [keyOf(grant), grant])).values()];
}

/** `{:origins ["*"], :methods [:get], :headers [], :exposed [], :max-age "3000"}`. */
function corsRuleIn(rule: Edn): CorsRule {
  const fields = new Map(fieldsOf(rule));
  const texts = (name: string) => itemsOf(fields.get(name)).map((item) => textOf(item) ?? '');
  const [allowedOrigins, allowedHeaders, exposeHeaders] = [texts('origins'), texts('headers'), texts('exposed')];
  const allowedMethods = texts('methods').map((method) => method.toUpperCase());
  if (allowedOrigins.length === 0) throw new EdnError('It allows no origin.');
  if (allowedMethods.length === 0) throw new EdnError('It allows no method.');
  const method = allowedMethods.find((each) => !CORS_METHODS.includes(each));
  if (method !== undefined) throw new EdnError(`There is no method ${method} in CORS rules.`);
  const pattern = [...allowedOrigins, ...allowedHeaders].find((each) => each === '' || each.split('*').length > 2);
  if (pattern !== undefined) throw new EdnError(`${JSON.stringify(pattern)} is empty or has more than one *.`);
  if (exposeHeaders.some((name) => name === '' || name.includes('*'))) throw new EdnError('It exposes no header name.');
  const maxAge = textOf(fields.get('max-age'));
  if (maxAge && !MAX_AGE.test(maxAge)) throw new EdnError(`Its max-age is ${JSON.stringify(maxAge)}.`);
  return {
    allowedOrigins,
    allowedMethods,
    allowedHeaders,
    exposeHeaders,
    ...(maxAge ? { maxAgeSeconds: Number(maxAge) } : {}),
  };
}

function fieldsOf(value: Edn): readonly (readonly [name: string, value: Edn])[] {
  if (value.kind === 'nil') return [];
  if (value.kind !== 'map') throw new EdnError(`A map was expected, not a ${value.kind}.`);
  return value.entries.map(([key, inner]) => [textOf(key) ?? '', inner]);
}

function itemsOf(value: Edn | undefined): readonly Edn[] {
  if (value === undefined || value.kind === 'nil') return [];
  if (value.kind === 'sequence' || value.kind === 'set') return value.items;
  throw new EdnError(`A vector was expected, not a ${value.kind}.`);
}

/** What a string, keyword or number says; `undefined` for nil. */
function textOf(value: Edn | undefined): string | undefined {
  if (value === undefined || value.kind === 'nil') return undefined;
  if (value.kind === 'string') return value.text;
  if (value.kind === 'keyword') return value.name;
  if (value.kind === 'number') return String(value.value);
  throw new EdnError(`A text was expected, not a ${value.kind}.`);
}

/** The original kept headers as Java strings, most often one character for each byte. */
function bytesOf(text: string): string {
  return BEYOND_LATIN1.test(text) ? Buffer.from(text).toString('latin1') : text;
}
