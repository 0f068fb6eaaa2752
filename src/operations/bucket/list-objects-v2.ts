import type { BucketName, RegionName } from '../../domain/names.ts';
import type { ListedObject } from '../../domain/object-version.ts';
import { element, textElement, xmlDocument } from '../../xml/build.ts';
import { invalidArgument } from '../headers/parameters.ts';
import type { Page } from '../listing.ts';
import { decodeToken, encodeToken, type ListingInput, parseKeyText, parseListing } from '../listing-request.ts';
import { commonPrefixElements, keyEncoder, listingOptions, objectElements } from '../listing-xml.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import type { ParameterMap } from '../request.ts';
import { nextMarkerOf, readObjectsPage } from './list-objects.ts';

interface ListObjectsV2Input extends ListingInput {
  readonly continuationToken: string | undefined;
  readonly startAfter: string | undefined;
  /** Where the page begins: the token's position, or else `startAfter`. */
  readonly marker: string | undefined;
  readonly withOwner: boolean;
}

interface ListObjectsV2Output {
  readonly input: ListObjectsV2Input;
  readonly page: Page<ListedObject>;
  readonly bucket: BucketName;
  readonly region: RegionName;
}

/**
 * ListObjectsV2: one page of the current objects of a bucket, continued by an opaque token.
 *
 * A token wins over `start-after`; one that was not made here, or for another bucket, is refused.
 * Errors: InvalidArgument, KeyTooLongError 400.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export const listObjectsV2 = defineOperation({
  name: 'ListObjectsV2',
  scope: 'bucket',
  action: 's3:ListBucket',
  parameters: ['ContinuationToken', 'Delimiter', 'EncodingType', 'FetchOwner', 'MaxKeys', 'Prefix', 'StartAfter'],

  parse({ query, bucket }): ListObjectsV2Input {
    const continuationToken = query.get('continuation-token');
    const startAfter = parseKeyText(query, 'start-after');
    return {
      ...parseListing(query, 'max-keys'),
      continuationToken,
      startAfter,
      marker: continuationToken === undefined ? startAfter : decodeToken(tokenScope(bucket), continuationToken),
      withOwner: parseFetchOwner(query),
    };
  },

  async run(context, input): Promise<ListObjectsV2Output> {
    const page = await readObjectsPage(context, input, input.marker);
    return { input, page, bucket: context.bucket.name, region: context.bucket.region };
  },

  render({ input, page, bucket, region }) {
    const { continuationToken, startAfter, withOwner } = input;
    const encode = keyEncoder(input);
    const nextMarker = nextMarkerOf(page);
    const nextToken = nextMarker === undefined ? undefined : encodeToken(tokenScope(bucket), nextMarker);
    const text = xmlDocument('ListBucketResult', [
      textElement('Name', bucket),
      textElement('Prefix', encode(input.prefix)),
      textElement('ContinuationToken', continuationToken),
      textElement('NextContinuationToken', nextToken),
      textElement('StartAfter', startAfter === undefined ? undefined : encode(startAfter)),
      textElement('KeyCount', page.rows.length + page.commonPrefixes.length),
      textElement('MaxKeys', input.itemsMax),
      ...listingOptions(input, encode),
      textElement('IsTruncated', page.isTruncated),
      ...page.rows.map((object) =>
        element('Contents', [textElement('Key', encode(object.key)), ...objectElements(object, { withOwner })]),
      ),
      ...commonPrefixElements(page.commonPrefixes, encode),
    ]);
    return xmlReply(text, { 'x-amz-bucket-region': region });
  },
});

function tokenScope(bucket: BucketName): string {
  return `ListObjectsV2 ${bucket}`;
}

function parseFetchOwner(query: ParameterMap): boolean {
  const text = query.get('fetch-owner') ?? '';
  if (text === 'true') return true;
  if (text === 'false' || text === '') return false;
  throw invalidArgument('fetch-owner', text, 'fetch-owner must be true or false.');
}
