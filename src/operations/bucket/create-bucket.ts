import { BUCKETS_PER_TENANT_MAX, type Bucket, type Owner } from '../../domain/bucket.ts';
import { type BucketName, parseRegionName, type RegionName } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { Stores } from '../../stores/stores.ts';
import type { XmlElement } from '../../xml/parse.ts';
import { type BodyDigests, parseBodyDigests } from '../body-digests.ts';
import { finishBucketRemoval } from '../bucket-closed.ts';
import { booleanHeader, invalidArgument } from '../headers/parameters.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { reply } from '../reply.ts';
import type { HeaderMap, RequestBody, S3Request } from '../request.ts';
import { requesterOf } from '../requester.ts';
import { fieldsOf, readOptionalXmlBody } from '../xml-body.ts';

const BODY_BYTES_MAX = 1024 ** 2;
/** The region whose name stands for "no location constraint", and whose buckets their owner may create again. */
const CLASSIC_REGION = parseRegionName('us-east-1');
/** How often the claim is tried when the name is freed under our hands. */
const CLAIMS_MAX = 3;

/** Canned ACLs that leave a bucket to its owner alone; the last two are of objects, and S3 ignores them here. */
const CANNED_ACLS_HONOURED: ReadonlySet<string> = new Set([
  'private',
  'bucket-owner-full-control',
  'bucket-owner-read',
]);
const CANNED_ACLS_KNOWN: ReadonlySet<string> = new Set([
  'authenticated-read',
  'aws-exec-read',
  'log-delivery-write',
  'public-read',
  'public-read-write',
]);
const OBJECT_OWNERSHIPS: ReadonlySet<string> = new Set(['BucketOwnerPreferred', 'ObjectWriter']);

interface CreateBucketInput {
  readonly name: BucketName;
  readonly body: RequestBody;
  readonly digests: BodyDigests;
}

/**
 * CreateBucket: claims a name for the requester, in the region that the body's LocationConstraint names.
 *
 * A bucket has the ACL `private` and the object ownership `BucketOwnerEnforced`; asking for just those is fine. Making
 * one's own bucket again is 200 in us-east-1 and BucketAlreadyOwnedByYou elsewhere, as with AWS.
 * Errors: InvalidLocationConstraint, MalformedXML, TooManyBuckets 400 · BucketAlreadyExists,
 *   BucketAlreadyOwnedByYou 409 · NotImplemented 501 for other ACLs and ownerships, and for object lock.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
 */
export const createBucket = defineOperation({
  name: 'CreateBucket',
  scope: 'new-bucket',
  action: 's3:CreateBucket',
  parameters: ['ACL', 'CreateBucketConfiguration', 'ObjectLockEnabledForBucket', 'ObjectOwnership'],

  parse(request): CreateBucketInput {
    checkAcl(request.headers);
    checkObjectOwnership(request.headers);
    checkObjectLock(request);
    return { name: request.bucket, body: request.body, digests: parseBodyDigests(request) };
  },

  async run(context, { name, body, digests }) {
    const owner = requesterOf(context.identity);
    const limits = { root: 'CreateBucketConfiguration', bytesMax: BODY_BYTES_MAX, digests };
    const configuration = await readOptionalXmlBody(body, limits);
    const region = regionOf(configuration, context.stores);
    await claimName(context, makeBucket(context, { name, owner, region }));
    return name;
  },

  render: (name) => reply(200, { Location: `/${name}` }),
});

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl */
function checkAcl(headers: HeaderMap): void {
  const acl = headers.get('x-amz-acl');
  if (acl === undefined || CANNED_ACLS_HONOURED.has(acl)) return;
  if (!CANNED_ACLS_KNOWN.has(acl)) throw invalidArgument('x-amz-acl', acl, 'The canned ACL is not one that S3 knows.');
  throw notImplemented('x-amz-acl', `The canned ACL ${acl} is not implemented: leave it out, or use private.`);
}

