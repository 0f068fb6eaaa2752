import { DEFAULT_ATTRIBUTES, type StoredObject } from '../../domain/object-version.ts';
import { PART_BYTES_MAX } from '../../domain/upload.ts';
import { settlePlacement } from '../acl/object-placement.ts';
import { ACL_PARAMETERS, parseAclHeaders } from '../acl/requested-acl.ts';
import { writeCondition } from '../headers/conditions.ts';
import { CHECKSUM_PARAMETERS, expectedBody } from '../headers/expected-body.ts';
import { blobstoreOf, storageClassOf, systemHeaders, userMetadata } from '../headers/object-description.ts';
import { checksumHeaders, newVersionHeader, quoteETag } from '../headers/object-headers.ts';
import { defineOperation } from '../operation.ts';
import { receiveBody } from '../receive-body.ts';
import { reply } from '../reply.ts';
import { requireTaggable, taggingHeader } from '../tags.ts';
import { requireStored, versionSlot } from '../version-outcome.ts';

/**
 * PutObject: stores one body, 5 GiB at most, and makes it the current version of its key.
 *
 * The body streams; nothing is visible before `putVersion` returns, which checks the condition in the same step. The
 * bucket is looked at again after the body, for its versioning may have changed meanwhile.
 * Errors: EntityTooLarge, BadDigest, InvalidDigest, InvalidRequest, IncompleteBody, MetadataTooLarge, InvalidArgument,
 * InvalidStorageClass 400 · NoSuchBucket, NoSuchKey (If-Match and no object) 404 · MissingContentLength 411 ·
 * PreconditionFailed 412.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
export const putObject = defineOperation({
  name: 'PutObject',
  scope: 'object',
  action: 's3:PutObject',
  parameters: [
    ...ACL_PARAMETERS,
    'Body',
    'CacheControl',
    'ContentDisposition',
    'ContentEncoding',
    'ContentLanguage',
    'ContentLength',
    'ContentMD5',
    'ContentType',
    'ChecksumAlgorithm',
    ...CHECKSUM_PARAMETERS,
    'Expires',
    'IfMatch',
    'IfNoneMatch',
    'Metadata',
    'StorageClass',
    'Tagging',
    'WebsiteRedirectLocation',
  ],

  parse(request) {
    return {
      key: request.key,
      acl: parseAclHeaders(request.headers),
      tags: taggingHeader(request.headers),
      body: request.body,
      expected: expectedBody(request, { bytesMax: PART_BYTES_MAX }),
      condition: writeCondition(request),
      headers: systemHeaders(request),
      userMetadata: userMetadata(request),
      storageClass: storageClassOf(request),
    };
  },

  async run(
    context,
    { key, acl, tags, body, expected, condition, headers, userMetadata, storageClass },
  ): Promise<StoredObject> {
    const { region, clock, signal } = context;
    blobstoreOf(region, storageClass);
    requireTaggable(context, key, tags);
    const place = await settlePlacement(context, key, acl);
    const { inlineBytesMax } = region.meta;
    await using received = await receiveBody(context, body, { storageClass, expected, inlineBytesMax });
    const bucket = await context.refresh();
    const placement = place(bucket);
    const draft = {
      key,
      slot: versionSlot(bucket),
      lastModifiedMs: clock.nowMs(),
      etag: received.etag,
      sizeBytes: received.sizeBytes,
      checksum: received.checksum,
      body: received.body,
      headers,
      userMetadata,
      storageClass,
      owner: placement.owner,
      attributes: { ...DEFAULT_ATTRIBUTES, acl: placement.acl, tags: tags ?? [] },
    };
    const outcome = await received.commit(() => region.meta.putVersion(bucket.id, draft, condition, { signal }));
    // Awaited here: `received` is given up before the value is returned, and a rejection must not wait for that.
    return await requireStored(context, outcome, { key, condition });
  },

  render: ({ etag, versionId, checksum }) =>
    reply(200, { ETag: quoteETag(etag), ...newVersionHeader(versionId), ...checksumHeaders(checksum) }),
});
