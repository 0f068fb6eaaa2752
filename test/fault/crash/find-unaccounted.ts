import { type FsckOptions, fsck } from '../../../src/jobs/fsck.ts';
import { reclaim } from '../../../src/jobs/reclaim.ts';
import type { RegionStores, Stores } from '../../../src/stores/stores.ts';

/** A day on, every grace has passed. */
const LATER_MS = 86_400_000;

/**
 * What fsck finds, and what is left that no version and no part has after reclaim has run: changes the stores, as the
 * server does that would go on with them. The bytes of blobs are not read.
 */
export async function findUnaccounted(
  stores: Stores,
  { signal }: Pick<FsckOptions, 'signal'>,
): Promise<readonly string[]> {
  const { problems: found } = await fsck(stores, { deep: false, signal });
  const problems = found.map((problem) => `fsck: ${problem}`);
  for (const region of stores.regions.values()) {
    const before = await reclaim(region, { signal, nowMs: () => Date.now() + LATER_MS });
    // What was given up by the first run has its own time to rest.
    const reclaimedCount = before + (await reclaim(region, { signal, nowMs: () => Date.now() + 2 * LATER_MS }));
    if (reclaimedCount > 0) problems.push(...(await findWrongReclaim(region, { signal })));
  }
  return problems;
}

async function findWrongReclaim(
  { meta, blobs }: RegionStores,
  options: Pick<FsckOptions, 'signal'>,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for await (const problem of meta.checkConsistency(options)) problems.push(`After reclaim: ${problem}`);
  for (const blobstore of blobs.values()) {
    for await (const { id } of blobstore.list(options)) {
      const state = await meta.getBlobState(id, options);
      if (state !== 'referenced') problems.push(`Blob ${id} is ${state}, and reclaim has left its bytes.`);
    }
  }
  for await (const blob of meta.scanReferences(options)) {
    const condition = await blobs.get(blob.storageClass)?.verify(blob, { deep: false }, options);
    if (condition !== 'sound') problems.push(`Blob ${blob.id} is ${condition} after reclaim.`);
  }
  return problems;
}
