import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, StoreError } from '../store.ts';
import { type Completion, requireCompletion } from './backup-target.ts';
import {
  BlobDirectories,
  copyBlob,
  forEachBlob,
  openAllMetastores,
  type RegionBlob,
  sha256OfFile,
  syncPrivateFile,
} from './blob-copies.ts';
import type { BlobPlace } from './blob-places.ts';
import { openDatabase } from './database.ts';
import { syncDirectory } from './durable-directory.ts';
import { METADATA_FILE } from './environment.ts';
import { fileError } from './system-error.ts';

export interface RestoreOptions extends CallOptions {
  /** Where backups are kept. */
  readonly target: string;
  /** An empty directory, for the metadata. */
  readonly directory: string;
  /** The one for the blobs of a region and storage class; it may be another. */
  readonly blobDirectoryOf: (place: BlobPlace) => string;
  readonly nowMs: () => number;
  /** Told in a sentence what of the backup is damaged. */
  readonly onProblem: (problem: string) => void;
}

export interface RestoreReport extends Completion {
  readonly problemsCount: number;
}

/**
 * Fills a directory with the backup that is whole, verifying every byte: the metadata by their digest and by each
 * other, every blob by the checksums of its frames. When it resolves, all of it is on stable storage.
 *
 * A blob that is damaged is told and left out; reading its object fails then. Throws `corrupt` where the metadata are
 * not what was written, `unavailable` where there is no whole backup.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { target, directory } = options;
  const completion = await requireCompletion(target);
  await restoreMetadata(completion, options);
  await using database = await openDatabase({ directory, durability: 'strict' });
  const metastores = openAllMetastores(database, options);
  // A backup may lie on a disk that takes no writes, not even syncs.
  await using from = new BlobDirectories(() => target, { durability: 'relaxed' });
  await using to = new BlobDirectories(options.blobDirectoryOf, { durability: 'strict' });
  let problemsCount = 0;
  const tell = (region: string, sentence: string) => {
    problemsCount++;
    options.onProblem(`Region ${region}: ${sentence}`);
  };
  for (const [region, metastore] of metastores) {
    for await (const sentence of metastore.checkConsistency(options)) tell(region, sentence);
  }
  const copy = async ({ region, blob }: RegionBlob) => {
    const place = { region, storageClass: blob.storageClass };
    const stores = { from: await from.open(place), to: await to.open(place) };
    try {
      await copyBlob(stores, blob, options);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'corrupt') throw error;
      tell(region, error.message);
    }
  };
  await forEachBlob(metastores, copy, options);
  return { ...completion, problemsCount };
}

async function restoreMetadata({ metadata }: Completion, { target, directory, signal }: RestoreOptions): Promise<void> {
  const path = join(directory, METADATA_FILE);
  try {
    await copyFile(join(target, metadata.file), path);
  } catch (error) {
    throw fileError(`copy the metadata of the backup to ${path}`, error);
  }
  await syncPrivateFile(path);
  await syncDirectory(directory);
  // Of the copy, so that it covers the copying too.
  if ((await sha256OfFile(path, { signal })) === metadata.sha256) return;
  throw new StoreError('corrupt', `${join(target, metadata.file)} is not what was written: restore another backup.`);
}
