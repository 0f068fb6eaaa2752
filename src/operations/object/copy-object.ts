import type { Bucket, Tag } from '../../domain/bucket.ts';
import type { Checksum, ChecksumAlgorithm } from '../../domain/checksum.ts';
import { createDigest } from '../../domain/digests.ts';
import type { VersionId } from '../../domain/names.ts';
import { DEFAULT_ATTRIBUTES, type ObjectBody, type StoredObject } from '../../domain/object-version.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { PART_BYTES_MAX } from '../../domain/upload.ts';
import type { PutOutcome, VersionDraft } from '../../stores/metastore.ts';
import { textElement, timestampElement, xmlDocument } from '../../xml/build.ts';
import type { ObjectPlacement } from '../acl/apply-acl.ts';
import { settlePlacement } from '../acl/object-placement.ts';
import { ACL_PARAMETERS } from '../acl/requested-acl.ts';
import { type CopySource, type OpenedSource, openCopySource } from '../copy-source.ts';
import { blobstoreOf } from '../headers/object-description.ts';
import { newVersionHeader, quoteETag, versionIdHeader } from '../headers/object-headers.ts';
import { checksumElement } from '../multipart/upload-checksum.ts';
import { type ContextOf, defineOperation } from '../operation.ts';
import { readBody } from '../read-object.ts';
import { receiveBody } from '../receive-body.ts';
import { xmlReply } from '../reply.ts';
import { requireTaggable } from '../tags.ts';
import { requireStored, versionSlot } from '../version-outcome.ts';
import { type CopyInput, parseCopy } from './copy-request.ts';

/** Largest source, in bytes; larger ones are copied by UploadPartCopy. */
const SOURCE_BYTES_MAX = PART_BYTES_MAX;
/** How often a copy begins anew when its source was replaced and reclaimed meanwhile. */
const ATTEMPTS_MAX = 3;

/** What CopyObject made. */
interface CopyResult {
  readonly version: StoredObject;
  readonly source: { readonly bucket: Bucket; readonly versionId: VersionId };
}

/**
 * CopyObject: makes a copy of one version the current version of a key.
 *
 * Within a blobstore it writes metadata only: the copy names the source's blob or manifest, and the store checks in the
 * same step that it still lives. Otherwise the bytes are read through. A checksum by another algorithm is computed by
 * reading, the bytes are shared all the same.
 * A copy that shares the parts of an upload keeps their ETag and checksum; on AWS it would be an object in one piece.
 * Errors: InvalidArgument, InvalidRequest, InvalidStorageClass, MetadataTooLarge 400 · AccessDenied 403 · NoSuchBucket,
 * NoSuchKey, NoSuchVersion 404 · PreconditionFailed (of the source or the destination) 412.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export const copyObject = defineOperation({
  name: 'CopyObject',
  scope: 'object',
  action: 's3:PutObject',
  parameters: [
    ...ACL_PARAMETERS,
    'CacheControl',
    'ChecksumAlgorithm',
    'ContentDisposition',
    'ContentEncoding',
    'ContentLanguage',
    'ContentType',
    'CopySource',
    'CopySourceIfMatch',
    'CopySourceIfModifiedSince',
    'CopySourceIfNoneMatch',
    'CopySourceIfUnmodifiedSince',
    'Expires',
    'IfMatch',
    'IfNoneMatch',
    'Metadata',
    'MetadataDirective',
    'StorageClass',
    'Tagging',
    'TaggingDirective',
    'WebsiteRedirectLocation',
  ],
  parse: parseCopy,

  async run(context, input): Promise<CopyResult> {
    blobstoreOf(context.region, input.storageClass);
    const place = await settlePlacement(context, input.key, input.acl);
    for (let attempt = 1; ; attempt += 1) {
      using source = await openCopySource(context, input.source);
      requireCopyable(source.version);
      const tags = input.tags ?? copiedTags(source, input.source);
      requireTaggable(context, input.key, tags);
      const outcome = await copy(context, { input, source, place, tags });
      if (outcome.kind === 'blob-gone' && attempt < ATTEMPTS_MAX) continue;
      const version = await requireStored(context, outcome, input);
      return { version, source: { bucket: source.bucket.bucket, versionId: source.version.versionId } };
    }
  },

  render({ version, source }) {
    const { checksum } = version;
    const document = xmlDocument('CopyObjectResult', [
      timestampElement('LastModified', version.lastModifiedMs),
      textElement('ETag', quoteETag(version.etag)),
      textElement('ChecksumType', checksum?.type),
      checksumElement(checksum),
    ]);
    return xmlReply(document, {
      ...newVersionHeader(version.versionId),
      'x-amz-copy-source-version-id': versionIdHeader(source.bucket, source.versionId)['x-amz-version-id'],
    });
  },
});

interface Copy {
  readonly input: CopyInput;
  readonly source: OpenedSource;
  readonly place: (bucket: Bucket) => ObjectPlacement;
  readonly tags: readonly Tag[];
}

/** Looks at the bucket again after whatever reading there is, for its versioning may have changed meanwhile. */
async function copy(context: ContextOf<'object'>, { input, source, place, tags }: Copy): Promise<PutOutcome> {
  const { region, signal } = context;
  const body = sharedBody(context, input, source);
  if (body !== undefined) {
    const checksum = await checksumOfCopy(context, input.checksumAlgorithm, source);
    const { etag, sizeBytes } = source.version;
    const bucket = await context.refresh();
    const draft = draftOf(context, bucket, { input, source, place, tags }, { body, checksum, etag, sizeBytes });
    return region.meta.putVersion(bucket.id, draft, input.condition, { signal });
  }
  const { sizeBytes } = source.version;
  const algorithm = input.checksumAlgorithm ?? source.version.checksum?.algorithm;
  await using received = await receiveBody(context, source.stream({ offsetBytes: 0, lengthBytes: sizeBytes }), {
    storageClass: input.storageClass,
    inlineBytesMax: region.meta.inlineBytesMax,
    expected: {
      bytesMax: SOURCE_BYTES_MAX,
      sizeBytes,
      md5: undefined,
      checksum: algorithm && { algorithm, source: { kind: 'computed' } },
    },
  });
  const bucket = await context.refresh();
  const draft = draftOf(context, bucket, { input, source, place, tags }, received);
  return await received.commit(() => region.meta.putVersion(bucket.id, draft, input.condition, { signal }));
}

