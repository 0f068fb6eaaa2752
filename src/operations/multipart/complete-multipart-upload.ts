import { NULL_VERSION_ID } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { Part, UploadAddress, UploadResult } from '../../domain/upload.ts';
import { textElement, xmlDocument } from '../../xml/build.ts';
import { throwBucketClosed } from '../bucket-closed.ts';
import { writeCondition } from '../headers/conditions.ts';
import { CHECKSUM_PARAMETERS } from '../headers/expected-body.ts';
import { quoteETag } from '../headers/object-headers.ts';
import { objectLocation } from '../object-location.ts';
import { type ContextOf, defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import type { RequestBody } from '../request.ts';
import { conditionError, versionSlot } from '../version-outcome.ts';
import { malformedXml, readOptionalXmlBody } from '../xml-body.ts';
import {
  completeParts,
  invalidPart,
  isMadeOf,
  type ListedPart,
  objectClaims,
  parsePartList,
  verifyClaims,
} from './completion.ts';
import { checksumElement } from './upload-checksum.ts';
import { noSuchUpload, uploadTarget } from './upload-target.ts';

/** Longest list of parts, in bytes: 10,000 parts, each with a SHA-256 and written with room for indentation. */
const PART_LIST_BYTES_MAX = 4 * 1024 ** 2;
/** How often the parts are validated again when one was sent anew meanwhile. */
const COMPLETE_ATTEMPTS_MAX = 4;
/** Parts that are read at once. */
const PARTS_PAGE = 1_000;

/** Repeated completes get the same: an upload's record holds what the first one got. */
type Completed = Pick<UploadResult, 'versionId' | 'etag' | 'checksum'>;

/**
 * CompleteMultipartUpload: makes the listed parts the current version of the upload's key. Writes metadata only.
 *
 * A complete that is repeated with the same parts answers the same 200 from the upload's record, whatever its
 * condition says. The upload stays open after every error but an in-doubt one, where repeating tells.
 * Quirk: a list of parts without checksums is taken although the upload asked for an algorithm, as Ceph takes it and
 * AWS does not; the checksums of the parts were verified or computed when they were sent.
 * Errors: MalformedXML, InvalidPart, InvalidPartOrder, EntityTooSmall, BadDigest, InvalidRequest 400 · NoSuchUpload,
 * NoSuchKey (If-Match and no object) 404 · OperationAborted 409 · PreconditionFailed 412.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export const completeMultipartUpload = defineOperation({
  name: 'CompleteMultipartUpload',
  scope: 'object',
  action: 's3:PutObject',
  parameters: [
    'UploadId',
    'MultipartUpload',
    ...CHECKSUM_PARAMETERS,
    'ChecksumType',
    'MpuObjectSize',
    'IfMatch',
    'IfNoneMatch',
  ],

  parse: (request) => ({
    target: uploadTarget(request),
    claims: objectClaims(request),
    condition: writeCondition(request),
    body: request.body,
  }),

  async run(context, { target, claims, condition, body }): Promise<Completed> {
    const { bucket, region, signal, clock } = context;
    const listed = await readPartList(body);
    const at = { bucketId: bucket.id, ...target };
    for (let attempt = 0; attempt < COMPLETE_ATTEMPTS_MAX; attempt += 1) {
      // Parts first: an upload that is open afterwards was open when they were read, so none was hidden by its end.
      const stored = await readListedParts(context, at, listed);
      const upload = await region.meta.getUpload(at, { signal });
      if (upload === undefined) throw noSuchUpload(target.uploadId);
      if (upload.state.kind === 'completed') {
        if (!isMadeOf(upload.state.etag, listed)) throw invalidPart(listed, target.uploadId);
        verifyClaims(claims, upload.state);
        return upload.state;
      }
      const object = completeParts(listed, stored, upload);
      verifyClaims(claims, object);
      const slot = versionSlot(await context.refresh());
      const completion = { ...object, slot, lastModifiedMs: clock.nowMs() };
      const outcome = await region.meta.completeUpload(at, completion, condition, { signal });
      switch (outcome.kind) {
        case 'completed':
          return outcome.version;
        case 'condition-failed':
          throw conditionError(outcome, { key: target.key, condition });
        case 'bucket-closed':
          return throwBucketClosed(context, target.key);
        case 'parts-changed':
        case 'no-such-upload':
          // Another request moved first: a part was sent again, or the upload was completed or aborted.
          break;
      }
    }
    throw new S3Error('OperationAborted', {
      message: 'Parts of this upload are being replaced at the moment. Complete it when they have all been sent.',
    });
  },

  render({ versionId, etag, checksum }, request) {
    const document = xmlDocument('CompleteMultipartUploadResult', [
      textElement('Location', objectLocation(request)),
      textElement('Bucket', request.bucket),
      textElement('Key', request.key),
      textElement('ETag', quoteETag(etag)),
      checksumElement(checksum),
      textElement('ChecksumType', checksum?.type),
    ]);
    return xmlReply(document, { 'x-amz-version-id': versionId === NULL_VERSION_ID ? undefined : versionId });
  },
});

async function readPartList(body: RequestBody): Promise<readonly ListedPart[]> {
  const root = await readOptionalXmlBody(body, { root: 'CompleteMultipartUpload', bytesMax: PART_LIST_BYTES_MAX });
  if (root === undefined) throw malformedXml('The body must list the parts of the upload.');
  return parsePartList(root);
}

/** The stored parts between the first and the last listed one, by number; ten pages at most. */
async function readListedParts(
  { region, signal }: ContextOf<'object'>,
  at: UploadAddress,
  listed: readonly ListedPart[],
): Promise<ReadonlyMap<number, Part>> {
  const found = new Map<number, Part>();
  const last = listed.at(-1)?.partNumber ?? 0;
  let after = (listed[0]?.partNumber ?? 1) - 1;
  while (after < last) {
    const limit = Math.min(PARTS_PAGE, last - after);
    const page = await region.meta.listParts(at, { afterPartNumber: after, limit }, { signal });
    for (const part of page) found.set(part.partNumber, part);
    if (page.length < limit) break;
    after = page.at(-1)?.partNumber ?? last;
  }
  return found;
}
