import type { RegionName } from '../../domain/names.ts';
import type { CallOptions } from '../store.ts';
import { OriginalKeyspace, type OriginalKeyspaceOptions } from './original-keyspace.ts';

/** Where a Pithos 0.7 kept what it had; most often all in one keyspace. */
export interface OriginalChoices {
  readonly bucketstore: OriginalKeyspaceOptions;
  readonly regions: ReadonlyMap<RegionName, Readonly<Record<'metastore' | 'blobstore', OriginalKeyspaceOptions>>>;
}

/** Connects to all of them, to each keyspace once. Throws `StoreError`. */
export async function openOriginalKeyspaces({ bucketstore, regions }: OriginalChoices) {
  const opened = new Map<string, OriginalKeyspace>();
  const close = async () => {
    for (const keyspace of opened.values()) await keyspace[Symbol.asyncDispose]();
  };
  const open = async (choice: OriginalKeyspaceOptions, kind: 'bucketstore' | 'metastore' | 'blobstore') => {
    const name = JSON.stringify([choice.contactPoints.toSorted(), choice.keyspace, choice.levels.read]);
    const keyspace = opened.get(name) ?? (await OriginalKeyspace.connect(choice));
    opened.set(name, keyspace);
    await keyspace.requireTables(kind);
    return keyspace;
  };
  try {
    const buckets = await open(bucketstore, 'bucketstore');
    const places = new Map<RegionName, { readonly meta: OriginalKeyspace; readonly blobs: OriginalKeyspace }>();
    for (const [name, { metastore, blobstore }] of regions) {
      places.set(name, { meta: await open(metastore, 'metastore'), blobs: await open(blobstore, 'blobstore') });
    }
    const all = [...places.values()];
    return {
      regions: places,
      metastores: [...new Set(all.map(({ meta }) => meta))],
      blobstores: [...new Set(all.map(({ blobs }) => blobs))],
      buckets: (options: CallOptions) => buckets.buckets(options),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
