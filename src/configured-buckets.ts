import type { OptionsConfig } from './config/config.ts';
import { ConfiguredBucketError } from './configured-bucket-error.ts';
import type { AccessKey } from './domain/access-key.ts';
import { type Bucket, type BucketConfiguration, initialConfiguration } from './domain/bucket.ts';
import type { Log } from './observe/log.ts';
import { bucketAcl } from './operations/acl/apply-acl.ts';
import { finishBucketRemoval } from './operations/bucket-closed.ts';
import { randomIds, systemClock } from './server.ts';
import type { CallOptions } from './stores/store.ts';
import type { Stores } from './stores/stores.ts';

/** How often the claim is tried when a DeleteBucket that died has left the name. */
const CLAIMS_MAX = 3;

export interface BucketMaker {
  /** Whose the buckets are; `undefined` where nobody is known. */
  readonly owner: AccessKey | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Makes the buckets of the configuration that are not there. One that is there stays as it is, whoever owns it. Throws
 * `ConfiguredBucketError`.
 */
export async function makeBuckets(
  stores: Stores,
  { buckets, objectOwnership }: Pick<OptionsConfig, 'buckets' | 'objectOwnership'>,
  { owner: key, log, signal }: BucketMaker,
): Promise<void> {
  if (buckets.length === 0) return;
  if (key === undefined) {
    throw new ConfiguredBucketError('Buckets need an access key to own them: give one in the environment.');
  }
  const owner = { tenant: key.tenant, displayName: key.displayName };
  for (const { name, acl } of buckets) {
    const bucket: Bucket = {
      id: randomIds.bucketId(),
      name,
      owner,
      region: stores.defaultRegion,
      createdAtMs: systemClock.nowMs(),
      configuration: initialConfiguration(objectOwnership),
      revision: 1,
    };
    const grants = bucketAcl(bucket, { kind: 'canned', name: acl });
    const configuration: BucketConfiguration = { ...bucket.configuration, ...(grants && { acl: grants }) };
    const isNew = await claim(stores, { ...bucket, configuration }, { signal });
    if (isNew) log.info({ bucket: name, acl, owner: owner.tenant }, 'made a bucket of the configuration');
  }
}

/** Whether the bucket was made; `false` where there is one. */
async function claim(stores: Stores, bucket: Bucket, options: CallOptions): Promise<boolean> {
  for (let attempt = 1; attempt <= CLAIMS_MAX; attempt++) {
    const outcome = await stores.buckets.createBucket(bucket, options);
    if (outcome.kind === 'created') return true;
    const region = stores.regions.get(outcome.bucket.region);
    if (region === undefined || !(await region.meta.isBucketClosed(outcome.bucket.id, options))) return false;
    await finishBucketRemoval(stores, outcome.bucket, options);
  }
  throw new ConfiguredBucketError(`The bucket ${bucket.name} is being deleted by somebody else: start again.`);
}
