import type { Bucket } from '../domain/bucket.ts';
import type { Upload } from '../domain/upload.ts';
import type { CallOptions } from '../stores/store.ts';
import type { RegionStores, Stores } from '../stores/stores.ts';
import { listAllBuckets } from './list-all-buckets.ts';

/** How long the record of a completed upload answers a repeated complete, in milliseconds: three days. */
export const COMPLETED_UPLOAD_MS = 3 * 24 * 3_600_000;

/** Uploads that one step sweeps, and that one page lists. */
const BATCH_UPLOADS = 256;

export interface StaleUploadOptions extends CallOptions {
  readonly nowMs: () => number;
  /** Open uploads older than this are aborted, in milliseconds; `undefined`: never, as S3 does without a rule. */
  readonly staleAfterMs: number | undefined;
}

/**
 * Aborts open uploads that nobody has completed for long, where that is configured, and drops what closed buckets
 * and completed uploads left behind. It may run in several processes at once.
 */
export async function sweepStaleUploads(stores: Stores, options: StaleUploadOptions): Promise<void> {
  const { signal, nowMs, staleAfterMs } = options;
  if (staleAfterMs !== undefined) {
    const beforeMs = nowMs() - staleAfterMs;
    for await (const bucket of listAllBuckets(stores.buckets, { signal })) {
      const region = stores.regions.get(bucket.region);
      if (region !== undefined) await abortStaleUploads(region, bucket, beforeMs, { signal });
    }
  }
  for (const { meta } of stores.regions.values()) {
    const sweep = { completedBeforeMs: nowMs() - COMPLETED_UPLOAD_MS, limit: BATCH_UPLOADS };
    while ((await meta.sweepUploads(sweep, { signal })) > 0);
  }
}

async function abortStaleUploads(
  { meta }: RegionStores,
  { id: bucketId }: Bucket,
  beforeMs: number,
  { signal }: CallOptions,
): Promise<void> {
  let after: Upload | undefined;
  for (;;) {
    const page = await meta.listUploads({ bucketId, prefix: '', after, limit: BATCH_UPLOADS }, { signal });
    for (const { key, uploadId, initiatedAtMs } of page) {
      if (initiatedAtMs < beforeMs) await meta.abortUpload({ bucketId, key, uploadId }, { signal });
    }
    if (page.length < BATCH_UPLOADS) return;
    after = page.at(-1);
  }
}
