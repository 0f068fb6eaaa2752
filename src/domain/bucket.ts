import type { CorsRule } from './cors.ts';
import type { BucketId, BucketName, RegionName, TenantId } from './names.ts';
import type { Grant } from './object-version.ts';

/** `unversioned` until versioning is first enabled; afterwards it can only be suspended. */
export type VersioningStatus = 'unversioned' | 'enabled' | 'suspended';

/** Who owns a bucket or an object, as listings show it. */
export interface Owner {
  readonly tenant: TenantId;
  readonly displayName: string;
}

/**
 * Whose the objects of a bucket are, and whether ACLs count.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 */
export const OBJECT_OWNERSHIPS = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const;

export type ObjectOwnership = (typeof OBJECT_OWNERSHIPS)[number];

export function parseObjectOwnership(text: string): ObjectOwnership | undefined {
  return OBJECT_OWNERSHIPS.find((candidate) => candidate === text);
}

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
export interface PublicAccessBlock {
  readonly blockPublicAcls: boolean;
  readonly ignorePublicAcls: boolean;
  readonly blockPublicPolicy: boolean;
  readonly restrictPublicBuckets: boolean;
}

/** Name and value of a tag of a bucket or an object. */
export type Tag = readonly [key: string, value: string];

/** What a bucket's owner may change; a setting that was never made, or was deleted, is `undefined`. */
export interface BucketConfiguration {
  readonly versioning: VersioningStatus;
  /** `undefined`: its owner alone, as the canned ACL `private`. */
  readonly acl?: readonly Grant[] | undefined;
  /** `undefined`: without ownership controls ACLs count, as with `ObjectWriter`. */
  readonly objectOwnership?: ObjectOwnership | undefined;
  readonly publicAccessBlock?: PublicAccessBlock | undefined;
  /** The bucket policy as its owner wrote it, in JSON. */
  readonly policy?: string | undefined;
  readonly cors?: readonly CorsRule[] | undefined;
  readonly tags?: readonly Tag[] | undefined;
  /** `undefined`: the bucket's owner. */
  readonly requestPayer?: 'Requester' | undefined;
}

/**
 * What a bucket is configured to when it is made, before anything is asked for: `objectOwnership` is the server's own.
 * Without ownership controls ACLs count, as with ObjectWriter, which therefore is not written.
 */
export function initialConfiguration(objectOwnership: ObjectOwnership): BucketConfiguration {
  return { versioning: 'unversioned', ...(objectOwnership !== 'ObjectWriter' && { objectOwnership }) };
}

export interface Bucket {
  /** Fresh for each life of a name: a bucket made again shares nothing with the old one. */
  readonly id: BucketId;
  readonly name: BucketName;
  readonly owner: Owner;
  readonly region: RegionName;
  readonly createdAtMs: number;
  readonly configuration: BucketConfiguration;
  /** Counts the changes of `configuration`; starts at 1. */
  readonly revision: number;
}

/** Largest number of buckets one tenant may own. */
export const BUCKETS_PER_TENANT_MAX = 10_000;
