import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobId, RegionName } from '../../domain/names.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { pinForBackup } from './backup-pin.ts';
import {
  freshMetadataName,
  incomingDirectory,
  prepareTarget,
  readCompletion,
  removeLeftovers,
  writeCompletion,
} from './backup-target.ts';
import {
  BlobDirectories,
  copyBlob,
  forEachBlob,
  openAllMetastores,
  type RegionBlob,
  sha256OfFile,
  syncPrivateFile,
} from './blob-copies.ts';
import { fileBytes } from './blob-frames.ts';
import { type BlobPlace, blobPlaces, blobsDirectory } from './blob-places.ts';
import { blobPath } from './blobstore.ts';
import { type EmbeddedDatabase, openDatabase } from './database.ts';
import { makeDirectory, syncDirectory } from './durable-directory.ts';
import { METADATA_FILE } from './environment.ts';
import type { EmbeddedMetastore } from './metastore.ts';
import { fileSize } from './system-error.ts';

/** Blobs that one backup removes because its snapshot has them no more; the next one goes on. */
const PRUNED_BLOBS_MAX = 100_000;

export interface BackupOptions extends CallOptions {
  /** A data directory with metadata, which servers may use meanwhile. */
  readonly directory: string;
  /** The one with the blobs of a region and storage class; it may be another. */
  readonly blobDirectoryOf: (place: BlobPlace) => string;
  /** Where the backup is kept; nobody else may write it. */
  readonly target: string;
  /** Whether blobs that an earlier backup has copied are read and verified again. */
  readonly isDeep: boolean;
  readonly nowMs: () => number;
  /** The target takes nothing more while less is free on its disk, in bytes; unless given, 1 GiB or 2 %. */
  readonly diskFreeBytesMin?: number;
  /** Told in a sentence what of the data directory is damaged. */
  readonly onProblem: (problem: string) => void;
}

export interface BackupReport {
  readonly blobs: number;
  readonly bytes: number;
  readonly copiedBlobs: number;
  readonly copiedBytes: number;
  readonly metadataBytes: number;
  readonly problemsCount: number;
}

/**
 * Copies a data directory as it is at one moment, beside servers that use it: a snapshot of the metadata first, under
 * a pin that keeps reclaim away, then the blobs that it names and the target has not.
 *
 * The target has one whole backup at every moment from the first on: the earlier one, until all of this one is on
 * stable storage. Where it stops halfway, the next one begins with what is there. What cannot be read is told and left
 * out. Throws `storage-full`, `unavailable`.
 */
