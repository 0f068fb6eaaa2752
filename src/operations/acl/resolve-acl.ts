import { ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY } from '../../domain/acl.ts';
import type { Owner } from '../../domain/bucket.ts';
import type { Grant } from '../../domain/object-version.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { TenantName } from '../../stores/keystore.ts';
import { invalidArgument } from '../headers/parameters.ts';
import type { OperationContext } from '../operation.ts';
import type { CannedAcl, RequestedAcl } from './requested-acl.ts';

/** An ACL whose grantees are known to exist. Whom a canned one names depends on what it is put on. */
export type ResolvedAcl =
  | { readonly kind: 'default' }
  | { readonly kind: 'canned'; readonly name: CannedAcl }
  | { readonly kind: 'grants'; readonly grants: readonly Grant[] };

const GROUPS_OF_S3: ReadonlySet<string> = new Set([ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY]);
const GROUPS_PREFIX = 'http://acs.amazonaws.com/groups/';
/** Largest sum of the names in one ACL, in bytes: it is stored with what it is of. */
const ACL_BYTES_MAX = 16 * 1024;

/**
 * Looks up whom an ACL names.
 *
 * Errors: InvalidArgument for an id that no tenant has and a group that S3 has not, UnresolvableGrantByEmailAddress,
 *   MalformedACLError where the names are too long all together, 400.
 */
export async function resolveAcl(
  context: Pick<OperationContext, 'stores' | 'signal'>,
  acl: RequestedAcl,
): Promise<ResolvedAcl> {
  if (acl.kind !== 'grants') return acl;
  const grants: Grant[] = [];
  for (const { grantee, permission } of acl.grants) {
    if (grantee.kind === 'group') {
      requireGroup(grantee.uri);
      grants.push({ grantee, permission });
    } else {
      grants.push({ grantee: { kind: 'tenant', ...(await findTenant(context, grantee.name)) }, permission });
    }
  }
  if (Buffer.byteLength(JSON.stringify(grants)) > ACL_BYTES_MAX) {
    throw new S3Error('MalformedACLError', {
      message: `The names of an ACL have at most ${ACL_BYTES_MAX} bytes together: grant to a group instead.`,
    });
  }
  return { kind: 'grants', grants };
}

async function findTenant(
  { stores, signal }: Pick<OperationContext, 'stores' | 'signal'>,
  name: TenantName,
): Promise<Owner> {
  const key = await stores.keys.findTenant(name, { signal });
  if (key !== undefined) return { tenant: key.tenant, displayName: key.displayName };
  if ('id' in name) throw invalidArgument('CanonicalUser/ID', name.id, 'Invalid id');
  throw new S3Error('UnresolvableGrantByEmailAddress', { elements: { EmailAddress: name.email } });
}

/** A group of the keystore may have any name but one that S3 has set apart. */
function requireGroup(uri: string): void {
  if (GROUPS_OF_S3.has(uri)) return;
  if (uri === '' || uri.startsWith(GROUPS_PREFIX)) throw invalidArgument('Group/URI', uri, 'Invalid group uri');
}
