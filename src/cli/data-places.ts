import { type Config, dataDirectories, type RegionConfig, usesCassandra } from '../config/config.ts';
import type { RegionName, StorageClass } from '../domain/names.ts';
import { CommandError } from './exit-code.ts';

/** Where the stores of a configuration lie on this machine. */
export interface DataPlaces {
  /** The directory with all metadata, which has one moment. */
  readonly metadata: string;
  /** That one, and those with blobs alone. */
  readonly all: readonly string[];
  blobDirectoryOf(place: { readonly region: RegionName; readonly storageClass: StorageClass }): string;
}

/** The places that a backup is made of. Throws `CommandError` where there are none, or metadata in more than one. */
export function dataPlaces(config: Config): DataPlaces {
  if (usesCassandra(config)) {
    throw new CommandError(
      'The stores are on Cassandra: `nodetool snapshot` on every node backs them up, as docs/cassandra.md describes.',
    );
  }
  const { keystore, bucketstore, regions } = config;
  const metadataStores = [
    keystore.store,
    bucketstore.store,
    ...[...regions.values()].map((region) => region.metastore),
  ];
  const directories = new Set(metadataStores.flatMap((store) => (store.use === 'embedded' ? [store.path] : [])));
  const [metadata, ...others] = directories;
  if (metadata === undefined) throw new CommandError('The stores are in memory: there is nothing to back up.');
  if (others.length > 0) {
    throw new CommandError(
      `The metadata lie in ${directories.size} directories (${[...directories].join(', ')}), which have no moment in ` +
        'common: stop the server and copy them.',
    );
  }
  const blobDirectoryOf: DataPlaces['blobDirectoryOf'] = ({ region, storageClass }) =>
    blobDirectory(regions.get(region), storageClass) ?? metadata;
  return { metadata, all: dataDirectories(config), blobDirectoryOf };
}

/** `undefined` for what the configuration does not name: it lies beside the metadata then. */
function blobDirectory(region: RegionConfig | undefined, storageClass: StorageClass): string | undefined {
  const store = region?.storageClasses.get(storageClass);
  return store?.use === 'embedded' ? store.path : undefined;
}
