import { type ObjectKey, parseUploadId, type UploadId } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { PART_NUMBER_MAX, type Part, type Upload } from '../../domain/upload.ts';
import type { PutPartOutcome } from '../../stores/uploads.ts';
import { invalidArgument } from '../headers/parameters.ts';
import type { ContextOf, RequestOf } from '../operation.ts';

/** The upload that a request names. Whether it belongs to the bucket and key, only the metastore knows. */
export interface UploadTarget {
  readonly key: ObjectKey;
  readonly uploadId: UploadId;
}

export function uploadTarget(request: RequestOf<'object'>): UploadTarget {
  const uploadId = request.query.get('uploadId') ?? '';
  if (uploadId === '')
    throw invalidArgument('uploadId', '', 'This operation needs the uploadId of a multipart upload.');
  return { key: request.key, uploadId: parseUploadId(uploadId) };
}

/** The part number of a request, 1 to 10,000. Throws InvalidArgument. */
export function partNumberOf(request: RequestOf<'object'>): number {
  const text = request.query.get('partNumber') ?? '';
  const partNumber = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (partNumber >= 1 && partNumber <= PART_NUMBER_MAX) return partNumber;
  const message = `Part number must be an integer between 1 and ${PART_NUMBER_MAX}, inclusive`;
  throw invalidArgument('partNumber', text, message);
}

/** The upload, which is neither completed nor aborted. Throws NoSuchUpload. */
export async function getOpenUpload(context: ContextOf<'object'>, { key, uploadId }: UploadTarget): Promise<Upload> {
  const { bucket, region, signal } = context;
  const upload = await region.meta.getUpload({ bucketId: bucket.id, key, uploadId }, { signal });
  if (upload?.state.kind !== 'open') throw noSuchUpload(uploadId);
  return upload;
}

/** `part`, once it is stored. Throws NoSuchUpload, ServiceUnavailable (`blob-gone`). */
export function requireStored({ uploadId }: UploadTarget, part: Part, outcome: PutPartOutcome): Part {
  switch (outcome.kind) {
    case 'stored':
      return part;
    case 'no-such-upload':
      throw noSuchUpload(uploadId);
    case 'blob-gone':
      throw new S3Error('ServiceUnavailable', {
        message: 'The part took so long that its bytes were taken back. Send it again.',
      });
  }
}

export function noSuchUpload(uploadId: UploadId): S3Error {
  return new S3Error('NoSuchUpload', { elements: { UploadId: uploadId } });
}
