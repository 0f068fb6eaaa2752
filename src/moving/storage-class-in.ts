import { parseStorageClass, type StorageClass } from '../domain/names.ts';
import type { RegionStores } from '../stores/stores.ts';

const STANDARD = parseStorageClass('STANDARD');

/** The storage class that the source names, where the region has it; else its STANDARD, or its first. */
export function storageClassIn({ blobs }: Pick<RegionStores, 'blobs'>, named: string | undefined): StorageClass {
  const classes = [...blobs.keys()];
  const asked = named === undefined ? STANDARD : parseStorageClass(named);
  const found = classes.find((each) => each === asked) ?? classes.find((each) => each === STANDARD) ?? classes[0];
  if (found === undefined) throw new TypeError('A region has at least one storage class.');
  return found;
}
