import type { BucketName, RegionName } from '../../domain/names.ts';
import type { ListedObject } from '../../domain/object-version.ts';
import type { ListPosition } from '../../stores/metastore.ts';
import { element, textElement, xmlDocument } from '../../xml/build.ts';
import { invalidArgument } from '../headers/parameters.ts';
import { interpretMarker, type Page, type PageRange, readPage } from '../listing.ts';
import { type ListingInput, parseKeyText, parseListing } from '../listing-request.ts';
import { commonPrefixElements, keyEncoder, listingOptions, objectElements } from '../listing-xml.ts';
import { defineOperation, type OpenBucket, type OperationContext } from '../operation.ts';
import { xmlReply } from '../reply.ts';

interface ListObjectsInput extends ListingInput {
  readonly marker: string | undefined;
}

interface ListObjectsOutput {
  readonly input: ListObjectsInput;
  readonly page: Page<ListedObject>;
  readonly bucket: BucketName;
  readonly region: RegionName;
}

/**
 * ListObjects: one page of the current objects of a bucket, with their owners.
 *
 * `NextMarker` is sent only with a delimiter; without one the last key is the next marker.
 * Errors: InvalidArgument, KeyTooLongError 400.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
 */
export const listObjects = defineOperation({
  name: 'ListObjects',
  scope: 'bucket',
  action: 's3:ListBucket',
  parameters: ['Delimiter', 'EncodingType', 'Marker', 'MaxKeys', 'Prefix'],

  parse({ query }): ListObjectsInput {
    const listType = query.get('list-type');
    if (listType !== undefined) throw invalidArgument('list-type', listType, 'Invalid List Type specified in Request');
    return { ...parseListing(query, 'max-keys'), marker: parseKeyText(query, 'marker') };
  },

  async run(context, input): Promise<ListObjectsOutput> {
    const page = await readObjectsPage(context, input, input.marker);
    return { input, page, bucket: context.bucket.name, region: context.bucket.region };
  },

  render({ input, page, bucket, region }) {
    const encode = keyEncoder(input);
    const nextMarker = input.delimiter === undefined ? undefined : nextMarkerOf(page);
    const text = xmlDocument('ListBucketResult', [
      textElement('Name', bucket),
      textElement('Prefix', encode(input.prefix)),
      textElement('Marker', encode(input.marker ?? '')),
      textElement('NextMarker', nextMarker === undefined ? undefined : encode(nextMarker)),
      textElement('MaxKeys', input.itemsMax),
      ...listingOptions(input, encode),
      textElement('IsTruncated', page.isTruncated),
      ...page.rows.map((object) =>
        element('Contents', [textElement('Key', encode(object.key)), ...objectElements(object, { withOwner: true })]),
      ),
      ...commonPrefixElements(page.commonPrefixes, encode),
    ]);
    return xmlReply(text, { 'x-amz-bucket-region': region });
  },
});

/** The page of current objects behind `marker`, for both versions of the operation. */
export function readObjectsPage(
  { bucket, region, signal }: OperationContext & OpenBucket,
  range: PageRange,
  marker: string | undefined,
): Promise<Page<ListedObject>> {
  const { prefix } = range;
  const start = marker === undefined ? undefined : interpretMarker(marker, range);
  return readPage<ListedObject, ListPosition | undefined>(range, start, {
    read: (from, limit) => region.meta.listObjects({ bucketId: bucket.id, prefix, from, limit }, { signal }),
    keyOf: ({ key }) => key,
    afterRow: ({ key }) => ({ kind: 'after-key', key }),
    afterPrefix: (commonPrefix) => ({ kind: 'after-prefix', prefix: commonPrefix }),
  });
}

/** The marker with which the next page begins; `undefined` where there is none. */
export function nextMarkerOf({ isTruncated, last }: Page<ListedObject>): string | undefined {
  if (!isTruncated || last === undefined) return undefined;
  return last.kind === 'row' ? last.row.key : last.prefix;
}
