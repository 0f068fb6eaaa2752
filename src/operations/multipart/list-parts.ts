import { PART_NUMBER_MAX, type Part, type Upload } from '../../domain/upload.ts';
import { element, textElement, timestampElement, type Xml, xmlDocument } from '../../xml/build.ts';
import { quoteETag } from '../headers/object-headers.ts';
import { integerParameter } from '../headers/parameters.ts';
import { checksumElements, ownerElement } from '../listing-xml.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import { checksumElement } from './upload-checksum.ts';
import { getOpenUpload, uploadTarget } from './upload-target.ts';

/** Most parts on one page, and how many there are unless the client asks for fewer. */
const PARTS_PER_PAGE_MAX = 1000;

interface PartPage {
  readonly upload: Upload;
  readonly afterPartNumber: number;
  readonly limit: number;
  readonly parts: readonly Part[];
  readonly isTruncated: boolean;
}

/**
 * ListParts: the parts of an open upload by number, a page at a time.
 *
 * Errors: InvalidArgument 400 · NoSuchUpload 404, also for an upload that was completed.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
 */
export const listParts = defineOperation({
  name: 'ListParts',
  scope: 'object',
  action: 's3:ListMultipartUploadParts',
  parameters: ['UploadId', 'MaxParts', 'PartNumberMarker'],

  parse: (request) => ({
    target: uploadTarget(request),
    // More than a page is no error: S3 gives a page.
    limit: Math.min(
      integerParameter(request, 'max-parts', { min: 0, max: 2 ** 31 - 1 }) ?? PARTS_PER_PAGE_MAX,
      PARTS_PER_PAGE_MAX,
    ),
    afterPartNumber: Math.min(
      integerParameter(request, 'part-number-marker', { min: 0, max: 2 ** 31 - 1 }) ?? 0,
      PART_NUMBER_MAX,
    ),
  }),

  async run(context, { target, limit, afterPartNumber }): Promise<PartPage> {
    const { bucket, region, signal } = context;
    const upload = await getOpenUpload(context, target);
    const at = { bucketId: bucket.id, ...target };
    const found = limit === 0 ? [] : await region.meta.listParts(at, { afterPartNumber, limit: limit + 1 }, { signal });
    const parts = found.slice(0, limit);
    return { upload, afterPartNumber, limit, parts, isTruncated: found.length > limit };
  },

  render({ upload, afterPartNumber, limit, parts, isTruncated }, request) {
    const checksum = upload.checksum?.requested ? upload.checksum : undefined;
    const document = xmlDocument('ListPartsResult', [
      textElement('Bucket', request.bucket),
      textElement('Key', upload.key),
      textElement('UploadId', upload.uploadId),
      ownerElement('Initiator', upload.initiator ?? upload.owner),
      ownerElement('Owner', upload.owner),
      textElement('StorageClass', upload.storageClass),
      textElement('PartNumberMarker', afterPartNumber),
      textElement('NextPartNumberMarker', parts.at(-1)?.partNumber ?? 0),
      textElement('MaxParts', limit),
      textElement('IsTruncated', isTruncated),
      ...checksumElements(checksum),
      ...parts.map(partElement),
    ]);
    return xmlReply(document);
  },
});

function partElement({ partNumber, lastModifiedMs, etag, sizeBytes, checksum }: Part): Xml {
  return element('Part', [
    textElement('PartNumber', partNumber),
    timestampElement('LastModified', lastModifiedMs),
    textElement('ETag', quoteETag(etag)),
    textElement('Size', sizeBytes),
    checksumElement(checksum),
  ]);
}