export async function takeBackup(options: BackupOptions): Promise<BackupReport> {
  const { directory, target, nowMs } = options;
  await prepareTarget(target);
  const earlier = await readCompletion(target);
  await removeLeftovers(target, earlier);
  const beganAtMs = nowMs();
  const incoming = incomingDirectory(target);
  await makeDirectory(incoming, 'strict');
  try {
    await using database = await openDatabase({ directory, durability: 'strict' });
    const live = openAllMetastores(database, options);
    await using _ = await pinForBackup([...live.values()], options);
    await database.copyTo(join(incoming, METADATA_FILE));
    await using copier = new Copier(live, options);
    const prunable = await copier.copySnapshot(incoming);
    const metadata = await keepMetadata(target, options);
    await copier.sync();
    const { blobs, bytes, damagedBlobs } = copier;
    const completion = { beganAtMs, metadata, blobs, bytes, damagedBlobs };
    await writeCompletion(target, completion);
    await removeLeftovers(target, completion);
    for (const path of prunable) await rm(path, { force: true });
    const { copiedBlobs, copiedBytes, problemsCount } = copier;
    return { blobs, bytes, copiedBlobs, copiedBytes, metadataBytes: metadata.sizeBytes, problemsCount };
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

/** Moves the copy of the metadata, which nobody opens any more, to its place. */
async function keepMetadata(target: string, options: CallOptions) {
  const path = join(incomingDirectory(target), METADATA_FILE);
  const file = freshMetadataName();
  await syncPrivateFile(path);
  const { size: sizeBytes } = await stat(path);
  const sha256 = await sha256OfFile(path, options);
  await rename(path, join(target, file));
  return { file, sizeBytes, sha256 };
}

/** Copies what a snapshot names from the data directory to the target. */
class Copier implements AsyncDisposable {
  blobs = 0;
  bytes = 0;
  copiedBlobs = 0;
  copiedBytes = 0;
  damagedBlobs = 0;
  problemsCount = 0;
  readonly #options: BackupOptions;
  readonly #live: ReadonlyMap<RegionName, EmbeddedMetastore>;
  readonly #from: BlobDirectories;
  readonly #incoming: BlobDirectories;
  readonly #kept: BlobDirectories;
  /** Directories of the target with new entries. */
  readonly #touched = new Set<string>();

  constructor(live: ReadonlyMap<RegionName, EmbeddedMetastore>, options: BackupOptions) {
    const { blobDirectoryOf, target, diskFreeBytesMin } = options;
    const watermark = diskFreeBytesMin === undefined ? {} : { diskFreeBytesMin };
    this.#options = options;
    this.#live = live;
    this.#from = new BlobDirectories(blobDirectoryOf, { durability: 'strict' });
    this.#incoming = new BlobDirectories(() => incomingDirectory(target), { durability: 'strict', ...watermark });
    this.#kept = new BlobDirectories(() => target, { durability: 'strict' });
  }

  /** Copies every blob, and checks the metadata; resolves with the files of the target that the snapshot has not. */
  async copySnapshot(directory: string): Promise<readonly string[]> {
    await using snapshot: EmbeddedDatabase = await openDatabase({
      directory,
      durability: 'relaxed',
      diskFreeBytesMin: 0,
    });
    const metastores = openAllMetastores(snapshot, this.#options);
    for (const [region, metastore] of metastores) {
      for await (const sentence of metastore.checkConsistency(this.#options)) this.#tell(region, sentence);
    }
    await forEachBlob(metastores, (blob) => this.#copy(blob), this.#options);
    return await this.#findPrunable(metastores);
  }

  /** When it resolves, what was copied is on stable storage. */
  async sync(): Promise<void> {
    for (const directory of this.#touched) await syncDirectory(directory);
    await syncDirectory(this.#options.target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const directories of [this.#from, this.#incoming, this.#kept]) await directories[Symbol.asyncDispose]();
  }

  async #copy(found: RegionBlob): Promise<void> {
    const { region, blob } = found;
    this.blobs++;
    this.bytes += blob.sizeBytes;
    if (await this.#isKept(found)) return;
    const place = { region, storageClass: blob.storageClass };
    try {
      const stores = { from: await this.#from.open(place), to: await this.#incoming.open(place) };
      await copyBlob(stores, blob, this.#options);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'corrupt') throw error;
      await this.#tellDamage(found, error);
      return;
    }
    await this.#keep(place, blob.id);
    this.copiedBlobs++;
    this.copiedBytes += blob.sizeBytes;
  }

  /** Moves a blob that is whole and synced to its name. */
  async #keep(place: BlobPlace, id: BlobId): Promise<void> {
    const { target } = this.#options;
    const ofClass = blobsDirectory(target, place);
    const path = blobPath(ofClass, id);
    const shard = dirname(path);
    await mkdir(shard, { recursive: true, mode: 0o700 });
    await rename(blobPath(blobsDirectory(incomingDirectory(target), place), id), path);
    this.#touched
      .add(shard)
      .add(ofClass)
      .add(dirname(ofClass))
      .add(dirname(dirname(ofClass)));
  }

  /** Whether an earlier backup has copied it: a file has its name only once it is whole and synced. */
  async #isKept({ region, blob }: RegionBlob): Promise<boolean> {
    const place = { region, storageClass: blob.storageClass };
    const path = blobPath(blobsDirectory(this.#options.target, place), blob.id);
    if ((await fileSize(path)) !== fileBytes(blob.sizeBytes)) return false;
    if (!this.#options.isDeep) return true;
    const kept = await this.#kept.open(place);
    return (await kept.verify(blob, { deep: true }, this.#options)) === 'sound';
  }

  async #tellDamage({ region, blob }: RegionBlob, error: StoreError): Promise<void> {
    const state = await this.#live.get(region)?.getBlobState(blob.id, this.#options);
    if (state !== 'referenced') {
      throw new StoreError(
        'unavailable',
        `Blob ${blob.id} went while it was to be copied: this process was held up for longer than its pin lasts. Run the backup again.`,
        { cause: error },
      );
    }
    this.damagedBlobs++;
    this.#tell(region, error.message);
  }

  async #findPrunable(metastores: ReadonlyMap<RegionName, EmbeddedMetastore>): Promise<readonly string[]> {
    const paths: string[] = [];
    for await (const place of blobPlaces(this.#options.target)) {
      const kept = await this.#kept.open(place);
      for await (const { id } of kept.list(this.#options)) {
        if (paths.length === PRUNED_BLOBS_MAX) return paths;
        const state = await metastores.get(place.region)?.getBlobState(id, this.#options);
        if (state !== 'referenced') paths.push(blobPath(blobsDirectory(this.#options.target, place), id));
      }
    }
    return paths;
  }

  #tell(region: RegionName, sentence: string): void {
    this.problemsCount++;
    this.#options.onProblem(`Region ${region}: ${sentence}`);
  }
}
