import type { ChecksumAlgorithm } from '../../domain/checksum.ts';
import type { BlobAddress } from '../../domain/object-version.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { PART_BYTES_MAX, type Part, type Upload } from '../../domain/upload.ts';
import type { ByteRange } from '../../stores/blobstore.ts';
import { textElement, timestampElement, xmlDocument } from '../../xml/build.ts';
import {
  type OpenedSource,
  openCopySource,
  parseCopyRange,
  parseCopySource,
  resolveCopyRange,
} from '../copy-source.ts';
import { quoteETag } from '../headers/object-headers.ts';
import { type ContextOf, defineOperation } from '../operation.ts';
import { receiveBody } from '../receive-body.ts';
import { xmlReply } from '../reply.ts';
import { checksumElement, copiedPartAlgorithm, partChecksum } from './upload-checksum.ts';
import { getOpenUpload, partNumberOf, requireStored, type UploadTarget, uploadTarget } from './upload-target.ts';

const PLAIN_MD5 = /^[0-9a-f]{32}$/;

/** Where a part goes. */
interface PartSlot {
  readonly target: UploadTarget;
  readonly upload: Upload;
  readonly partNumber: number;
}

/**
 * UploadPartCopy: stores bytes of another object as a part of an open upload.
 *
 * The bytes are read through, for a part's ETag is the MD5 of exactly its bytes. Where the part is a whole object that
 * was sent in one piece, with the checksum that the part needs, its blob is shared and metadata alone is written.
 * Errors: InvalidArgument (range, source), InvalidRequest (larger than 5 GiB) 400 · AccessDenied 403 · NoSuchKey,
 * NoSuchVersion, NoSuchUpload 404 · PreconditionFailed 412.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 */
export const uploadPartCopy = defineOperation({
  name: 'UploadPartCopy',
  scope: 'object',
  action: 's3:PutObject',
  parameters: [
    'CopySource',
    'PartNumber',
    'UploadId',
    'CopySourceIfMatch',
    'CopySourceIfModifiedSince',
    'CopySourceIfNoneMatch',
    'CopySourceIfUnmodifiedSince',
    'CopySourceRange',
  ],

  parse: (request) => ({
    target: uploadTarget(request),
    partNumber: partNumberOf(request),
    source: parseCopySource(request),
    copyRange: parseCopyRange(request),
  }),

  async run(context, { target, partNumber, source, copyRange }) {
    const upload = await getOpenUpload(context, target);
    using opened = await openCopySource(context, source);
    const { versionId, sizeBytes } = opened.version;
    const range = copyRange ? resolveCopyRange(copyRange, sizeBytes) : { offsetBytes: 0, lengthBytes: sizeBytes };
    if (range.lengthBytes > PART_BYTES_MAX) {
      throw new S3Error('InvalidRequest', {
        message: `The specified copy source is larger than the maximum allowable size for a copy source: ${PART_BYTES_MAX}`,
      });
    }
    const slot = { target, upload, partNumber };
    const part = (await sharePart(context, slot, opened, range)) ?? (await copyPart(context, slot, opened, range));
    const versioned = opened.bucket.bucket.configuration.versioning !== 'unversioned';
    return { part, sourceVersionId: versioned ? versionId : undefined };
  },

  render({ part, sourceVersionId }) {
    const document = xmlDocument('CopyPartResult', [
      timestampElement('LastModified', part.lastModifiedMs),
      textElement('ETag', quoteETag(part.etag)),
      checksumElement(part.checksum),
    ]);
    return xmlReply(document, { 'x-amz-copy-source-version-id': sourceVersionId });
  },
});

/** The source's own blob as the part; `undefined` where that cannot be, or is gone by now. */
async function sharePart(
  context: ContextOf<'object'>,
  slot: PartSlot,
  source: OpenedSource,
  range: ByteRange,
): Promise<Part | undefined> {
  const { region, signal, clock } = context;
  const { target, upload, partNumber } = slot;
  const { etag, checksum, sizeBytes } = source.version;
  const blob = shareableBlob(context, slot, source);
  if (blob === undefined || checksum === undefined || range.lengthBytes !== sizeBytes) return undefined;
  const part = {
    partNumber,
    sizeBytes,
    etag,
    checksum: partChecksum(upload.checksum, checksum),
    lastModifiedMs: clock.nowMs(),
    body: blob,
  };
  const { id: bucketId } = await context.refresh();
  const outcome = await region.meta.putPart({ bucketId, ...target }, part, { signal });
  return outcome.kind === 'blob-gone' ? undefined : requireStored(target, part, outcome);
}

function shareableBlob(
  context: ContextOf<'object'>,
  { upload }: PartSlot,
  source: OpenedSource,
): BlobAddress | undefined {
  const { body, etag, checksum } = source.version;
  const fits =
    body.kind === 'blob' &&
    source.bucket.region.name === context.region.name &&
    body.blob.storageClass === upload.storageClass &&
    PLAIN_MD5.test(etag) &&
    checksum?.type === 'FULL_OBJECT' &&
    checksum.algorithm === copiedPartAlgorithm(upload.checksum, checksum);
  return fits ? body.blob : undefined;
}

/** The bytes in `range` in a blob of their own as the part. */
async function copyPart(
  context: ContextOf<'object'>,
  { target, upload, partNumber }: PartSlot,
  source: OpenedSource,
  range: ByteRange,
): Promise<Part> {
  const { region, signal, clock } = context;
  await using received = await receiveBody(context, source.stream(range), {
    storageClass: upload.storageClass,
    expected: copiedBody(range, copiedPartAlgorithm(upload.checksum, source.version.checksum)),
    inlineBytesMax: 0,
  });
  const part = {
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
}

function copiedBody({ lengthBytes }: ByteRange, algorithm: ChecksumAlgorithm) {
  const checksum = { algorithm, source: { kind: 'computed' } } as const;
  return { bytesMax: PART_BYTES_MAX, sizeBytes: lengthBytes, md5: undefined, checksum };
}
