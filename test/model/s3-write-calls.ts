import fc from 'fast-check';
import { type Answer, type Caller, Refused, type S3Call, succeed } from './s3-call.ts';
import {
  BODIES,
  type BodyName,
  bucketName,
  byKey,
  checksumHeaders,
  checksumOf,
  etagFor,
  type KeyChoice,
  keyChoice,
  keyOf,
  md5,
  metadataChoice,
  NO_ACL,
  rareAcl,
  tagsChoice,
  tagsHeader,
  type WriteCondition,
  writeCondition,
} from './s3-choices.ts';
import type { Plan } from './s3-command.ts';
import { type AskedAcl, aclHeaders, aclsCount, hasPolicy, placeObject, requireBucket } from './s3-rights.ts';
import { currentObject, type Description, type NaiveBucket, type NaiveS3, OWNER, type Tag } from './s3-state.ts';

/** What a request that makes an object or an upload says of it. */
export interface Described {
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: readonly Tag[] | undefined;
  readonly acl: AskedAcl;
}
export const described: fc.Arbitrary<Described> = fc.record({
  headers: metadataChoice,
  tags: tagsChoice,
  acl: rareAcl,
});

export interface PutChoice extends Described {
  readonly bucket: string;
  readonly key: KeyChoice;
  readonly body: BodyName;
  readonly condition: WriteCondition | undefined;
  /** SHA-256 or CRC-32 of the body, or of another one. */
  readonly checksum: 'none' | 'SHA256' | 'CRC32' | 'wrong';
}

/** PutObject, by the bucket's owner and by another tenant. */
export const writeCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 22,
    arbitrary: fc
      .record({
        bucket: bucketName,
        key: keyChoice,
        body: bodyName(),
        condition: writeCondition,
        checksum: fc.constantFrom('none', 'none', 'none', 'SHA256', 'CRC32', 'wrong' as const),
        described,
      })
      .map(
        ({ described: description, ...choice }): Plan =>
          (s3) =>
            putObject(s3, { ...choice, ...description }),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        bucket: bucketName,
        key: keyChoice,
        caller: fc.constantFrom('bob' as const, 'bob' as const, 'nobody' as const),
        acl: fc.constantFrom(undefined, 'bucket-owner-full-control', 'public-read'),
      })
      .map(
        (choice): Plan =>
          (s3) =>
            putAsGuest(s3, choice),
      ),
  },
];

export function bodyName(): fc.Arbitrary<BodyName> {
  return fc.constantFrom('empty', 'one', 'short', 'short', 'other', 'other', 'long');
}

/** The headers that say `asked` of an object to be. */
export function descriptionHeaders({ headers, tags, acl }: Described): Record<string, string> {
  return { ...headers, ...(tags && { 'x-amz-tagging': tagsHeader(tags) }), ...aclHeaders(acl) };
}

export function describe(bucket: NaiveBucket, { headers, tags, acl }: Described): Description {
  const withType = { 'content-type': 'binary/octet-stream', ...headers };
  return { headers: withType, tags: byKey(tags ?? []), ...placeObject(bucket, OWNER, acl) };
}

export function conditionHeaders(
  s3: NaiveS3,
  at: { readonly bucket: string; readonly key: string },
  condition: WriteCondition | undefined,
): Record<string, string> {
  return condition === undefined
    ? {}
    : { [condition.header]: etagFor(condition.of, s3.buckets.get(at.bucket), at.key) };
}

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
export function requireCondition(bucket: NaiveBucket, key: string, headers: Readonly<Record<string, string>>): void {
  const current = currentObject(bucket, key);
  const matches = (wanted: string) => wanted === '*' || wanted === `"${current?.etag}"`;
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (current === undefined && ifMatch !== undefined) throw new Refused('NoSuchKey');
  if (ifMatch !== undefined && !matches(ifMatch)) throw new Refused('PreconditionFailed');
  if (current !== undefined && ifNoneMatch !== undefined && matches(ifNoneMatch))
    throw new Refused('PreconditionFailed');
}

/** S3 names a new version, and not the null version. */
export function newVersionHeader(id: string): Answer['headers'] {
  return id === 'null' ? {} : { 'x-amz-version-id': id };
}

export function putObject(s3: NaiveS3, choice: PutChoice): S3Call {
  const key = keyOf(s3, choice.bucket, choice.key);
  const body = BODIES[choice.body];
  const condition = conditionHeaders(s3, { bucket: choice.bucket, key }, choice.condition);
  const claimed = claimedChecksum(choice, body);
  const claim = claimed && { [`x-amz-checksum-${claimed.name.toLowerCase()}`]: claimed.value };
  return {
    request: {
      method: 'PUT',
      bucket: choice.bucket,
      key,
      body,
      headers: { ...descriptionHeaders(choice), ...condition, ...claim },
    },
    answer() {
      const bucket = s3.bucket(choice.bucket);
      const description = describe(bucket, choice);
      if (choice.checksum === 'wrong') throw new Refused('BadDigest');
      requireCondition(bucket, key, condition);
      const draft = { ...description, body, etag: md5(body), checksum: claimed, parts: undefined };
      const { id, etag } = s3.put(bucket, key, draft);
      const checksum = claimed === undefined ? {} : checksumHeaders(claimed);
      return succeed(200, { etag: `"${etag}"`, ...newVersionHeader(id), ...checksum });
    },
  };
}

function claimedChecksum({ checksum }: PutChoice, body: Uint8Array) {
  if (checksum === 'none') return undefined;
  const name = checksum === 'wrong' ? 'CRC32' : checksum;
  const value = checksumOf(name, checksum === 'wrong' ? Buffer.from('not it') : body);
  return { name, type: 'FULL_OBJECT', value } as const;
}

/** A guest may write where the bucket's ACL lets them; whose the object is then, the bucket's ownership says. */
function putAsGuest(
  s3: NaiveS3,
  choice: {
    readonly bucket: string;
    readonly key: KeyChoice;
    readonly caller: Exclude<Caller, 'alice'>;
    readonly acl: string | undefined;
  },
): S3Call {
  const { caller } = choice;
  const key = keyOf(s3, choice.bucket, choice.key);
  const acl: AskedAcl = choice.acl === undefined ? NO_ACL : { kind: 'canned', name: choice.acl };
  const body = BODIES.other;
  return {
    request: { caller, method: 'PUT', bucket: choice.bucket, key, body, headers: aclHeaders(acl) },
    answer() {
      const bucket = requireBucket(s3, choice.bucket, caller, 'WRITE');
      if (acl.kind !== 'none' && !aclsCount(bucket)) throw new Refused('AccessDenied');
      const headers = { 'content-type': 'binary/octet-stream' };
      const place = placeObject(bucket, caller === 'nobody' ? OWNER : caller, acl);
      const draft = { ...place, headers, tags: [], body, etag: md5(body), checksum: undefined, parts: undefined };
      const { id, etag } = s3.put(bucket, key, draft);
      return succeed(200, { etag: `"${etag}"`, ...newVersionHeader(id) });
    },
  };
}

/** Whether the bucket's policy forbids deletes that name no version. */
export function forbidsDeletes(bucket: NaiveBucket): boolean {
  return hasPolicy(bucket, 'nobody deletes');
}
