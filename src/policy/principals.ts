import { type AccessKeyId, parseAccessKeyId, parseTenantId, type TenantId } from '../domain/names.ts';
import { isJsonObject, type Json } from './json-object.ts';
import { malformedPolicy, quoted } from './malformed-policy.ts';
import type { Principal } from './policy-request.ts';

/** Whom a statement names. */
export interface Principals {
  /** `*`: everybody, known or not. */
  readonly everybody: boolean;
  readonly tenants: ReadonlySet<TenantId>;
  readonly keys: readonly NamedKey[];
}

/** One access key of a tenant. */
export interface NamedKey {
  readonly tenant: TenantId;
  readonly accessKeyId: AccessKeyId;
}

const ACCOUNT = /^arn:aws:iam::(.+):root$/s;
const USER_OF_NO_ACCOUNT = /^arn:aws:iam:::user\/(.+)$/s;
const USER = /^arn:aws:iam::(.+):user\/([^/]+)$/s;

/**
 * A `Principal` or `NotPrincipal`: `*`, or `AWS` with tenants and keys, or `CanonicalUser` with tenants.
 * Errors: MalformedPolicy 400.
 */
export function parsePrincipals(value: Json): Principals {
  if (value === '*') return { everybody: true, tenants: new Set(), keys: [] };
  if (!isJsonObject(value)) throw invalidPrincipal(value);
  const tenants = new Set<TenantId>();
  const keys: NamedKey[] = [];
  let everybody = false;
  const kinds = Object.entries(value);
  if (kinds.length === 0) throw invalidPrincipal(value);
  for (const [kind, names] of kinds) {
    if (kind !== 'AWS' && kind !== 'CanonicalUser') {
      throw malformedPolicy(`Invalid principal in policy: ${quoted(kind)} is neither AWS nor CanonicalUser.`);
    }
    for (const name of namesOf(names)) {
      if (kind === 'AWS' && name === '*') everybody = true;
      else if (kind === 'CanonicalUser') tenants.add(parseTenantId(name));
      else addName(name, { tenants, keys });
    }
  }
  return { everybody, tenants, keys };
}

/** Whether `principal` is one of `principals`. */
export function includesPrincipal({ everybody, tenants, keys }: Principals, principal: Principal): boolean {
  if (everybody) return true;
  if (principal.kind === 'anonymous') return false;
  return (
    tenants.has(principal.tenant) ||
    keys.some(({ tenant, accessKeyId }) => tenant === principal.tenant && accessKeyId === principal.accessKeyId)
  );
}

/** How a key names itself in policies. */
export function principalArn({ tenant, accessKeyId }: NamedKey): string {
  return `arn:aws:iam::${tenant}:user/${accessKeyId}`;
}

export function invalidPrincipal(value: Json) {
  return malformedPolicy(
    `Invalid principal in policy: ${quoted(typeof value === 'string' ? value : JSON.stringify(value))}`,
  );
}

function addName(name: string, { tenants, keys }: { tenants: Set<TenantId>; keys: NamedKey[] }): void {
  const account = ACCOUNT.exec(name) ?? USER_OF_NO_ACCOUNT.exec(name);
  const [, tenant, id] = USER.exec(name) ?? [];
  if (account?.[1] !== undefined) {
    tenants.add(parseTenantId(account[1]));
  } else if (tenant !== undefined && id !== undefined) {
    const accessKeyId = parseAccessKeyId(id);
    if (accessKeyId === undefined) throw invalidPrincipal(name);
    keys.push({ tenant: parseTenantId(tenant), accessKeyId });
  } else if (name.startsWith('arn:')) {
    throw invalidPrincipal(name);
  } else {
    tenants.add(parseTenantId(name));
  }
}

function namesOf(value: Json): readonly string[] {
  const names = Array.isArray(value) ? value : [value];
  if (names.length === 0) throw invalidPrincipal(value);
  return names.map((name) => {
    if (typeof name !== 'string' || name === '') throw invalidPrincipal(name);
    return name;
  });
}
