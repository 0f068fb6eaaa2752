import { DEFAULT_ATTRIBUTES } from '../../domain/object-version.ts';
import { textElement, xmlDocument } from '../../xml/build.ts';
import { throwBucketClosed } from '../bucket-closed.ts';
import {
  blobstoreOf,
  requireHonouredAcl,
  storageClassOf,
  systemHeaders,
  userMetadata,
} from '../headers/object-description.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import { parseUploadChecksum } from './upload-checksum.ts';

/**
 * CreateMultipartUpload: opens an upload and settles everything about its object but the bytes.
 *
 * Errors: InvalidRequest (a checksum algorithm and type that do not go together), InvalidStorageClass,
 * MetadataTooLarge 400 · NoSuchBucket 404 · NotImplemented 501.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
 */
export const createMultipartUpload = defineOperation({
  name: 'CreateMultipartUpload',
  scope: 'object',
  action: 's3:PutObject',
  parameters: [
    'ACL',
    'CacheControl',
    'ContentDisposition',
    'ContentEncoding',
    'ContentLanguage',
    'ContentType',
    'Expires',
    'Metadata',
    'StorageClass',
    'WebsiteRedirectLocation',
    'ChecksumAlgorithm',
    'ChecksumType',
  ],

  parse(request) {
    requireHonouredAcl(request);
    return {
      key: request.key,
      headers: systemHeaders(request),
      userMetadata: userMetadata(request),
      storageClass: storageClassOf(request),
      checksum: parseUploadChecksum(request.headers),
    };
  },

  async run(context, { key, headers, userMetadata, storageClass, checksum }) {
    const { region, signal, clock } = context;
    blobstoreOf(region, storageClass);
    const bucket = await context.refresh();
    const draft = {
      key,
      headers,
      userMetadata,
      storageClass,
      checksum,
      owner: bucket.owner,
      attributes: DEFAULT_ATTRIBUTES,
      initiatedAtMs: clock.nowMs(),
    };
    const outcome = await region.meta.createUpload(bucket.id, draft, { signal });
    if (outcome.kind === 'bucket-closed') return throwBucketClosed(context, key);
    return outcome.upload;
  },

  render(upload, request) {
    const document = xmlDocument('InitiateMultipartUploadResult', [
      textElement('Bucket', request.bucket),
      textElement('Key', upload.key),
      textElement('UploadId', upload.uploadId),
    ]);
    const checksum = upload.checksum?.requested ? upload.checksum : undefined;
    return xmlReply(document, {
      'x-amz-checksum-algorithm': checksum?.algorithm,
      'x-amz-checksum-type': checksum?.type,
    });
  },
});
