import type { Bucket } from '../domain/bucket.ts';
import type { ObjectKey } from '../domain/names.ts';
import { listAllBuckets } from '../jobs/list-all-buckets.ts';
import type { ManagedKeystore } from '../stores/keystore.ts';
import type { RegionStores, Stores } from '../stores/stores.ts';
import type { CopyContext } from './copy-version.ts';
import type { BucketPlace } from './store-version.ts';
import { inBothBuckets, type KeyPair, syncKey } from './sync-key.ts';

/** Keys that are copied at one time. */
const KEYS_AT_ONCE = 8;
const UPLOADS_PAGE = 1_000;

export interface MigrationReport {
  /** Keys of objects that were looked at. */
  keysCount: number;
  bucketsCount: number;
  accessKeysCount: number;
  copiedVersions: number;
  copiedBytes: number;
  /** Versions that were there already. */
  sameVersions: number;
  /** Versions that were taken out of the target, as the source has them no more. */
  removedVersions: number;
  /** Uploads that are open in the source; they are not brought over. */
  openUploads: number;
  /** What could not be copied, or, where the sides are compared, differs. */
  problemsCount: number;
}

export interface Side extends Stores {
  readonly managedKeys: ManagedKeystore | undefined;
}

export interface Migration extends CopyContext {
  readonly from: Side;
  readonly to: Side;
  /** `compare` changes nothing and tells each difference. */
  readonly mode: 'copy' | 'compare';
  /** Is told each problem in one sentence. */
  onProblem(problem: string): void;
  /** Is called after each key. */
  onProgress(report: Readonly<MigrationReport>): void;
}

/**
 * Makes the stores `to` what the stores `from` are: keys, buckets, and every version in its order; or says where they
 * differ. A bucket keeps its id, by which a later run knows its own: one of that name that was made otherwise is left
 * alone and told. One object that fails does not end the run. Throws `StoreError` where a listing fails.
 */
export async function migrate(migration: Migration): Promise<Readonly<MigrationReport>> {
  const run = new Run(migration);
  await run.accessKeys();
  for await (const bucket of listAllBuckets(migration.from.buckets, migration)) await run.bucket(bucket);
  return run.report;
}

class Run {
  readonly report: MigrationReport = {
    keysCount: 0,
    bucketsCount: 0,
    accessKeysCount: 0,
    copiedVersions: 0,
    copiedBytes: 0,
    sameVersions: 0,
    removedVersions: 0,
    openUploads: 0,
    problemsCount: 0,
  };
  readonly #migration: Migration;

  constructor(migration: Migration) {
    this.#migration = migration;
  }

