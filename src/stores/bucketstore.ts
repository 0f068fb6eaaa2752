import type { Bucket, BucketConfiguration } from '../domain/bucket.ts';
import type { BucketId, BucketName, TenantId } from '../domain/names.ts';
import type { CallOptions, Store } from './store.ts';

/**
 * The bucketstore: bucket name → owner, region and configuration, in one namespace for all tenants.
 *
 * Consistency: linearizable per name; a list sees every claim that ended before it began.
 * Whether a bucket is empty only its metastore knows: DeleteBucket closes the bucket there first, and
 * removes it here afterwards.
 * Throws: `StoreError`. Absence and refusal are values.
 */
export interface Bucketstore extends Store {
  /** The bucket of this name, or `undefined`. */
  getBucket(name: BucketName, options: CallOptions): Promise<Bucket | undefined>;

  /** Claims the name for `bucket`, unless it is taken: check and claim are one step. */
  createBucket(bucket: Bucket, options: CallOptions): Promise<CreateBucketOutcome>;

  /**
   * Replaces the configuration of the bucket with this name and id, if it is still at `revision`; counts it up.
   */
  updateBucket(update: BucketUpdate, options: CallOptions): Promise<UpdateBucketOutcome>;

  /** Frees the name, if the bucket that has it is the one with this id. Repeating it changes nothing. */
  removeBucket(bucket: { name: BucketName; id: BucketId }, options: CallOptions): Promise<void>;

  /** At most `limit` buckets of `tenant` whose names start with `prefix`, in the order of their names, after `after`. */
  listBuckets(range: BucketRange, options: CallOptions): Promise<readonly Bucket[]>;
}

export interface BucketRange {
  /** `undefined`: of every tenant (jobs and fsck). */
  readonly tenant: TenantId | undefined;
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

export interface BucketUpdate {
  readonly name: BucketName;
  readonly id: BucketId;
  readonly revision: number;
  readonly configuration: BucketConfiguration;
}

export type CreateBucketOutcome = { readonly kind: 'created' } | { readonly kind: 'exists'; readonly bucket: Bucket };

export type UpdateBucketOutcome =
  | { readonly kind: 'updated'; readonly bucket: Bucket }
  | { readonly kind: 'changed'; readonly bucket: Bucket }
  | { readonly kind: 'gone' };
