import type { BlobId } from '../domain/names.ts';
import type { BlobAddress } from '../domain/object-version.ts';
import { PIN_AFTER_MS } from '../stores/read-pins.ts';
import { type CallOptions, StoreError } from '../stores/store.ts';
import type { RegionStores } from '../stores/stores.ts';

/** How long an intent stands without being renewed before its blob is given up, in milliseconds. */
export const INTENT_GRACE_MS = 3_600_000;
/**
 * How long a blob rests in the queue before its bytes are deleted, in milliseconds: longer than a commit and then a
 * read without a pin can last.
 */
export const RECLAIM_GRACE_MS = 12 * PIN_AFTER_MS;

/** Intents that one step expires, and blobs that are deleted before they are forgotten together. */
const BATCH_BLOBS = 256;
/** Blobs that are deleted at one time. */
const DELETES_MAX = 8;
/** Blobs that could not be deleted, before a run ends: it asks for as many more of the queue. */
const STUCK_BLOBS_MAX = 10_000;

export interface ReclaimOptions extends CallOptions {
  readonly nowMs: () => number;
  readonly intentGraceMs?: number;
  readonly reclaimGraceMs?: number;
}

/**
 * Gives up the blobs of old intents, and deletes the bytes of all that has rested long enough in a region's queue.
 *
 * It may stop at any moment and run in several processes at once: a blob is forgotten after its bytes are gone, and
 * ids are never used again. Returns how many blobs it deleted. Throws the first error, after all else is done.
 */
export async function reclaim(region: RegionStores, options: ReclaimOptions): Promise<number> {
  const { signal, nowMs, intentGraceMs = INTENT_GRACE_MS, reclaimGraceMs = RECLAIM_GRACE_MS } = options;
  const { meta } = region;
  while ((await meta.expireIntents({ beforeMs: nowMs() - intentGraceMs, limit: BATCH_BLOBS }, { signal })) > 0);
  const stuck = new Map<BlobId, unknown>();
  let deletedCount = 0;
  while (stuck.size < STUCK_BLOBS_MAX) {
    const now = nowMs();
    const range = { beforeMs: now - reclaimGraceMs, nowMs: now, limit: BATCH_BLOBS + stuck.size };
    const blobs = (await meta.listReclaimable(range, { signal })).filter(({ id }) => !stuck.has(id));
    if (blobs.length === 0) break;
    const deleted = await deleteBlobs(region, blobs, stuck, { signal });
    await meta.forgetReclaimed(deleted, { signal });
    deletedCount += deleted.length;
  }
  const [failure] = stuck.values();
  if (failure === undefined) return deletedCount;
  throw new Error(`${stuck.size} blobs of region ${region.name} could not be deleted.`, { cause: failure });
}

/** Deletes bytes, some at a time; what fails is added to `stuck`. */
async function deleteBlobs(
  region: RegionStores,
  blobs: readonly BlobAddress[],
  stuck: Map<BlobId, unknown>,
  { signal }: CallOptions,
): Promise<readonly BlobId[]> {
  const deleted: BlobId[] = [];
  const queue = blobs.values();
  const work = async (): Promise<void> => {
    for (const { id, storageClass } of queue) {
      try {
        const blobstore = region.blobs.get(storageClass);
        if (blobstore === undefined) {
          throw new StoreError(
            'unavailable',
            `Region ${region.name} has no blobstore for storage class ${storageClass}.`,
          );
        }
        await blobstore.delete(id, { signal });
        deleted.push(id);
      } catch (error) {
        signal.throwIfAborted();
        stuck.set(id, error);
      }
    }
  };
  // All have ended when this has: the stores may be closed then.
  await Promise.allSettled(Array.from({ length: DELETES_MAX }, work));
  signal.throwIfAborted();
  return deleted;
}