  async accessKeys(): Promise<void> {
    const { from, to, mode, signal } = this.#migration;
    const keys = (await from.managedKeys?.listKeys({ signal })) ?? [];
    for (const key of keys) {
      this.report.accessKeysCount++;
      const existing = await to.keys.getKey(key.accessKeyId, { signal });
      const isSame =
        existing !== undefined &&
        textOf({ ...existing, secret: existing.secret.reveal() }) === textOf({ ...key, secret: key.secret.reveal() });
      if (isSame) continue;
      if (mode === 'compare') this.#problem(`Access key ${key.accessKeyId} is missing in the target or differs.`);
      else if (to.managedKeys === undefined) {
        this.#problem(
          `Access key ${key.accessKeyId}: the keys of the target stand in its configuration; add it there.`,
        );
      } else if (existing === undefined) await to.managedKeys.addKey(key, { signal });
      else await to.managedKeys.replaceKey(key, { signal });
    }
  }

  async bucket(bucket: Bucket): Promise<void> {
    const { from, signal } = this.#migration;
    this.report.bucketsCount++;
    const source = from.regions.get(bucket.region);
    if (source === undefined) {
      this.#problem(`Bucket ${bucket.name} lies in region ${bucket.region}, which the source does not configure.`);
      return;
    }
    const target = await this.#placeInTarget(bucket);
    if (target === undefined) return;
    this.report.openUploads += await this.#countUploads(source, bucket);
    const places = {
      from: { region: source, bucketId: bucket.id },
      to: { region: target, bucketId: bucket.id },
    };
    const running = new Set<Promise<void>>();
    const failed: unknown[] = [];
    for await (const pair of inBothBuckets(places, { signal })) {
      const task = this.#key(bucket, places, pair)
        .catch((error: unknown) => void failed.push(error))
        .finally(() => running.delete(task));
      running.add(task);
      if (running.size >= KEYS_AT_ONCE) await Promise.race(running);
      if (failed.length > 0) break;
    }
    await Promise.all(running);
    if (failed.length > 0) throw failed[0];
  }

  async #key(bucket: Bucket, places: { from: BucketPlace; to: BucketPlace }, pair: KeyPair): Promise<void> {
    const { signal, mode } = this.#migration;
    const { report } = this;
    report.keysCount++;
    try {
      const done = await syncKey(this.#migration, places, pair, { mode });
      report.copiedVersions += done.copiedVersions;
      report.copiedBytes += done.copiedBytes;
      report.sameVersions += done.sameVersions;
      report.removedVersions += done.removedVersions;
      for (const problem of done.problems) this.#problem(`${nameOf(bucket, pair.key)}: ${problem}`);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Error)) throw error;
      this.#problem(`${nameOf(bucket, pair.key)}: ${error.message}`);
    }
    this.#migration.onProgress(report);
  }

  /** The region of the target in which the bucket is, made or brought up to date. */
  async #placeInTarget(bucket: Bucket): Promise<RegionStores | undefined> {
    const { to, mode, signal } = this.#migration;
    const existing = await to.buckets.getBucket(bucket.name, { signal });
    const regionName = existing?.region ?? (to.regions.has(bucket.region) ? bucket.region : to.defaultRegion);
    const region = to.regions.get(regionName);
    if (region === undefined) {
      this.#problem(`Bucket ${bucket.name}: the target does not configure region ${regionName}.`);
      return undefined;
    }
    if (existing !== undefined && existing.id !== bucket.id) {
      this.#problem(`Bucket ${bucket.name} is another one in the target: delete it there, or name another target.`);
      return undefined;
    }
    const isSame = textOf(existing?.configuration) === textOf(bucket.configuration);
    if (existing !== undefined && isSame) return region;
    if (mode === 'compare') {
      this.#problem(`Bucket ${bucket.name} ${existing === undefined ? 'is missing' : 'differs'} in the target.`);
      return existing && region;
    }
    const { name, id, configuration } = bucket;
    const outcome =
      existing === undefined
        ? await to.buckets.createBucket({ ...bucket, region: region.name, revision: 1 }, { signal })
        : await to.buckets.updateBucket({ name, id, configuration, revision: existing.revision }, { signal });
    if (outcome.kind === 'created' || outcome.kind === 'updated') return region;
    this.#problem(`Bucket ${bucket.name} was changed in the target meanwhile: run the command again.`);
    return undefined;
  }

  async #countUploads({ meta }: RegionStores, { id }: Bucket): Promise<number> {
    const { signal } = this.#migration;
    let count = 0;
    let after:
      | { readonly key: string; readonly uploadId: Parameters<typeof meta.getUpload>[0]['uploadId'] }
      | undefined;
    for (;;) {
      const page = await meta.listUploads({ bucketId: id, prefix: '', after, limit: UPLOADS_PAGE }, { signal });
      count += page.length;
      const last = page.at(-1);
      if (last === undefined || page.length < UPLOADS_PAGE) return count;
      after = { key: last.key, uploadId: last.uploadId };
    }
  }

  #problem(problem: string): void {
    this.report.problemsCount++;
    this.#migration.onProblem(problem);
  }
}

function nameOf(bucket: Bucket, key: ObjectKey): string {
  return `s3://${bucket.name}/${key}`;
}

/** The same text for the same values, whatever the order of their fields. */
function textOf(value: unknown): string {
  const sorted = (_: string, inner: unknown): unknown =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner;
  return JSON.stringify(value, sorted) ?? '';
}
