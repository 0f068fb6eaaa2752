import type { Bucket } from '../domain/bucket.ts';
import type { Bucketstore } from '../stores/bucketstore.ts';
import type { CallOptions } from '../stores/store.ts';

const PAGE_BUCKETS = 1_000;

/** Every bucket of every tenant, by name, a page at a time. */
export async function* listAllBuckets(buckets: Bucketstore, { signal }: CallOptions): AsyncGenerator<Bucket> {
  let after: string | undefined;
  for (;;) {
    const page = await buckets.listBuckets({ tenant: undefined, prefix: '', after, limit: PAGE_BUCKETS }, { signal });
    yield* page;
    if (page.length < PAGE_BUCKETS) return;
    after = page.at(-1)?.name;
  }
}
