import { GRANTS_MAX, isPermission } from '../../domain/acl.ts';
import { parseTenantId } from '../../domain/names.ts';
import type { Permission } from '../../domain/object-version.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { TenantName } from '../../stores/keystore.ts';
import { invalidArgument } from '../headers/parameters.ts';
import type { HeaderMap } from '../request.ts';

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl */
const CANNED_ACLS = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'log-delivery-write',
] as const;

export type CannedAcl = (typeof CANNED_ACLS)[number];

/** A grant as a client words it: whom it names, only the keystore can tell. */
export interface RequestedGrant {
  readonly grantee:
    | { readonly kind: 'tenant'; readonly name: TenantName }
    | { readonly kind: 'group'; readonly uri: string };
  readonly permission: Permission;
}

/** The ACL that a client asks for; `default` where it asks for none. */
export type RequestedAcl =
  | { readonly kind: 'default' }
  | { readonly kind: 'canned'; readonly name: CannedAcl }
  | { readonly kind: 'grants'; readonly grants: readonly RequestedGrant[] };

/** The parameters of the model that `parseAclHeaders` reads; some operations have one more, `GrantWrite`. */
export const ACL_PARAMETERS = ['ACL', 'GrantFullControl', 'GrantRead', 'GrantReadACP', 'GrantWriteACP'] as const;

const CANNED_HEADER = 'x-amz-acl';
const GRANT_HEADERS: readonly (readonly [header: string, permission: Permission])[] = [
  ['x-amz-grant-read', 'READ'],
  ['x-amz-grant-write', 'WRITE'],
  ['x-amz-grant-read-acp', 'READ_ACP'],
  ['x-amz-grant-write-acp', 'WRITE_ACP'],
  ['x-amz-grant-full-control', 'FULL_CONTROL'],
];
/** One grantee of a header: `id="…"`, `emailAddress="…"` or `uri="…"`, the quotes being optional. */
const GRANTEE = /\s*(?<type>[A-Za-z]+)\s*=\s*(?:"(?<quoted>[^"]*)"|(?<bare>[^",]*))\s*(?:,|$)/y;

/**
 * What `x-amz-acl` and the `x-amz-grant-*` headers ask for.
 *
 * Errors: InvalidArgument, InvalidRequest (both kinds at once) 400 · NotImplemented 501 for `aws-exec-read`.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html
 */
export function parseAclHeaders(headers: HeaderMap): RequestedAcl {
  const canned = headers.get(CANNED_HEADER);
  const grants = GRANT_HEADERS.flatMap(([header, permission]) => {
    const text = headers.get(header);
    return text === undefined ? [] : parseGrantees(header, text).map((grantee) => ({ grantee, permission }));
  });
  if (canned === undefined) {
    if (grants.length === 0) return { kind: 'default' };
    if (grants.length > GRANTS_MAX) throw tooManyGrants();
    return { kind: 'grants', grants };
  }
  if (grants.length > 0) {
    throw new S3Error('InvalidRequest', {
      message: 'Specifying both Canned ACLs and Header Grants is not allowed',
    });
  }
  return { kind: 'canned', name: parseCannedAcl(canned) };
}

/** Errors: InvalidArgument 400 · NotImplemented 501 for `aws-exec-read`, which grants to a service of AWS. */
export function parseCannedAcl(text: string): CannedAcl {
  const name = CANNED_ACLS.find((candidate) => candidate === text);
  if (name !== undefined) return name;
  if (text === 'aws-exec-read') {
    throw new S3Error('NotImplemented', {
      message: 'The canned ACL aws-exec-read grants to a service of AWS, which does not exist here: use another.',
      elements: { Header: CANNED_HEADER },
    });
  }
  throw invalidArgument(CANNED_HEADER, text, `${CANNED_HEADER} must be one of ${CANNED_ACLS.join(', ')}.`);
}

export function tooManyGrants(): S3Error {
  return new S3Error('MalformedACLError', { message: `An ACL has at most ${GRANTS_MAX} grants.` });
}

/** `text` as a permission. Errors: MalformedACLError 400. */
export function requirePermission(text: string): Permission {
  if (isPermission(text)) return text;
  throw new S3Error('MalformedACLError', {
    message: 'A Permission is one of FULL_CONTROL, READ, WRITE, READ_ACP, WRITE_ACP.',
  });
}

function parseGrantees(header: string, text: string): RequestedGrant['grantee'][] {
  const grantees: RequestedGrant['grantee'][] = [];
  for (let start = 0; start < text.length; ) {
    GRANTEE.lastIndex = start;
    const { type, quoted, bare } = GRANTEE.exec(text)?.groups ?? {};
    const grantee = type === undefined ? undefined : granteeOf(type, (quoted ?? bare ?? '').trim());
    if (grantee === undefined) {
      throw invalidArgument(header, text, 'Argument format not recognized: use id="…", emailAddress="…" or uri="…".');
    }
    grantees.push(grantee);
    start = GRANTEE.lastIndex;
  }
  return grantees;
}

function granteeOf(type: string, value: string): RequestedGrant['grantee'] | undefined {
  if (value === '') return undefined;
  switch (type.toLowerCase()) {
    case 'id':
      return { kind: 'tenant', name: { id: parseTenantId(value) } };
    case 'emailaddress':
      return { kind: 'tenant', name: { email: value } };
    case 'uri':
      return { kind: 'group', uri: value };
    default:
      return undefined;
  }
}
