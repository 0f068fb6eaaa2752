import { UNCONDITIONAL } from './domain/condition.ts';
import type { CallOptions } from './stores/store.ts';
import type { RegionStores, Stores } from './stores/stores.ts';

/** Buckets that are removed at once. */
const BUCKETS_PAGE = 1_000;

/**
 * Removes every bucket with all that is in it, retained versions too. What is written meanwhile may stay.
 * Their blobs are left to reclaim. Throws `StoreError`.
 */
export async function emptyStores(stores: Stores, options: CallOptions): Promise<void> {
  for (const region of stores.regions.values()) await deleteVersions(region, options);
  for (;;) {
    const page = { tenant: undefined, prefix: '', after: undefined, limit: BUCKETS_PAGE };
    const buckets = await stores.buckets.listBuckets(page, options);
    for (const bucket of buckets) {
      const region = stores.regions.get(bucket.region);
      const outcome = await region?.meta.closeBucket(bucket.id, options);
      if (outcome === 'not-empty')
        throw new Error(`Bucket ${bucket.name} was written to while the stores were emptied.`);
      await stores.buckets.removeBucket(bucket, options);
    }
    if (buckets.length < BUCKETS_PAGE) break;
  }
}

async function deleteVersions({ meta }: RegionStores, options: CallOptions): Promise<void> {
  // Long past every retention; a legal hold does not end.
  const guard = { condition: UNCONDITIONAL, nowMs: Number.MAX_SAFE_INTEGER, bypassGovernance: true };
  for await (const { bucketId, version } of meta.scanVersions(options)) {
    const { key, versionId } = version;
    const outcome = await meta.deleteVersion({ bucketId, key, versionId }, guard, options);
    if (outcome.kind === 'locked') throw new Error(`Version ${versionId} of ${key} is under a legal hold.`);
  }
}
