import type { Owner } from '../../domain/bucket.ts';
import { parseTenantId, type TenantId } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { Clock } from '../../operations/operation.ts';
import type { Keystore } from '../../stores/keystore.ts';
import type { CallOptions } from '../../stores/store.ts';
import type { QueryParameters, RequestHeaders } from '../parameters.ts';

const HEADER = 'x-amz-masquerade-tenant';
/** Longest name of a tenant that a header may give, in characters. */
const TENANT_CHARACTERS_MAX = 256;
/** For how long a tenant's name is kept that may have cost a look at every key, and of how many tenants. */
const KEPT_MS = 60_000;
const KEPT_MAX = 1000;

/**
 * The tenant that the request wants to act for, in a header or in the query, where signers of URLs put headers. Both
 * are signed in every request that is. `undefined`: nobody but its own.
 * Errors: InvalidArgument 400.
 */
export function readMasquerade(headers: RequestHeaders, query: QueryParameters): TenantId | undefined {
  const name = headers.get(HEADER) ?? query.pairs.find(([parameter]) => parameter.toLowerCase() === HEADER)?.[1];
  if (name === undefined) return undefined;
  const tenant = name.trim();
  if (tenant === '' || tenant.length > TENANT_CHARACTERS_MAX) {
    throw new S3Error('InvalidArgument', {
      message: `${HEADER} must name a tenant, in at most ${TENANT_CHARACTERS_MAX} characters.`,
      elements: { ArgumentName: HEADER, ArgumentValue: tenant },
    });
  }
  return parseTenantId(tenant);
}

/** The answer to whoever may not act for others. */
export function masqueradeIsDenied(): S3Error {
  return new S3Error('AccessDenied', {
    message: `Only a master key may act for another tenant. Sign with one, or leave out the header ${HEADER}.`,
  });
}

/** Finds the names that tenants are shown with, and keeps them for a while. */
export class TenantOwners {
  readonly #keys: Keystore;
  readonly #clock: Clock;
  readonly #kept = new Map<TenantId, { readonly owner: Owner; readonly untilMs: number }>();

  constructor(keys: Keystore, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /** The tenant as an owner; one without a key goes by its id. */
  async ownerOf(tenant: TenantId, options: CallOptions): Promise<Owner> {
    const nowMs = this.#clock.nowMs();
    const kept = this.#kept.get(tenant);
    if (kept !== undefined && nowMs < kept.untilMs) return kept.owner;
    const key = await this.#keys.findTenant({ id: tenant }, options);
    const owner = { tenant, displayName: key?.displayName ?? tenant };
    this.#kept.delete(tenant);
    this.#kept.set(tenant, { owner, untilMs: nowMs + KEPT_MS });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
    return owner;
  }
}
