import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, open } from 'node:fs/promises';
import { parseRegionName, type RegionName } from '../../domain/names.ts';
import type { BlobAddress } from '../../domain/object-version.ts';
import type { CallOptions } from '../store.ts';
import { type BlobPlace, blobsDirectory } from './blob-places.ts';
import { type BlobstoreOptions, type EmbeddedBlobstore, openEmbeddedBlobstore } from './blobstore.ts';
import type { EmbeddedDatabase } from './database.ts';
import { EmbeddedMetastore } from './metastore.ts';

/** Blobs that are copied at one time. */
const COPIES_MAX = 4;
const FILE_MODE = 0o600;
/** What the name of a metastore's table of current versions ends with. */
const CURRENT_TABLE = '/current';

/** A blob, and the region whose versions have it. */
export interface RegionBlob {
  readonly region: RegionName;
  readonly blob: BlobAddress;
}

/** The blobstores of all regions and storage classes, each below a directory, opened when they are asked for. */
export class BlobDirectories implements AsyncDisposable {
  readonly #directoryOf: (place: BlobPlace) => string;
  readonly #options: Omit<BlobstoreOptions, 'directory'>;
  readonly #opened = new Map<string, Promise<EmbeddedBlobstore>>();

  constructor(directoryOf: (place: BlobPlace) => string, options: Omit<BlobstoreOptions, 'directory'>) {
    this.#directoryOf = directoryOf;
    this.#options = options;
  }

  open(place: BlobPlace): Promise<EmbeddedBlobstore> {
    const directory = blobsDirectory(this.#directoryOf(place), place);
    const opening = this.#opened.get(directory) ?? openEmbeddedBlobstore({ directory, ...this.#options });
    this.#opened.set(directory, opening);
    return opening;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of await Promise.allSettled(this.#opened.values())) {
      if (end.status === 'fulfilled') await end.value[Symbol.asyncDispose]();
    }
  }
}

/** The metastore of every region in a database, whatever a configuration names. */
export function openAllMetastores(
  database: EmbeddedDatabase,
  { nowMs }: { readonly nowMs: () => number },
): ReadonlyMap<RegionName, EmbeddedMetastore> {
  const metastores = new Map<RegionName, EmbeddedMetastore>();
  for (const table of database.tableNames()) {
    if (!table.endsWith(CURRENT_TABLE)) continue;
    const region = parseRegionName(table.slice(0, -CURRENT_TABLE.length));
    if (region !== undefined) metastores.set(region, new EmbeddedMetastore(database, { name: region, nowMs }));
  }
  return metastores;
}

/** Calls `copy` with every blob that is referenced, some at one time. Ends with the first error, when none runs. */
export async function forEachBlob(
  metastores: ReadonlyMap<RegionName, EmbeddedMetastore>,
  copy: (blob: RegionBlob) => Promise<void>,
  options: CallOptions,
): Promise<void> {
  const blobs = allBlobs(metastores, options);
  const work = async () => {
    for await (const blob of blobs) await copy(blob);
  };
  for (const end of await Promise.allSettled(Array.from({ length: COPIES_MAX }, work))) {
    if (end.status === 'rejected') throw end.reason;
  }
}

/** Copies a blob under its id, verifying each frame, and syncs it. Throws `corrupt` where it is not what was written. */
export async function copyBlob(
  { from, to }: { readonly from: EmbeddedBlobstore; readonly to: EmbeddedBlobstore },
  blob: BlobAddress,
  options: CallOptions,
): Promise<void> {
  const whole = { offsetBytes: 0, lengthBytes: blob.sizeBytes };
  await to.write(blob.id, from.read(blob, whole, options), options);
}

/** Syncs a file that somebody else has written; nobody else may read it from then on. */
export async function syncPrivateFile(path: string): Promise<void> {
  await chmod(path, FILE_MODE);
  await using file = await open(path, 'r+');
  await file.sync();
}

export async function sha256OfFile(path: string, { signal }: CallOptions): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { signal })) hash.update(piece);
  return hash.digest('hex');
}

async function* allBlobs(
  metastores: ReadonlyMap<RegionName, EmbeddedMetastore>,
  options: CallOptions,
): AsyncGenerator<RegionBlob> {
  for (const [region, metastore] of metastores) {
    for await (const blob of metastore.scanReferences(options)) yield { region, blob };
  }
}
