import type { Action } from '../domain/actions.ts';
import { S3Error } from '../domain/s3-error.ts';
import { malformedPolicy, quoted } from './malformed-policy.ts';

type Actions = readonly Action[];

const LISTING: Actions = ['s3:ListBucket', 's3:ListBucketVersions'];
const OBJECT_ACLS: Actions = ['s3:PutObject', 's3:PutObjectAcl', 's3:PutObjectVersionAcl'];
const ACLS: Actions = [...OBJECT_ACLS, 's3:CreateBucket', 's3:PutBucketAcl'];
const PUT: Actions = ['s3:PutObject'];
const VERSIONS: Actions = [
  's3:DeleteObjectVersion',
  's3:DeleteObjectVersionTagging',
  's3:GetObjectVersion',
  's3:GetObjectVersionAcl',
  's3:GetObjectVersionAttributes',
  's3:GetObjectVersionTagging',
  's3:PutObjectVersionAcl',
  's3:PutObjectVersionTagging',
];
const EXISTING_TAGS: Actions = [
  's3:DeleteObjectTagging',
  's3:DeleteObjectVersionTagging',
  's3:GetObject',
  's3:GetObjectAcl',
  's3:GetObjectAttributes',
  's3:GetObjectTagging',
  's3:GetObjectVersion',
  's3:GetObjectVersionAcl',
  's3:GetObjectVersionAttributes',
  's3:GetObjectVersionTagging',
  's3:PutObjectAcl',
  's3:PutObjectTagging',
  's3:PutObjectVersionAcl',
  's3:PutObjectVersionTagging',
];
const REQUEST_TAGS: Actions = ['s3:PutObject', 's3:PutObjectTagging', 's3:PutObjectVersionTagging'];

/**
 * The keys that requests have, in lower case, and the actions that have them; `undefined`: all. For any other action
 * the key is absent, as with S3.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
const KEYS: ReadonlyMap<string, Actions | undefined> = new Map([
  ['aws:currenttime', undefined],
  ['aws:epochtime', undefined],
  ['aws:principalaccount', undefined],
  ['aws:principalarn', undefined],
  ['aws:principaltype', undefined],
  ['aws:referer', undefined],
  ['aws:resourceaccount', undefined],
  ['aws:securetransport', undefined],
  ['aws:sourceip', undefined],
  ['aws:useragent', undefined],
  ['aws:userid', undefined],
  ['aws:username', undefined],
  ['s3:authtype', undefined],
  ['s3:delimiter', LISTING],
  ['s3:if-match', PUT],
  ['s3:if-none-match', PUT],
  ['s3:max-keys', LISTING],
  ['s3:prefix', LISTING],
  ['s3:requestobjecttagkeys', REQUEST_TAGS],
  ['s3:resourceaccount', undefined],
  ['s3:signatureage', undefined],
  ['s3:signatureversion', undefined],
  ['s3:versionid', VERSIONS],
  ['s3:x-amz-acl', ACLS],
  ['s3:x-amz-content-sha256', undefined],
  ['s3:x-amz-copy-source', PUT],
  ['s3:x-amz-grant-full-control', ACLS],
  ['s3:x-amz-grant-read', ACLS],
  ['s3:x-amz-grant-read-acp', ACLS],
  ['s3:x-amz-grant-write', ACLS],
  ['s3:x-amz-grant-write-acp', ACLS],
  ['s3:x-amz-metadata-directive', PUT],
  ['s3:x-amz-server-side-encryption', PUT],
  ['s3:x-amz-server-side-encryption-aws-kms-key-id', PUT],
  ['s3:x-amz-server-side-encryption-customer-algorithm', PUT],
  ['s3:x-amz-storage-class', PUT],
  ['s3:x-amz-website-redirect-location', PUT],
]);

/** Keys that end in the key of a tag, which keeps its case. */
export const EXISTING_TAG = 's3:existingobjecttag/';
export const REQUEST_TAG = 's3:requestobjecttag/';

/** The source of a copy, `bucket/key`, however the request spells it; in a policy it may begin with a slash. */
export const COPY_SOURCE = 's3:x-amz-copy-source';

/** Keys of AWS that a request to Pithos cannot have, or that Pithos does not find out: no policy may rely on them. */
const NOT_EVALUATED: ReadonlySet<string> = new Set(
  `aws:calledvia aws:calledviafirst aws:calledvialast aws:chatbotsourcearn aws:ec2instancesourceprivateipv4
  aws:ec2instancesourcevpc aws:federatedprovider aws:multifactorauthage aws:multifactorauthpresent
  aws:principalisawsservice aws:principalorgid aws:principalorgpaths aws:principalservicename
  aws:principalservicenameslist aws:requestedregion aws:resourceorgid aws:resourceorgpaths aws:sourceaccount
  aws:sourcearn aws:sourceidentity aws:sourceorgid aws:sourceorgpaths aws:sourceowner aws:sourcevpc aws:sourcevpcarn
  aws:sourcevpce aws:tagkeys aws:tokenissuetime aws:viaawsservice aws:vpceaccount aws:vpceorgid aws:vpceorgpaths
  aws:vpcsourceip s3:accessgrantsinstancearn s3:accesspointnetworkorigin s3:dataaccesspointaccount
  s3:dataaccesspointarn s3:existingjoboperation s3:existingjobpriority s3:inventoryaccessibleoptionalfields
  s3:isreplicationpauserequest s3:jobsuspendedcause s3:locationconstraint s3:object-lock-legal-hold
  s3:object-lock-mode s3:object-lock-remaining-retention-days s3:object-lock-retain-until-date
  s3:objectcreationoperation s3:requestjoboperation s3:requestjobpriority s3:tlsversion
  s3:x-amz-object-ownership`.split(/\s+/),
);
const NOT_EVALUATED_PREFIX = /^(?:aws:(?:principaltag|requesttag|resourcetag)|s3:buckettag)\/./;

/**
 * The condition key that a policy names, in lower case but for the key of a tag.
 * Errors: MalformedPolicy 400 · NotImplemented 501 for a key that Pithos cannot evaluate: to ignore it would allow what
 *   it forbids.
 */
export function parseConditionKey(text: string): string {
  const lower = text.toLowerCase();
  for (const prefix of [EXISTING_TAG, REQUEST_TAG]) {
    if (lower.startsWith(prefix) && lower.length > prefix.length) return prefix + text.slice(prefix.length);
  }
  if (KEYS.has(lower)) return lower;
  if (NOT_EVALUATED.has(lower) || NOT_EVALUATED_PREFIX.test(lower)) {
    throw new S3Error('NotImplemented', {
      message: `The condition key ${quoted(text)} cannot be evaluated here: take it out of the policy.`,
    });
  }
  throw malformedPolicy(`Policy has an invalid condition key: ${quoted(text)}`);
}

/** Whether requests for `action` have the key, of which `parseConditionKey` gave the name. */
export function hasConditionKey(action: Action, key: string): boolean {
  if (key.startsWith(EXISTING_TAG)) return EXISTING_TAGS.includes(action);
  if (key.startsWith(REQUEST_TAG)) return REQUEST_TAGS.includes(action);
  const actions = KEYS.get(key);
  return actions === undefined || actions.includes(action);
}
