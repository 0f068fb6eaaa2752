import { randomBytes } from 'node:crypto';
import type { Bucket } from '../../src/domain/bucket.ts';
import {
  type BucketName,
  parseAccessKeyId,
  parseBlobId,
  parseBucketId,
  parseBucketName,
  parseRegionName,
  parseStorageClass,
  parseTenantId,
  type RegionName,
  type StorageClass,
} from '../../src/domain/names.ts';
import { Secret } from '../../src/domain/secret.ts';
import { ANONYMOUS } from '../../src/http/auth/make-identity.ts';
import type { ContextOf } from '../../src/operations/operation.ts';
import { MemoryBlobstore } from '../../src/stores/memory/blobstore.ts';
import { MemoryBucketstore } from '../../src/stores/memory/bucketstore.ts';
import { MemoryKeystore } from '../../src/stores/memory/keystore.ts';
import { MemoryMetastore } from '../../src/stores/memory/metastore.ts';
import type { Stores } from '../../src/stores/stores.ts';
import { ALICE, BOB, bucketOf, must, NOW_MS } from './start-front.ts';

export interface TwoRegions extends Stores {
  /** The first region: `west-bucket` is Alice's, `bobs-bucket` Bob's; classes STANDARD and COLD. */
  readonly west: TestRegion;
  /** The second: `east-bucket` is Alice's; only the shortest bodies are inline. */
  readonly east: TestRegion;
  readonly bucketOf: (name: string) => Promise<Bucket>;
}

export interface TestRegion {
  readonly name: RegionName;
  readonly meta: MemoryMetastore;
  readonly blobs: ReadonlyMap<StorageClass, MemoryBlobstore>;
}

export const STANDARD = must(parseStorageClass('STANDARD'));
export const COLD = must(parseStorageClass('COLD'));
/** Longest inline body of the east, in bytes. */
export const EAST_INLINE_BYTES_MAX = 10;
export const SIGNAL = new AbortController().signal;

const nowMs = () => NOW_MS;

/** Stores of two regions; `westMeta` is a metastore with a fault of the test's own. */
export async function twoRegions(westMeta = new MemoryMetastore({ nowMs })): Promise<TwoRegions> {
  const west = regionOf('us-west-1', westMeta);
  const east = regionOf('us-east-1', new MemoryMetastore({ nowMs, inlineBytesMax: EAST_INLINE_BYTES_MAX }));
  const buckets = new MemoryBucketstore();
  for (const [name, region, tenant] of [
    ['west-bucket', west, 'alice'],
    ['east-bucket', east, 'alice'],
    ['bobs-bucket', west, 'bob'],
  ] as const) {
    const bucket = { ...bucketOf(bucketName(name), tenant), region: region.name };
    await buckets.createBucket(bucket, { signal: SIGNAL });
  }
  return {
    west,
    east,
    buckets,
    keys: new MemoryKeystore([keyOf(ALICE, 'alice'), keyOf(BOB, 'bob')]),
    defaultRegion: west.name,
    regions: new Map([west, east].map((region) => [region.name, region])),
    bucketOf: async (name) => must(await buckets.getBucket(bucketName(name), { signal: SIGNAL })),
  };
}

function regionOf(text: string, meta: MemoryMetastore): TestRegion {
  const blobs = new Map([STANDARD, COLD].map((storageClass) => [storageClass, new MemoryBlobstore()]));
  return { name: must(parseRegionName(text)), meta, blobs };
}

function keyOf({ accessKeyId, secretAccessKey }: typeof ALICE | typeof BOB, tenant: string) {
  return {
    accessKeyId: must(parseAccessKeyId(accessKeyId)),
    secret: new Secret(secretAccessKey),
    tenant: parseTenantId(tenant),
    displayName: tenant,
    master: false,
    memberOf: [],
  };
}

function bucketName(text: string): BucketName {
  return must(parseBucketName(text));
}

/** What dispatch would give an operation on a bucket of `stores`, with parts of a test's own. */
export async function contextOf(
  stores: TwoRegions,
  name: string,
  parts: Partial<ContextOf<'object'>> = {},
): Promise<ContextOf<'object'>> {
  const open = async (bucketName: BucketName) => {
    const bucket = await stores.bucketOf(bucketName);
    return {
      bucket,
      region: must(stores.regions.get(bucket.region)),
      refresh: () => stores.bucketOf(bucketName),
      requireAccess: () => undefined,
      isAllowed: () => true,
      isForbidden: () => false,
      wouldAllow: () => true,
    };
  };
  return {
    ...(await open(bucketName(name))),
    identity: ANONYMOUS,
    stores,
    readPins: { begin: () => ({ [Symbol.dispose]: () => undefined }), [Symbol.asyncDispose]: async () => undefined },
    clock: { nowMs },
    ids: { bucketId: () => parseBucketId(randomId()), blobId: () => parseBlobId(randomId()) },
    signal: SIGNAL,
    defaultObjectOwnership: 'ObjectWriter',
    openBucket: open,
    ...parts,
  };
}

function randomId(): string {
  return randomBytes(16).toString('hex');
}
