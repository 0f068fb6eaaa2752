import type { BucketId, BucketName, RegionName, TenantId } from './names.ts';

/** `unversioned` until versioning is first enabled; afterwards it can only be suspended. */
export type VersioningStatus = 'unversioned' | 'enabled' | 'suspended';

/** Who owns a bucket or an object, as listings show it. */
export interface Owner {
  readonly tenant: TenantId;
  readonly displayName: string;
}

/** What a bucket's owner may change. */
export interface BucketConfiguration {
  readonly versioning: VersioningStatus;
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
