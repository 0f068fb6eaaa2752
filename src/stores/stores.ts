import type { RegionName, StorageClass } from '../domain/names.ts';
import type { Blobstore } from './blobstore.ts';
import type { Bucketstore } from './bucketstore.ts';
import type { Keystore } from './keystore.ts';
import type { Metastore } from './metastore.ts';

/** All stores of one server. */
export interface Stores {
  readonly keys: Keystore;
  readonly buckets: Bucketstore;
  /** Where buckets go whose CreateBucket names no region. */
  readonly defaultRegion: RegionName;
  readonly regions: ReadonlyMap<RegionName, RegionStores>;
}

/** The stores of one region. */
export interface RegionStores {
  readonly name: RegionName;
  readonly meta: Metastore;
  /** At least `STANDARD`. */
  readonly blobs: ReadonlyMap<StorageClass, Blobstore>;
}
