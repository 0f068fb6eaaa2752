import { PART_BYTES_MAX, type Part } from '../../domain/upload.ts';
import { CHECKSUM_PARAMETERS, checksumHeaderName, expectedBody } from '../headers/expected-body.ts';
import { quoteETag } from '../headers/object-headers.ts';
import { defineOperation } from '../operation.ts';
import { receiveBody } from '../receive-body.ts';
import { reply } from '../reply.ts';
import { partAlgorithm, partChecksum } from './upload-checksum.ts';
import { getOpenUpload, partNumberOf, requireStored, uploadTarget } from './upload-target.ts';

/**
 * UploadPart: stores one part of an open upload, in place of an earlier one with its number.
 *
 * The body streams into a blob of the upload's storage class. Its checksum is computed whether or not the client sends
 * one, so that the object gets its own.
 * Errors: InvalidArgument (part number), EntityTooLarge, BadDigest, InvalidDigest, IncompleteBody, InvalidRequest
 * (another checksum algorithm than the upload's) 400 · NoSuchUpload 404 · ServiceUnavailable 503.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
 */
export const uploadPart = defineOperation({
  name: 'UploadPart',
  scope: 'object',
  action: 's3:PutObject',
  parameters: [
    'PartNumber',
    'UploadId',
    'Body',
    'ContentLength',
    'ContentMD5',
    'ChecksumAlgorithm',
    ...CHECKSUM_PARAMETERS,
  ],

  parse: (request) => ({
    target: uploadTarget(request),
    partNumber: partNumberOf(request),
    expected: expectedBody(request, { bytesMax: PART_BYTES_MAX }),
    body: request.body,
  }),

  async run(context, { target, partNumber, expected, body }): Promise<Part> {
    const { region, signal, clock } = context;
    const upload = await getOpenUpload(context, target);
    const algorithm = partAlgorithm(upload.checksum, expected.checksum?.algorithm);
    await using received = await receiveBody(context, body, {
      storageClass: upload.storageClass,
      expected: { ...expected, checksum: expected.checksum ?? { algorithm, source: { kind: 'computed' } } },
      inlineBytesMax: 0,
    });
    const part: Part = {
      partNumber,
      sizeBytes: received.sizeBytes,
      etag: received.etag,
      checksum: received.checksum && partChecksum(upload.checksum, received.checksum),
      lastModifiedMs: clock.nowMs(),
      body: received.body.kind === 'blob' ? received.body.blob : undefined,
    };
    const { id: bucketId } = await context.refresh();
    const outcome = await received.commit(() => region.meta.putPart({ bucketId, ...target }, part, { signal }));
    return requireStored(target, part, outcome);
  },

  render: ({ etag, checksum }) =>
    reply(200, {
      ETag: quoteETag(etag),
      ...(checksum && { [checksumHeaderName(checksum.algorithm)]: checksum.value }),
    }),
});
