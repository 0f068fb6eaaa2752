import type { Owner } from './bucket.ts';
import type { Checksum } from './checksum.ts';
import type { ETag } from './etag.ts';
import type { BlobId, ObjectKey, StorageClass, TenantId, VersionId } from './names.ts';

/** Where one blob lies: its region's blobstore for `storageClass`, and how long it is. */
export interface BlobAddress {
  readonly storageClass: StorageClass;
  readonly id: BlobId;
  readonly sizeBytes: number;
}

/** The id of a manifest: the ordered parts of a completed upload, shared by the versions copied from it. */
export type ManifestId = string & { readonly __brand: 'ManifestId' };

export function parseManifestId(text: string): ManifestId {
  if (text === '') throw new TypeError('A manifest id must not be empty.');
  return text as ManifestId;
}

/** Where a version's bytes are: beside its metadata, in one blob, or in the parts of a manifest. */
export type ObjectBody =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: BlobAddress }
  | { readonly kind: 'manifest'; readonly manifestId: ManifestId; readonly partsCount: number };

/** One part of a manifest, in the order of the object's bytes. */
export interface ManifestPart {
  /** The client's part number, 1 to 10,000; rising, not always without gaps. */
  readonly partNumber: number;
  /** Where the part begins in the object. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
  readonly body: PartBody;
}

/** A part's bytes; only a part of no bytes at all has no blob. */
export type PartBody = BlobAddress | undefined;

/** The headers that S3 stores with an object and gives back byte for byte: values hold bytes, one character each. */
export interface SystemHeaders {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly expires?: string;
  readonly websiteRedirectLocation?: string;
}

/**
 * Names are lower case and without `x-amz-meta-`; values hold bytes, one character each. A list, for a user may name one
 * `__proto__`.
 */
export type UserMetadata = readonly (readonly [name: string, value: string])[];

export type Permission = 'FULL_CONTROL' | 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP';

export interface Grant {
  readonly grantee:
    | { readonly kind: 'tenant'; readonly tenant: TenantId; readonly displayName: string }
    | { readonly kind: 'group'; readonly uri: string };
  readonly permission: Permission;
}

export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly retainUntilMs: number;
}

/** What may change of a version that is otherwise immutable. */
export interface VersionAttributes {
  /** Empty: its owner alone, as the canned ACL `private`. */
  readonly acl: readonly Grant[];
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly retention: Retention | undefined;
  readonly legalHold: boolean;
}

export const DEFAULT_ATTRIBUTES: VersionAttributes = {
  acl: [],
  tags: [],
  retention: undefined,
  legalHold: false,
};

/** What every object has, whoever asks: drafts, stored versions, uploads. */
export interface ObjectDescription {
  readonly headers: SystemHeaders;
  readonly userMetadata: UserMetadata;
  readonly storageClass: StorageClass;
  readonly owner: Owner;
  readonly attributes: VersionAttributes;
}

/** What a listing shows of an object. */
export interface ListedObject {
  readonly kind: 'object';
  readonly key: ObjectKey;
  readonly versionId: VersionId;
  readonly lastModifiedMs: number;
  readonly owner: Owner;
  readonly etag: ETag;
  readonly sizeBytes: number;
  readonly storageClass: StorageClass;
  readonly checksum: Checksum | undefined;
}

/** One immutable version of an object. */
export interface StoredObject extends ListedObject, ObjectDescription {
  readonly body: ObjectBody;
  /** Counts the changes of `attributes`; starts at 1. */
  readonly attributesRevision: number;
}

/** The version that hides a key's older versions. */
export interface DeleteMarker {
  readonly kind: 'delete-marker';
  readonly key: ObjectKey;
  readonly versionId: VersionId;
  readonly lastModifiedMs: number;
  readonly owner: Owner;
}

export type ObjectVersion = StoredObject | DeleteMarker;

/** A row of ListObjectVersions. */
export type ListedVersion = (ListedObject | DeleteMarker) & { readonly isLatest: boolean };

/** Whether a lock forbids deleting a version with these attributes. */
export function isLocked(attributes: VersionAttributes, now: { nowMs: number; bypassGovernance: boolean }): boolean {
  if (attributes.legalHold) return true;
  const { retention } = attributes;
  if (retention === undefined || retention.retainUntilMs <= now.nowMs) return false;
  return retention.mode === 'COMPLIANCE' || !now.bypassGovernance;
}
