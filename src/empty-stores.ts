import type { Bucket } from './domain/bucket.ts';
import { UNCONDITIONAL } from './domain/condition.ts';
import type { Metastore } from './stores/metastore.ts';
import type { CallOptions } from './stores/store.ts';
import type { Stores } from './stores/stores.ts';

/** Buckets, and versions of one bucket, that are removed between two looks. */
const PAGE = 1_000;

/**
 * Removes every bucket with all that is in it, retained versions too. What is written meanwhile may stay.
 * Their blobs are left to reclaim. Throws `StoreError`.
 */
export async function emptyStores(stores: Stores, options: CallOptions): Promise<void> {
  const first = { tenant: undefined, prefix: '', after: undefined, limit: PAGE };
  for (;;) {
    const buckets = await stores.buckets.listBuckets(first, options);
    for (const bucket of buckets) {
      const region = stores.regions.get(bucket.region);
      if (region !== undefined) await emptyAndClose(region.meta, bucket, options);
      await stores.buckets.removeBucket(bucket, options);
    }
    if (buckets.length < PAGE) break;
  }
}

async function emptyAndClose(meta: Metastore, { id: bucketId }: Bucket, options: CallOptions): Promise<void> {
  // Long past every retention; a legal hold does not end.
  const guard = { condition: UNCONDITIONAL, nowMs: Number.MAX_SAFE_INTEGER, bypassGovernance: true };
  while ((await meta.closeBucket(bucketId, options)) === 'not-empty') {
    const versions = await meta.listVersions({ bucketId, prefix: '', from: undefined, limit: PAGE }, options);
    for (const { key, versionId } of versions) {
      const outcome = await meta.deleteVersion({ bucketId, key, versionId }, guard, options);
      if (outcome.kind === 'locked') throw new Error(`Version ${versionId} of ${key} is under a legal hold.`);
    }
  }
}