/** The body of a copy that needs no bytes to be written; `undefined` where they must be. */
function sharedBody(
  { region }: ContextOf<'object'>,
  { storageClass }: CopyInput,
  { bucket, version }: OpenedSource,
): ObjectBody | undefined {
  const { body } = version;
  if (body.kind === 'inline') return body.bytes.length <= region.meta.inlineBytesMax ? body : undefined;
  const sameStore =
    bucket.region.name === region.name &&
    bucket.region.blobs.get(version.storageClass) === region.blobs.get(storageClass);
  return sameStore ? body : undefined;
}

async function checksumOfCopy(
  { signal }: ContextOf<'object'>,
  algorithm: ChecksumAlgorithm | undefined,
  { bucket: { region }, version }: OpenedSource,
): Promise<Checksum | undefined> {
  const { checksum, sizeBytes } = version;
  if (algorithm === undefined) return checksum;
  if (algorithm === checksum?.algorithm && checksum.type === 'FULL_OBJECT') return checksum;
  const digest = createDigest(algorithm);
  for await (const chunk of readBody({ region, signal }, version, { offsetBytes: 0, lengthBytes: sizeBytes })) {
    digest.update(chunk);
  }
  return { algorithm, type: 'FULL_OBJECT', value: digest.digest() };
}

function draftOf(
  { clock }: ContextOf<'object'>,
  bucket: Bucket,
  { input, source: { version }, place, tags }: Copy,
  { body, checksum, etag, sizeBytes }: Pick<VersionDraft, 'body' | 'checksum' | 'etag' | 'sizeBytes'>,
): VersionDraft {
  const { websiteRedirectLocation: _, ...kept } = version.headers;
  const { websiteRedirectLocation } = input;
  const { owner, acl } = place(bucket);
  return {
    key: input.key,
    slot: versionSlot(bucket),
    lastModifiedMs: clock.nowMs(),
    etag,
    sizeBytes,
    checksum,
    body,
    headers: input.replacement?.headers ?? { ...kept, ...(websiteRedirectLocation && { websiteRedirectLocation }) },
    userMetadata: input.replacement?.userMetadata ?? version.userMetadata,
    storageClass: input.storageClass,
    owner,
    attributes: { ...DEFAULT_ATTRIBUTES, acl, tags },
  };
}

/** The tags of the source, which who copies them must be allowed to read. Throws AccessDenied. */
function copiedTags({ bucket, version }: OpenedSource, { versionId }: CopySource): readonly Tag[] {
  const { tags } = version.attributes;
  const action = versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging';
  if (tags.length === 0 || bucket.isAllowed(action, version.key, versionId)) return tags;
  throw new S3Error('AccessDenied', {
    message: `Copying the tags of the source needs ${action} on it: send x-amz-tagging-directive: REPLACE.`,
  });
}

function requireCopyable({ sizeBytes }: StoredObject): void {
  if (sizeBytes <= SOURCE_BYTES_MAX) return;
  throw new S3Error('InvalidRequest', {
    message: `The specified copy source is larger than the maximum allowable size for a copy source: ${SOURCE_BYTES_MAX}`,
  });
}
