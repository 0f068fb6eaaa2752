import type { BucketName, RegionName, VersionId } from '../../domain/names.ts';
import type { ListedVersion } from '../../domain/object-version.ts';
import type { ListPosition } from '../../stores/metastore.ts';
import { element, textElement, timestampElement, type Xml, xmlDocument } from '../../xml/build.ts';
import { invalidArgument, requireVersionId } from '../headers/parameters.ts';
import { interpretMarker, type Page, readPage } from '../listing.ts';
import { type ListingInput, parseKeyText, parseListing } from '../listing-request.ts';
import {
  commonPrefixElements,
  type KeyEncoder,
  keyEncoder,
  listingOptions,
  objectElements,
  ownerElement,
} from '../listing-xml.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

interface ListObjectVersionsInput extends ListingInput {
  readonly keyMarker: string | undefined;
  readonly versionIdMarker: VersionId | undefined;
}

interface ListObjectVersionsOutput {
  readonly input: ListObjectVersionsInput;
  readonly page: Page<ListedVersion>;
  readonly bucket: BucketName;
  readonly region: RegionName;
}

/**
 * ListObjectVersions: one page of all versions and delete markers of a bucket, newest first within a key.
 *
 * Errors: InvalidArgument, KeyTooLongError 400.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 */
export const listObjectVersions = defineOperation({
  name: 'ListObjectVersions',
  scope: 'bucket',
  action: 's3:ListBucketVersions',
  parameters: ['Delimiter', 'EncodingType', 'KeyMarker', 'MaxKeys', 'Prefix', 'VersionIdMarker'],

  parse({ query }): ListObjectVersionsInput {
    const keyMarker = parseKeyText(query, 'key-marker');
    const versionIdMarker = query.get('version-id-marker') || undefined;
    if (versionIdMarker !== undefined && keyMarker === undefined) {
      const message = 'A version-id marker cannot be specified without a key marker.';
      throw invalidArgument('version-id-marker', versionIdMarker, message);
    }
    return {
      ...parseListing(query, 'max-keys'),
      keyMarker,
      versionIdMarker: versionIdMarker === undefined ? undefined : requireVersionId(versionIdMarker),
    };
  },

  async run({ bucket, region, signal }, input): Promise<ListObjectVersionsOutput> {
    const { prefix } = input;
    const page = await readPage<ListedVersion, ListPosition | undefined>(input, startOf(input), {
      read: (from, limit) => region.meta.listVersions({ bucketId: bucket.id, prefix, from, limit }, { signal }),
      keyOf: ({ key }) => key,
      afterRow: ({ key, versionId }) => ({ kind: 'after-version', key, versionId }),
      afterPrefix: (commonPrefix) => ({ kind: 'after-prefix', prefix: commonPrefix }),
    });
    return { input, page, bucket: bucket.name, region: bucket.region };
  },

  render({ input, page, bucket, region }) {
    const encode = keyEncoder(input);
    const text = xmlDocument('ListVersionsResult', [
      textElement('Name', bucket),
      textElement('Prefix', encode(input.prefix)),
      textElement('KeyMarker', encode(input.keyMarker ?? '')),
      textElement('VersionIdMarker', input.versionIdMarker ?? ''),
      ...nextMarkers(page, encode),
      textElement('MaxKeys', input.itemsMax),
      ...listingOptions(input, encode),
      textElement('IsTruncated', page.isTruncated),
      ...page.rows.map((version) => versionElement(version, encode)),
      ...commonPrefixElements(page.commonPrefixes, encode),
    ]);
    return xmlReply(text, { 'x-amz-bucket-region': region });
  },
});

function startOf(input: ListObjectVersionsInput): ListPosition | undefined {
  const { keyMarker, versionIdMarker } = input;
  if (keyMarker === undefined) return undefined;
  const start = interpretMarker(keyMarker, input);
  if (start.kind === 'after-prefix' || versionIdMarker === undefined) return start;
  return { kind: 'after-version', key: keyMarker, versionId: versionIdMarker };
}

/** After a common prefix there is no version to go on from. */
function nextMarkers({ isTruncated, last }: Page<ListedVersion>, encode: KeyEncoder): Xml[] {
  if (!isTruncated || last === undefined) return [];
  if (last.kind === 'common-prefix') return [textElement('NextKeyMarker', encode(last.prefix))];
  const { key, versionId } = last.row;
  return [textElement('NextKeyMarker', encode(key)), textElement('NextVersionIdMarker', versionId)];
}

function versionElement(version: ListedVersion, encode: KeyEncoder): Xml {
  const identity = [
    textElement('Key', encode(version.key)),
    textElement('VersionId', version.versionId),
    textElement('IsLatest', version.isLatest),
  ];
  switch (version.kind) {
    case 'object':
      return element('Version', [...identity, ...objectElements(version, { withOwner: true })]);
    case 'delete-marker':
      return element('DeleteMarker', [
        ...identity,
        timestampElement('LastModified', version.lastModifiedMs),
        ownerElement('Owner', version.owner),
      ]);
  }
}
