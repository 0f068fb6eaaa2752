import type { Owner } from '../../domain/bucket.ts';
import type { Identity } from '../../domain/identity.ts';
import { DEFAULT_ATTRIBUTES } from '../../domain/object-version.ts';
import { textElement, xmlDocument } from '../../xml/build.ts';
import { settlePlacement } from '../acl/object-placement.ts';
import { ACL_PARAMETERS, parseAclHeaders } from '../acl/requested-acl.ts';
import { throwBucketClosed } from '../bucket-closed.ts';
import { blobstoreOf, storageClassOf, systemHeaders, userMetadata } from '../headers/object-description.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import { requireTaggable, taggingHeader } from '../tags.ts';
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
    ...ACL_PARAMETERS,
    'CacheControl',
    'ContentDisposition',
    'ContentEncoding',
    'ContentLanguage',
    'ContentType',
    'Expires',
    'Metadata',
    'StorageClass',
    'Tagging',
    'WebsiteRedirectLocation',
    'ChecksumAlgorithm',
    'ChecksumType',
  ],

  parse(request) {
    return {
      key: request.key,
      acl: parseAclHeaders(request.headers),
      tags: taggingHeader(request.headers),
      headers: systemHeaders(request),
      userMetadata: userMetadata(request),
      storageClass: storageClassOf(request),
      checksum: parseUploadChecksum(request.headers),
    };
  },

  async run(context, { key, acl, tags, headers, userMetadata, storageClass, checksum }) {
    const { region, signal, clock } = context;
    blobstoreOf(region, storageClass);
    requireTaggable(context, key, tags);
    const place = await settlePlacement(context, key, acl);
    const bucket = await context.refresh();
    const placement = place(bucket);
    const draft = {
      key,
      headers,
      userMetadata,
      storageClass,
      checksum,
      owner: placement.owner,
      attributes: { ...DEFAULT_ATTRIBUTES, acl: placement.acl, tags: tags ?? [] },
      initiatedAtMs: clock.nowMs(),
      ...initiatorOf(context.identity, placement.owner),
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

/** Nothing where the owner opens the upload: then that is who it says. */
function initiatorOf(identity: Identity, owner: Owner): { readonly initiator?: Owner } {
  if (identity.kind === 'anonymous' || identity.tenant === owner.tenant) return {};
  return { initiator: { tenant: identity.tenant, displayName: identity.displayName } };
}
