import { GRANTS_MAX } from '../../domain/acl.ts';
import type { Owner } from '../../domain/bucket.ts';
import { parseTenantId } from '../../domain/names.ts';
import type { Grant } from '../../domain/object-version.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { element, textElement, type Xml, xmlDocument } from '../../xml/build.ts';
import type { XmlElement } from '../../xml/parse.ts';
import type { BodyDigests } from '../body-digests.ts';
import { ownerElement } from '../listing-xml.ts';
import type { RequestBody } from '../request.ts';
import { fieldsOf, readOptionalXmlBody } from '../xml-body.ts';
import { type RequestedGrant, requirePermission, tooManyGrants } from './requested-acl.ts';

const BODY_BYTES_MAX = 1024 ** 2;
const XSI = 'http://www.w3.org/2001/XMLSchema-instance';

/** The body of PutBucketAcl and PutObjectAcl. */
export interface AclDocument {
  /** The owner's id, which nobody can change; `undefined` where it is left out. */
  readonly ownerId: string | undefined;
  readonly grants: readonly RequestedGrant[];
}

/**
 * An `AccessControlPolicy`; `undefined` for an empty body.
 * Errors: MalformedACLError, and those of the body.
 */
export async function readAclDocument(body: RequestBody, digests: BodyDigests): Promise<AclDocument | undefined> {
  try {
    const limits = { root: 'AccessControlPolicy', bytesMax: BODY_BYTES_MAX, digests };
    const policy = await readOptionalXmlBody(body, limits);
    return policy && parsePolicy(policy);
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== 'MalformedXML') throw error;
    throw new S3Error('MalformedACLError', { message: error.message, cause: error });
  }
}

/** The answer of GetBucketAcl and GetObjectAcl: grants to groups first, as Ceph's gateway lists them. */
export function aclDocument(owner: Owner, grants: readonly Grant[]): string {
  const ofGroups = grants.filter(({ grantee }) => grantee.kind === 'group');
  const ofTenants = grants.filter(({ grantee }) => grantee.kind === 'tenant');
  return xmlDocument('AccessControlPolicy', [
    ownerElement('Owner', owner),
    element('AccessControlList', [...ofGroups, ...ofTenants].map(grantElement)),
  ]);
}

function grantElement({ grantee, permission }: Grant): Xml {
  const [type, children] =
    grantee.kind === 'group'
      ? ['Group', [textElement('URI', grantee.uri)]]
      : ['CanonicalUser', [textElement('ID', grantee.tenant), textElement('DisplayName', grantee.displayName)]];
  return element('Grant', [
    element('Grantee', children, { 'xmlns:xsi': XSI, 'xsi:type': type }),
    textElement('Permission', permission),
  ]);
}

function parsePolicy(policy: XmlElement): AclDocument {
  const fields = fieldsOf(policy, { single: ['Owner', 'AccessControlList'] });
  const owner = fields.child('Owner');
  const list = fields.child('AccessControlList');
  if (list === undefined) throw new S3Error('MalformedACLError', { message: 'The AccessControlList is missing.' });
  const grants = fieldsOf(list, { single: [], repeated: ['Grant'] }).children('Grant');
  if (grants.length > GRANTS_MAX) throw tooManyGrants();
  return {
    ownerId: owner && fieldsOf(owner, { single: ['ID', 'DisplayName'] }).text('ID'),
    grants: grants.map(parseGrant),
  };
}

function parseGrant(grant: XmlElement): RequestedGrant {
  const fields = fieldsOf(grant, { single: ['Grantee', 'Permission'] });
  const grantee = fields.child('Grantee');
  if (grantee === undefined) throw new S3Error('MalformedACLError', { message: 'A Grant lacks its Grantee.' });
  return { grantee: parseGrantee(grantee), permission: requirePermission(fields.requiredText('Permission')) };
}

function parseGrantee(grantee: XmlElement): RequestedGrant['grantee'] {
  const fields = fieldsOf(grantee, { single: ['ID', 'DisplayName', 'EmailAddress', 'URI'] });
  switch (grantee.type) {
    case 'CanonicalUser': {
      const id = fields.requiredText('ID').trim();
      if (id === '') break;
      return { kind: 'tenant', name: { id: parseTenantId(id) } };
    }
    case 'AmazonCustomerByEmail':
      return { kind: 'tenant', name: { email: fields.requiredText('EmailAddress').trim() } };
    case 'Group':
      return { kind: 'group', uri: fields.requiredText('URI').trim() };
    default:
      break;
  }
  throw new S3Error('MalformedACLError', {
    message: 'The xsi:type of a Grantee is CanonicalUser with an ID, AmazonCustomerByEmail or Group.',
  });
}
