import type { Tag } from '../../domain/bucket.ts';
import type { ChecksumAlgorithm } from '../../domain/checksum.ts';
import type { WriteCondition } from '../../domain/condition.ts';
import type { ObjectKey, StorageClass } from '../../domain/names.ts';
import type { SystemHeaders, UserMetadata } from '../../domain/object-version.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { parseAclHeaders, type RequestedAcl } from '../acl/requested-acl.ts';
import { requireChecksumAlgorithm } from '../body-digests.ts';
import { type CopySource, parseCopySource } from '../copy-source.ts';
import { writeCondition } from '../headers/conditions.ts';
import { storageClassOf, systemHeaders, userMetadata } from '../headers/object-description.ts';
import { invalidArgument } from '../headers/parameters.ts';
import type { RequestOf } from '../operation.ts';
import type { S3Request } from '../request.ts';
import { taggingHeader } from '../tags.ts';

/** Headers that make a copy onto itself a change. */
const CHANGES: readonly string[] = [
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
  'x-amz-checksum-algorithm',
];

/** What CopyObject is asked for. */
export interface CopyInput {
  readonly key: ObjectKey;
  /** Never copied from the source. */
  readonly acl: RequestedAcl;
  readonly source: CopySource;
  /** Of the version that the copy replaces. */
  readonly condition: WriteCondition;
  readonly storageClass: StorageClass;
  /** The metadata of the copy; `undefined`: the source's. */
  readonly replacement: { readonly headers: SystemHeaders; readonly userMetadata: UserMetadata } | undefined;
  /** Never copied from the source. */
  readonly websiteRedirectLocation: string | undefined;
  /** The tags of the copy; `undefined`: the source's. */
  readonly tags: readonly Tag[] | undefined;
  /** `undefined`: the source's checksum, if it has one. */
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
}

/**
 * Throws InvalidArgument; InvalidRequest for a copy of an object onto itself that would change nothing.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export function parseCopy(request: RequestOf<'object'>): CopyInput {
  const source = parseCopySource(request);
  const replaces = directive(request, 'x-amz-metadata-directive') === 'REPLACE';
  if (!replaces && isOntoItself(request, source) && !CHANGES.some((header) => request.headers.has(header))) {
    throw new S3Error('InvalidRequest', {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    });
  }
  const headers = systemHeaders(request);
  const algorithm = request.headers.get('x-amz-checksum-algorithm');
  return {
    key: request.key,
    acl: parseAclHeaders(request.headers),
    source,
    condition: writeCondition(request),
    storageClass: storageClassOf(request),
    replacement: replaces ? { headers, userMetadata: userMetadata(request) } : undefined,
    websiteRedirectLocation: headers.websiteRedirectLocation,
    tags: replacementTags(request),
    checksumAlgorithm:
      algorithm === undefined ? undefined : requireChecksumAlgorithm('x-amz-checksum-algorithm', algorithm),
  };
}

function replacementTags(request: S3Request): readonly Tag[] | undefined {
  const tags = taggingHeader(request.headers);
  if (directive(request, 'x-amz-tagging-directive') === 'REPLACE') return tags ?? [];
  if (tags === undefined) return undefined;
  throw new S3Error('InvalidRequest', {
    message:
      'x-amz-tagging counts only with x-amz-tagging-directive: REPLACE; without it the tags of the source are copied.',
  });
}

function directive(request: S3Request, name: string): 'COPY' | 'REPLACE' {
  const text = request.headers.get(name) ?? 'COPY';
  if (text === 'COPY' || text === 'REPLACE') return text;
  throw invalidArgument(name, text, `Unknown ${name}: it is COPY or REPLACE.`);
}

/** A version named by its id is another object: copying it onto its own key brings it back. */
function isOntoItself({ bucket, key }: RequestOf<'object'>, source: CopySource): boolean {
  return source.bucket === bucket && source.key === key && source.versionId === undefined;
}
