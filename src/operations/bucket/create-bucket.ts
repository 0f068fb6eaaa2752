import {
  BUCKETS_PER_TENANT_MAX,
  type Bucket,
  initialConfiguration,
  OBJECT_OWNERSHIPS,
  type ObjectOwnership,
  type Owner,
  parseObjectOwnership,
} from '../../domain/bucket.ts';
import { type BucketName, parseRegionName, type RegionName } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { Stores } from '../../stores/stores.ts';
import type { XmlElement } from '../../xml/parse.ts';
import { bucketAcl, grantsOthers } from '../acl/apply-acl.ts';
import { ACL_PARAMETERS, parseAclHeaders, type RequestedAcl } from '../acl/requested-acl.ts';
import { type ResolvedAcl, resolveAcl } from '../acl/resolve-acl.ts';
import { type BodyDigests, parseBodyDigests } from '../body-digests.ts';
import { finishBucketRemoval } from '../bucket-closed.ts';
import { booleanHeader, invalidArgument } from '../headers/parameters.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { reply } from '../reply.ts';
import type { RequestBody, S3Request } from '../request.ts';
import { requesterOf } from '../requester.ts';
import { fieldsOf, readOptionalXmlBody } from '../xml-body.ts';

const BODY_BYTES_MAX = 1024 ** 2;
/** The region whose name stands for "no location constraint", and whose buckets their owner may create again. */
const CLASSIC_REGION = parseRegionName('us-east-1');
/** How often the claim is tried when the name is freed under our hands. */
const CLAIMS_MAX = 3;

interface CreateBucketInput {
  readonly name: BucketName;
  readonly acl: RequestedAcl;
  readonly objectOwnership: ObjectOwnership | undefined;
  readonly body: RequestBody;
  readonly digests: BodyDigests;
}

/**
 * CreateBucket: claims a name for the requester, in the region that the body's LocationConstraint names.
 *
 * Making one's own bucket again is 200 in us-east-1 and BucketAlreadyOwnedByYou elsewhere, as with AWS, and where an ACL
 * or an object ownership is asked for; nothing of it changes.
 * Errors: InvalidArgument, InvalidBucketAclWithObjectOwnership, InvalidLocationConstraint, MalformedXML, TooManyBuckets,
 *   UnresolvableGrantByEmailAddress 400 · BucketAlreadyExists, BucketAlreadyOwnedByYou 409 · NotImplemented 501 for
 *   object lock.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
 */
export const createBucket = defineOperation({
  name: 'CreateBucket',
  scope: 'new-bucket',
  action: 's3:CreateBucket',
  parameters: [
    ...ACL_PARAMETERS,
    'GrantWrite',
    'CreateBucketConfiguration',
    'ObjectLockEnabledForBucket',
    'ObjectOwnership',
  ],

  parse(request): CreateBucketInput {
    checkObjectLock(request);
    return {
      name: request.bucket,
      acl: parseAclHeaders(request.headers),
      objectOwnership: objectOwnershipOf(request),
      body: request.body,
      digests: parseBodyDigests(request),
    };
  },

  async run(context, { name, acl, objectOwnership, body, digests }) {
    const owner = requesterOf(context.identity);
    const limits = { root: 'CreateBucketConfiguration', bytesMax: BODY_BYTES_MAX, digests };
    const configuration = await readOptionalXmlBody(body, limits);
    const region = regionOf(configuration, context.stores);
    const bucket = makeBucket(context, { name, owner, region }, objectOwnership);
    const asksForMore = acl.kind !== 'default' || objectOwnership !== undefined;
    await claimName(context, withAcl(bucket, await resolveAcl(context, acl)), asksForMore);
    return name;
  },

  render: (name) => reply(200, { Location: `/${name}` }),
});

function objectOwnershipOf({ headers }: S3Request): ObjectOwnership | undefined {
  const header = 'x-amz-object-ownership';
  const text = headers.get(header);
  if (text === undefined) return undefined;
  const ownership = parseObjectOwnership(text);
  if (ownership !== undefined) return ownership;
  throw invalidArgument(header, text, `${header} must be one of ${OBJECT_OWNERSHIPS.join(', ')}.`);
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
  { ids, clock, defaultObjectOwnership }: OperationContext,
  claim: { name: BucketName; owner: Owner; region: RegionName },
  asked: ObjectOwnership | undefined,
): Bucket {
  const initial = initialConfiguration(defaultObjectOwnership);
  const configuration = asked === undefined ? initial : { ...initial, objectOwnership: asked };
  return { ...claim, id: ids.bucketId(), createdAtMs: clock.nowMs(), configuration, revision: 1 };
}

function withAcl(bucket: Bucket, acl: ResolvedAcl): Bucket {
  if (acl.kind === 'default') return bucket;
  const { configuration } = bucket;
  const enforced = configuration.objectOwnership === 'BucketOwnerEnforced';
  const grants = bucketAcl(enforced ? { ...bucket, configuration: { versioning: 'unversioned' } } : bucket, acl);
  if (enforced && grantsOthers(bucket.owner, grants)) {
    throw new S3Error('InvalidBucketAclWithObjectOwnership', { elements: { BucketName: bucket.name } });
  }
  return enforced ? bucket : { ...bucket, configuration: { ...configuration, ...(grants && { acl: grants }) } };
}

async function claimName({ stores, signal }: OperationContext, bucket: Bucket, asksForMore: boolean): Promise<void> {
  await checkBucketsCount(stores, bucket.owner, signal);
  for (let claim = 1; claim <= CLAIMS_MAX; claim++) {
    const outcome = await stores.buckets.createBucket(bucket, { signal });
    if (outcome.kind === 'created') return;
    const { bucket: existing } = outcome;
    if (!(await isClosed(stores, existing, signal))) return answerExisting(bucket, existing, asksForMore);
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

/** AWS would put back the ACL of a bucket that is made again; here it stays, and a request for another one is told so. */
function answerExisting(bucket: Bucket, existing: Bucket, asksForMore: boolean): void {
  const elements = { BucketName: bucket.name };
  if (existing.owner.tenant !== bucket.owner.tenant) throw new S3Error('BucketAlreadyExists', { elements });
  const isRepeated = existing.region === CLASSIC_REGION && bucket.region === CLASSIC_REGION && !asksForMore;
  if (!isRepeated) throw new S3Error('BucketAlreadyOwnedByYou', { elements });
}
