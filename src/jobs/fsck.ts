import type { BucketId } from '../domain/names.ts';
import type { BlobAddress, ManifestId, ObjectVersion, StoredObject } from '../domain/object-version.ts';
import type { Blobstore } from '../stores/blobstore.ts';
import type { RegionStores, Stores } from '../stores/stores.ts';
import { listAllBuckets } from './list-all-buckets.ts';

/** Problems that the report holds; all are told to `onProblem`. */
const REPORTED_PROBLEMS_MAX = 1_000;
/** Parts of a manifest that are read at a time. */
const PAGE_PARTS = 1_000;

export interface FsckOptions {
  /** Whether every byte is read and verified too. */
  readonly deep: boolean;
  readonly signal: AbortSignal;
  /** Told of each problem when it is found, in one sentence. */
  readonly onProblem?: (problem: string) => void;
}

export interface FsckReport {
  /** Versions of all regions, delete markers among them. */
  readonly versions: number;
  /** Blobs that are referenced, and their bytes. */
  readonly blobs: number;
  readonly bytes: number;
  /** The first thousand. */
  readonly problems: readonly string[];
  readonly problemsCount: number;
}

/**
 * Proves that every version has its bytes, and that all bytes have a version, a part, an intent or a place in the
 * reclaim queue. Changes nothing and works on stores in use: what looks wrong is looked at again before it is told,
 * in the order in which stores change (an intent stands before bytes, bytes go before they are forgotten).
 */
export async function fsck(stores: Stores, options: FsckOptions): Promise<FsckReport> {
  const check = new Check(stores, options);
  for (const region of stores.regions.values()) await check.checkRegion(region);
  return check.report();
}

class Check {
  readonly #stores: Stores;
  readonly #options: FsckOptions;
  readonly #problems: string[] = [];
  #buckets = new Set<BucketId>();
  #problemsCount = 0;
  #versions = 0;
  #blobs = 0;
  #bytes = 0;

  constructor(stores: Stores, options: FsckOptions) {
    this.#stores = stores;
    this.#options = options;
  }

  async checkRegion(region: RegionStores): Promise<void> {
    for await (const sentence of region.meta.checkConsistency(this.#options)) this.#tell(region, sentence);
    for await (const { bucketId, version } of region.meta.scanVersions(this.#options)) {
      this.#versions++;
      await this.#checkVersion(region, bucketId, version);
    }
    for await (const blob of region.meta.scanReferences(this.#options)) await this.#checkReferenced(region, blob);
    for (const blobstore of region.blobs.values()) await this.#checkStored(region, blobstore);
  }

  report(): FsckReport {
    return {
      versions: this.#versions,
      blobs: this.#blobs,
      bytes: this.#bytes,
      problems: this.#problems,
      problemsCount: this.#problemsCount,
    };
  }

  async #checkVersion(region: RegionStores, bucketId: BucketId, version: ObjectVersion): Promise<void> {
    const name = `Version ${version.versionId} of key ${JSON.stringify(version.key)} in bucket ${bucketId}`;
    if (!(await this.#hasBucket(bucketId))) this.#tell(region, `${name} is in no bucket.`);
    if (version.kind === 'delete-marker') return;
    const bodyBytes = await this.#bodyBytes(region, version);
    if (bodyBytes === version.sizeBytes) return;
    // It may have gone while its manifest was read.
    const now = await region.meta.getVersion(
      { bucketId, key: version.key, versionId: version.versionId },
      this.#options,
    );
    if (now === undefined) return;
    this.#tell(region, `${name} has ${version.sizeBytes} bytes, and its body ${bodyBytes}.`);
  }

  async #hasBucket(id: BucketId): Promise<boolean> {
    if (this.#buckets.has(id)) return true;
    // A bucket made since: its claim stood before its first version.
    const buckets = new Set<BucketId>();
    for await (const bucket of listAllBuckets(this.#stores.buckets, this.#options)) buckets.add(bucket.id);
    this.#buckets = buckets;
    return buckets.has(id);
  }

  async #bodyBytes(region: RegionStores, { body }: StoredObject): Promise<number> {
    switch (body.kind) {
      case 'inline':
        return body.bytes.length;
      case 'blob':
        return body.blob.sizeBytes;
      case 'manifest':
        return await this.#manifestBytes(region, body.manifestId);
    }
  }

  /** The length of the parts up to the first that does not begin where the one before it ends. */
  async #manifestBytes({ meta }: RegionStores, id: ManifestId): Promise<number> {
    let sizeBytes = 0;
    let partNumber = 1;
    for (;;) {
      const parts = await meta.readManifest(id, { partNumber }, PAGE_PARTS, this.#options);
      for (const part of parts) {
        const storedBytes = part.body?.sizeBytes ?? 0;
        if (part.offsetBytes !== sizeBytes || part.sizeBytes !== storedBytes) return sizeBytes;
        sizeBytes += part.sizeBytes;
        partNumber = part.partNumber + 1;
      }
      if (parts.length < PAGE_PARTS) return sizeBytes;
    }
  }

  async #checkReferenced(region: RegionStores, blob: BlobAddress): Promise<void> {
    this.#blobs++;
    this.#bytes += blob.sizeBytes;
    const blobstore = region.blobs.get(blob.storageClass);
    if (blobstore === undefined) {
      this.#tell(region, `Blob ${blob.id} is in storage class ${blob.storageClass}, which has no blobstore.`);
      return;
    }
    const { deep } = this.#options;
    const condition = await blobstore.verify(blob, { deep }, this.#options);
    if (condition === 'sound') return;
    if ((await region.meta.getBlobState(blob.id, this.#options)) !== 'referenced') return;
    this.#tell(region, `Blob ${blob.id} of ${blob.sizeBytes} bytes in ${blob.storageClass} is ${condition}.`);
  }

  async #checkStored(region: RegionStores, blobstore: Blobstore): Promise<void> {
    for await (const { id, storedBytes } of blobstore.list(this.#options)) {
      if ((await region.meta.getBlobState(id, this.#options)) !== 'unknown') continue;
      // Reclaim may have deleted and forgotten it since it was listed.
      const condition = await blobstore.verify({ id, sizeBytes: storedBytes }, { deep: false }, this.#options);
      if (condition === 'missing') continue;
      this.#tell(region, `Blob ${id} with ${storedBytes} bytes belongs to nothing: it is leaked.`);
    }
  }

  #tell(region: RegionStores, sentence: string): void {
    const problem = `Region ${region.name}: ${sentence}`;
    this.#problemsCount++;
    if (this.#problems.length < REPORTED_PROBLEMS_MAX) this.#problems.push(problem);
    this.#options.onProblem?.(problem);
  }
}
