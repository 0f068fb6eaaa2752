import { BUCKETS_PER_TENANT_MAX, type Bucket, type Owner } from '../../domain/bucket.ts';
import { parseRegionName, type RegionName } from '../../domain/names.ts';
import { element, textElement, timestampElement, xmlDocument } from '../../xml/build.ts';
import { invalidArgument } from '../headers/parameters.ts';
import { decodeToken, encodeToken, parseKeyText, parseMaximum } from '../listing-request.ts';
import { ownerElement } from '../listing-xml.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import { requesterOf } from '../requester.ts';

/** How many buckets are read from the store at a time. */
const BUCKETS_PER_READ = 1000;
const TOKEN_SCOPE = 'ListBuckets';

interface ListBucketsInput {
  /** The name after which the page begins. */
  readonly after: string | undefined;
  readonly bucketsMax: number;
  readonly prefix: string | undefined;
  readonly region: RegionName | undefined;
  /** Whether the client sent any parameter: then each bucket is shown with its region. */
  readonly withRegions: boolean;
}

interface ListBucketsOutput {
  readonly input: ListBucketsInput;
  readonly owner: Owner;
  readonly buckets: readonly Bucket[];
  readonly isTruncated: boolean;
}

/**
 * ListBuckets: the buckets that the requester owns, by name, in one page unless `max-buckets` asks for less.
 *
 * Errors: InvalidArgument 400 · AccessDenied 403 for an anonymous request.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
 */
export const listBuckets = defineOperation({
  name: 'ListBuckets',
  scope: 'service',
  action: 's3:ListAllMyBuckets',
  parameters: ['BucketRegion', 'ContinuationToken', 'MaxBuckets', 'Prefix'],

  parse({ query }): ListBucketsInput {
    const token = query.get('continuation-token') || undefined;
    const region = query.get('bucket-region') || undefined;
    const bucketsMax = parseMaximum(query, 'max-buckets');
    const prefix = parseKeyText(query, 'prefix');
    if (bucketsMax !== undefined && (bucketsMax < 1 || bucketsMax > BUCKETS_PER_TENANT_MAX)) {
      const message = `max-buckets must be between 1 and ${BUCKETS_PER_TENANT_MAX}.`;
      throw invalidArgument('max-buckets', String(bucketsMax), message);
    }
    return {
      after: token === undefined ? undefined : decodeToken(TOKEN_SCOPE, token),
      bucketsMax: bucketsMax ?? BUCKETS_PER_TENANT_MAX,
      prefix,
      region: region === undefined ? undefined : parseRegion(region),
      withRegions: [token, region, bucketsMax, prefix].some((parameter) => parameter !== undefined),
    };
  },

  async run(context, input): Promise<ListBucketsOutput> {
    const owner = requesterOf(context.identity);
    const found = await findBuckets(context, input, owner);
    const isTruncated = found.length > input.bucketsMax;
    return { input, owner, buckets: isTruncated ? found.slice(0, input.bucketsMax) : found, isTruncated };
  },

  render({ input, owner, buckets, isTruncated }) {
    const lastName = isTruncated ? buckets.at(-1)?.name : undefined;
    const text = xmlDocument('ListAllMyBucketsResult', [
      ownerElement('Owner', owner),
      element(
        'Buckets',
        buckets.map((bucket) =>
          element('Bucket', [
            textElement('Name', bucket.name),
            timestampElement('CreationDate', bucket.createdAtMs),
            textElement('BucketRegion', input.withRegions ? bucket.region : undefined),
          ]),
        ),
      ),
      textElement('ContinuationToken', lastName === undefined ? undefined : encodeToken(TOKEN_SCOPE, lastName)),
      textElement('Prefix', input.prefix),
    ]);
    return xmlReply(text);
  },
});

/** The buckets of the page, and one more where there is one. Reads at most every bucket of the owner once. */
async function findBuckets(
  { stores, signal }: OperationContext,
  { after, bucketsMax, prefix = '', region }: ListBucketsInput,
  { tenant }: Owner,
): Promise<readonly Bucket[]> {
  const found: Bucket[] = [];
  let lastName = after;
  while (found.length <= bucketsMax) {
    const limit = region === undefined ? Math.min(BUCKETS_PER_READ, bucketsMax + 1 - found.length) : BUCKETS_PER_READ;
    const read = await stores.buckets.listBuckets({ tenant, prefix, after: lastName, limit }, { signal });
    for (const bucket of read) {
      if (region === undefined || bucket.region === region) found.push(bucket);
    }
    if (read.length < limit) break;
    lastName = read.at(-1)?.name;
  }
  return found;
}

function parseRegion(text: string): RegionName {
  const region = parseRegionName(text);
  if (region === undefined) throw invalidArgument('bucket-region', text, `${text} is not a valid region.`);
  return region;
}
