import { type BucketName, parseUploadId, type UploadId } from '../../domain/names.ts';
import type { Upload } from '../../domain/upload.ts';
import type { UploadRange } from '../../stores/uploads.ts';
import { element, textElement, timestampElement, type Xml, xmlDocument } from '../../xml/build.ts';
import { interpretMarker, type Page, readPage } from '../listing.ts';
import { type ListingInput, parseKeyText, parseListing } from '../listing-request.ts';
import {
  checksumElements,
  commonPrefixElements,
  type KeyEncoder,
  keyEncoder,
  listingOptions,
  ownerElement,
} from '../listing-xml.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

interface ListMultipartUploadsInput extends ListingInput {
  readonly keyMarker: string | undefined;
  readonly uploadIdMarker: UploadId | undefined;
}

interface ListMultipartUploadsOutput {
  readonly input: ListMultipartUploadsInput;
  readonly page: Page<Upload>;
  readonly bucket: BucketName;
}

type UploadPosition = Pick<UploadRange, 'after' | 'afterPrefix'>;

/**
 * ListMultipartUploads: one page of the uploads that are neither completed nor aborted, oldest first within a key.
 *
 * `upload-id-marker` counts only with `key-marker`. Next markers are sent even where nothing follows, as AWS does;
 * after a common prefix AWS sends none and cannot go on, here the prefix is the next key marker.
 * Errors: InvalidArgument, KeyTooLongError 400.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
 */
export const listMultipartUploads = defineOperation({
  name: 'ListMultipartUploads',
  scope: 'bucket',
  action: 's3:ListBucketMultipartUploads',
  parameters: ['Delimiter', 'EncodingType', 'KeyMarker', 'MaxUploads', 'Prefix', 'UploadIdMarker'],

  parse({ query }): ListMultipartUploadsInput {
    const keyMarker = parseKeyText(query, 'key-marker');
    const uploadIdMarker = query.get('upload-id-marker') || undefined;
    const isMarked = keyMarker !== undefined && uploadIdMarker !== undefined;
    return {
      ...parseListing(query, 'max-uploads'),
      keyMarker,
      uploadIdMarker: isMarked ? parseUploadId(uploadIdMarker) : undefined,
    };
  },

  async run({ bucket, region, signal }, input): Promise<ListMultipartUploadsOutput> {
    const { prefix } = input;
    const page = await readPage<Upload, UploadPosition>(input, startOf(input), {
      read: (from, limit) => region.meta.listUploads({ bucketId: bucket.id, prefix, ...from, limit }, { signal }),
      keyOf: ({ key }) => key,
      afterRow: ({ key, uploadId }) => ({ after: { key, uploadId } }),
      afterPrefix: (afterPrefix) => ({ after: undefined, afterPrefix }),
    });
    return { input, page, bucket: bucket.name };
  },

  render({ input, page, bucket }) {
    const encode = keyEncoder(input);
    const text = xmlDocument('ListMultipartUploadsResult', [
      textElement('Bucket', bucket),
      textElement('KeyMarker', encode(input.keyMarker ?? '')),
      textElement('UploadIdMarker', input.uploadIdMarker ?? ''),
      ...nextMarkers(page, encode),
      textElement('Prefix', encode(input.prefix)),
      textElement('MaxUploads', input.itemsMax),
      ...listingOptions(input, encode),
      textElement('IsTruncated', page.isTruncated),
      ...page.rows.map((upload) => uploadElement(upload, encode)),
      ...commonPrefixElements(page.commonPrefixes, encode),
    ]);
    return xmlReply(text);
  },
});

function startOf(input: ListMultipartUploadsInput): UploadPosition {
  const { keyMarker, uploadIdMarker } = input;
  if (keyMarker === undefined) return { after: undefined };
  const start = interpretMarker(keyMarker, input);
  if (start.kind === 'after-prefix') return { after: undefined, afterPrefix: start.prefix };
  return { after: { key: keyMarker, uploadId: uploadIdMarker } };
}

function nextMarkers({ last, isTruncated }: Page<Upload>, encode: KeyEncoder): Xml[] {
  const isRow = last?.kind === 'row';
  const afterPrefix = last?.kind === 'common-prefix' && isTruncated ? last.prefix : '';
  return [
    textElement('NextKeyMarker', encode(isRow ? last.row.key : afterPrefix)),
    textElement('NextUploadIdMarker', isRow ? last.row.uploadId : ''),
  ];
}

function uploadElement(upload: Upload, encode: KeyEncoder): Xml {
  return element('Upload', [
    textElement('Key', encode(upload.key)),
    textElement('UploadId', upload.uploadId),
    ownerElement('Initiator', upload.initiator ?? upload.owner),
    ownerElement('Owner', upload.owner),
    textElement('StorageClass', upload.storageClass),
    timestampElement('Initiated', upload.initiatedAtMs),
    ...checksumElements(upload.checksum?.requested === true ? upload.checksum : undefined),
  ]);
}