function checkObjectOwnership(headers: HeaderMap): void {
  const ownership = headers.get('x-amz-object-ownership');
  if (ownership === undefined || ownership === 'BucketOwnerEnforced') return;
  if (!OBJECT_OWNERSHIPS.has(ownership)) {
    throw invalidArgument('x-amz-object-ownership', ownership, 'The object ownership is not one that S3 knows.');
  }
  const message = `The object ownership ${ownership} is not implemented: leave it out, or use BucketOwnerEnforced.`;
  throw notImplemented('x-amz-object-ownership', message);
}

function checkObjectLock(request: S3Request): void {
  const header = 'x-amz-bucket-object-lock-enabled';
  if (booleanHeader(request, header)) throw notImplemented(header, 'Object lock is not implemented.');
}

function notImplemented(header: string, message: string): S3Error {
  return new S3Error('NotImplemented', { message, elements: { Header: header } });
}

function regionOf(configuration: XmlElement | undefined, stores: Stores): RegionName {
  if (configuration === undefined) return stores.defaultRegion;
  const fields = fieldsOf(configuration, {
    single: ['LocationConstraint'],
    notImplemented: ['Bucket', 'Location', 'Tags'],
  });
  const constraint = fields.text('LocationConstraint') ?? '';
  if (constraint === '') return stores.defaultRegion;
  const region = parseRegionName(constraint);
  if (region !== undefined && stores.regions.has(region)) return region;
  if (region === CLASSIC_REGION) return stores.defaultRegion;
  throw new S3Error('InvalidLocationConstraint', {
    message: `The specified location constraint is not valid. Use one of ${[...stores.regions.keys()].join(', ')}.`,
    elements: { LocationConstraint: constraint },
  });
}

function makeBucket(
  { ids, clock }: OperationContext,
  claim: { name: BucketName; owner: Owner; region: RegionName },
): Bucket {
  const configuration = { versioning: 'unversioned' } as const;
  return { ...claim, id: ids.bucketId(), createdAtMs: clock.nowMs(), configuration, revision: 1 };
}

async function claimName({ stores, signal }: OperationContext, bucket: Bucket): Promise<void> {
  await checkBucketsCount(stores, bucket.owner, signal);
  for (let claim = 1; claim <= CLAIMS_MAX; claim++) {
    const outcome = await stores.buckets.createBucket(bucket, { signal });
    if (outcome.kind === 'created') return;
    const { bucket: existing } = outcome;
    if (!(await isClosed(stores, existing, signal))) return answerExisting(bucket, existing);
    await finishBucketRemoval(stores, existing, { signal });
  }
  throw new S3Error('OperationAborted', { elements: { BucketName: bucket.name } });
}

/** Reads the names of all the owner's buckets; two requests at once may each take the last place. */
async function checkBucketsCount(stores: Stores, { tenant }: Owner, signal: AbortSignal): Promise<void> {
  const range = { tenant, prefix: '', after: undefined, limit: BUCKETS_PER_TENANT_MAX };
  const buckets = await stores.buckets.listBuckets(range, { signal });
  if (buckets.length >= BUCKETS_PER_TENANT_MAX) throw new S3Error('TooManyBuckets');
}

/** Whether a DeleteBucket closed the bucket and died before it freed the name. */
async function isClosed(stores: Stores, bucket: Bucket, signal: AbortSignal): Promise<boolean> {
  const region = stores.regions.get(bucket.region);
  return region !== undefined && (await region.meta.isBucketClosed(bucket.id, { signal }));
}

function answerExisting(bucket: Bucket, existing: Bucket): void {
  const elements = { BucketName: bucket.name };
  if (existing.owner.tenant !== bucket.owner.tenant) throw new S3Error('BucketAlreadyExists', { elements });
  const isRepeated = existing.region === CLASSIC_REGION && bucket.region === CLASSIC_REGION;
  if (!isRepeated) throw new S3Error('BucketAlreadyOwnedByYou', { elements });
}
