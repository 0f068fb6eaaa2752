import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRegionName, parseStorageClass, type RegionName, type StorageClass } from '../../domain/names.ts';
import { systemCode } from './system-error.ts';

const BLOBS_DIRECTORY = 'blobs';

/** A blobstore's place in a data directory or a backup. */
export interface BlobPlace {
  readonly region: RegionName;
  readonly storageClass: StorageClass;
}

/** Where the blobs of a data directory or a backup lie, those of each region and storage class apart. */
export function blobsDirectory(directory: string, { region, storageClass }: BlobPlace): string {
  return join(directory, BLOBS_DIRECTORY, region, storageClass);
}

/** Every place in a directory where blobs may lie. */
export async function* blobPlaces(directory: string): AsyncGenerator<BlobPlace> {
  const top = join(directory, BLOBS_DIRECTORY);
  for (const regionName of await namesIn(top)) {
    for (const className of await namesIn(join(top, regionName))) {
      const region = parseRegionName(regionName);
      const storageClass = parseStorageClass(className);
      if (region !== undefined && storageClass !== undefined) yield { region, storageClass };
    }
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return [];
    throw error;
  }
}
