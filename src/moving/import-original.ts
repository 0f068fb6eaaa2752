import { isDeepStrictEqual } from 'node:util';
import type { Bucket, BucketConfiguration, Owner } from '../domain/bucket.ts';
import { type BucketName, parseBucketName, parseRegionName, parseTenantId } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import { StoreError } from '../stores/store.ts';
import type { Stores } from '../stores/stores.ts';
import { findOrphans } from './find-orphans.ts';
import {
  importOriginalObject,
  type OriginalContext,
  OriginalObjectError,
  type OriginalTarget,
} from './import-original-object.ts';
import { importOriginalUpload } from './import-original-upload.ts';
import type {
  OriginalBucket,
  OriginalObject,
  OriginalRegion,
  OriginalSource,
  OriginalUpload,
} from './original-source.ts';
import { type Translated, translateAcl, translateCors, translateTime } from './original-values.ts';

/** Most of what stays behind that is told one by one, of each kind; the rest is counted. */
const TOLD_MAX = 1_000;

export interface OriginalReport {
  bucketsCount: number;
  /** Rows of objects that were looked at. */
  objectsCount: number;
  copiedObjects: number;
  copiedBytes: number;
  /** Objects that the target had already. */
  sameObjects: number;
  /** Unfinished uploads that were made in the target, or got parts there, and these parts. */
  copiedUploads: number;
  copiedParts: number;
  copiedPartsBytes: number;
  /** Unfinished uploads that the target had already, with all their parts. */
  sameUploads: number;
  /** Rows that have no bytes, uploads without their bucket, and bytes that belong to nothing: these stay behind. */
  halfRows: number;
  openUploads: number;
  orphans: number;
  /** What could not be brought over, or not as it was. */
  problemsCount: number;
}

export interface OriginalImport extends OriginalContext {
  readonly from: OriginalSource;
  readonly to: Stores;
  /** Other names for buckets, by the name in the source. */
  readonly renamed: ReadonlyMap<string, BucketName>;
  readonly objectsAtOnce: number;
  /** Bytes that belong to nothing are looked for where their writing began this long ago; `undefined`: they are not. */
  readonly orphansAfterMs: number | undefined;
  /** Is told each problem in one sentence. */
  onProblem(problem: string): void;
  /** Is told what stays behind and is missed by nobody. */
  onLeft(what: string): void;
  /** Is called after each object and each upload. */
  onProgress(report: Readonly<OriginalReport>): void;
}

/**
 * Brings buckets, objects and unfinished uploads of a Pithos 0.7 into the stores `to`. What is there already stays, so that a second run
 * goes on where the first one ended, and brings over what changed since; nothing is taken out of the target, and nothing
 * is written to the source. An object or bucket that fails does not end the run.
 * Throws `StoreError` where the source cannot be listed, or the target is full.
 */
export async function importOriginal(run: OriginalImport): Promise<Readonly<OriginalReport>> {
  const importing = new Importing(run);
  await importing.buckets();
  await importing.uploads();
  await importing.leftBehind();
  return importing.report;
}

class Importing {
  readonly report: OriginalReport = {
    bucketsCount: 0,
    objectsCount: 0,
    copiedObjects: 0,
    copiedBytes: 0,
    sameObjects: 0,
    copiedUploads: 0,
    copiedParts: 0,
    copiedPartsBytes: 0,
    sameUploads: 0,
    halfRows: 0,
    openUploads: 0,
    orphans: 0,
    problemsCount: 0,
  };
  readonly #run: OriginalImport;
  /** Buckets that there are, by name, and where they are; `undefined`: they could not be brought over. */
  readonly #places = new Map<string, BucketPlaces | undefined>();
  /** And what they are called in the target. */
  readonly #names = new Set<BucketName>();

  constructor(run: OriginalImport) {
    this.#run = run;
  }

  async buckets(): Promise<void> {
    for await (const row of this.#run.from.buckets(this.#run)) {
      this.report.bucketsCount++;
      const name = `s3://${row.name}`;
      const place = await this.#orTell(name, () => this.#bucket(row));
      this.#places.set(row.name, place);
      if (place !== undefined) await this.#objects(row.name, place);
    }
  }

  async uploads(): Promise<void> {
    for (const meta of this.#run.from.metastores) {
      for await (const row of meta.uploads(this.#run)) {
        const places = this.#places.get(row.bucket);
        if (places?.source.meta === meta) await this.#upload(row, places);
        else this.#leftUpload(row, 'is of no bucket that was brought over');
        this.#run.onProgress(this.report);
      }
    }
  }

  /** Objects of buckets that are no more, and bytes that belong to nothing. */
  async leftBehind(): Promise<void> {
    const { from, orphansAfterMs, clock } = this.#run;
    for (const meta of from.metastores) {
      for await (const bucket of meta.bucketNames(this.#run)) {
        if (!this.#places.has(bucket)) this.#problem(`s3://${bucket}: there are objects of it, but no such bucket.`);
      }
    }
    if (orphansAfterMs === undefined) return;
    const before = { beforeMs: clock.nowMs() - orphansAfterMs, objectsCount: this.report.objectsCount };
    for await (const { inode, version } of findOrphans(from, before, this.#run)) {
      this.report.orphans++;
      this.#left(this.report.orphans, `The bytes of inode ${inode}, version ${version}, belong to no object.`);
    }
  }

  async #objects(bucket: string, { source, target }: BucketPlaces): Promise<void> {
    const { objectsAtOnce } = this.#run;
    const running = new Set<Promise<void>>();
    const failed: unknown[] = [];
    try {
      for await (const row of source.meta.objects(bucket, this.#run)) {
        const task = this.#object({ ...source, bucket }, row, target)
          .catch((error: unknown) => void failed.push(error))
          .finally(() => running.delete(task));
        running.add(task);
        if (running.size >= objectsAtOnce) await Promise.race(running);
        if (failed.length > 0) break;
      }
    } finally {
      await Promise.all(running);
    }
    if (failed.length > 0) throw failed[0];
  }

  async #object(
    source: OriginalRegion & { readonly bucket: string },
    row: OriginalObject,
    target: OriginalTarget,
  ): Promise<void> {
    const { report } = this;
    report.objectsCount++;
    const name = `s3://${source.bucket}/${row.key}`;
    await this.#orTell(name, async () => {
      const outcome = await importOriginalObject(this.#run, source, row, target);
      if (outcome.kind === 'same') report.sameObjects++;
      if (outcome.kind === 'half') {
        report.halfRows++;
        this.#left(report.halfRows, `${name}: its row has no bytes.`);
      }
      if (outcome.kind === 'copied') {
        report.copiedObjects++;
        report.copiedBytes += outcome.sizeBytes;
      }
      for (const problem of outcome.problems) this.#problem(`${name}: ${problem}`);
    });
    this.#run.onProgress(report);
  }

  async #upload(row: OriginalUpload, { source, target }: BucketPlaces): Promise<void> {
    const { report } = this;
    const name = `s3://${row.bucket}/${row.key}: upload ${row.uploadId}`;
    const outcome = await this.#orTell(name, () => importOriginalUpload(this.#run, source, row, target));
    if (outcome === undefined) return this.#leftUpload(row, 'could not be brought over');
    if (outcome.isNew || outcome.copiedParts > 0) report.copiedUploads++;
    else report.sameUploads++;
    report.copiedParts += outcome.copiedParts;
    report.copiedPartsBytes += outcome.copiedBytes;
    for (const problem of outcome.problems) this.#problem(`${name}: ${problem}`);
  }

  #leftUpload({ bucket, key, uploadId }: OriginalUpload, why: string): void {
    this.report.openUploads++;
    this.#left(this.report.openUploads, `s3://${bucket}/${key}: upload ${uploadId} ${why}.`);
  }

  /** Makes the bucket where it is missing, and gives it the ACL and the CORS rules of today's source. */
  async #bucket(row: OriginalBucket): Promise<BucketPlaces | undefined> {
    const { from, to, ids, clock, signal, renamed } = this.#run;
    const name = renamed.get(row.name) ?? parseBucketName(row.name);
    if (name === undefined) {
      throw new OriginalObjectError(`No bucket may have this name today: give it another by --rename ${row.name}=NEW.`);
    }
    if (this.#names.has(name)) throw new OriginalObjectError(`Another bucket is already brought over as ${name}.`);
    this.#names.add(name);
    if (!row.tenant) throw new OriginalObjectError('Its row has no tenant.');
    const owner: Owner = { tenant: parseTenantId(row.tenant), displayName: row.tenant };
    const regionName = parseRegionName(row.region ?? '');
    const source = regionName === undefined ? undefined : from.regions.get(regionName);
    if (source === undefined) throw new OriginalObjectError(`The source does not configure its region ${row.region}.`);
    const translated = this.#configurationOf(row, owner);
    const made: Bucket = {
      ...{ id: ids.bucketId(), name, owner, revision: 1 },
      region: regionName !== undefined && to.regions.has(regionName) ? regionName : to.defaultRegion,
      createdAtMs: translateTime(row.created) ?? clock.nowMs(),
      configuration: { versioning: 'unversioned', ...translated },
    };
    const outcome = await to.buckets.createBucket(made, { signal });
    const bucket = outcome.kind === 'created' ? made : await this.#brought(outcome.bucket, owner, translated);
    const region = to.regions.get(bucket.region);
    if (region === undefined) throw new OriginalObjectError(`The target does not configure region ${bucket.region}.`);
    if (await region.meta.isBucketClosed(bucket.id, { signal })) {
      throw new OriginalObjectError('It is being deleted in the target: run the command again later.');
    }
    const slot = bucket.configuration.versioning === 'enabled' ? 'new' : 'null';
    return { source, target: { region, bucketId: bucket.id, slot, owner } };
  }

  #configurationOf(row: OriginalBucket, owner: Owner): Pick<BucketConfiguration, 'acl' | 'cors'> {
    const tell = <Value>({ value, problems }: Translated<Value>): Value => {
      for (const problem of problems) this.#problem(`s3://${row.name}: ${problem}`);
      return value;
    };
    const acl = tell(translateAcl(row.acl, owner));
    const cors = tell(translateCors(row.cors));
    return { ...(acl.length === 0 ? {} : { acl }), ...(cors === undefined ? {} : { cors }) };
  }

  /** A bucket that the target has already. */
  async #brought(
    existing: Bucket,
    owner: Owner,
    { acl, cors }: Pick<BucketConfiguration, 'acl' | 'cors'>,
  ): Promise<Bucket> {
    const { to, signal } = this.#run;
    const { name, id, configuration, revision } = existing;
    if (existing.owner.tenant !== owner.tenant) {
      throw new OriginalObjectError(
        `The bucket ${name} of the target belongs to ${existing.owner.tenant}: give this one another name by --rename.`,
      );
    }
    if (isDeepStrictEqual([configuration.acl, configuration.cors], [acl, cors])) return existing;
    const update = { name, id, revision, configuration: { ...configuration, acl, cors } };
    const outcome = await to.buckets.updateBucket(update, { signal });
    if (outcome.kind === 'updated') return outcome.bucket;
    throw new OriginalObjectError('It changed in the target meanwhile: run the command again.');
  }

  /** Tells of what fails for one object or bucket; what fails for all is thrown. */
  async #orTell<Value>(name: string, work: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#run.signal.throwIfAborted();
      const isForAll = error instanceof StoreError && error.kind === 'storage-full';
      const isExpected =
        error instanceof OriginalObjectError || error instanceof StoreError || error instanceof S3Error;
      if (isForAll || !isExpected) throw error;
      this.#problem(`${name}: ${error.message}`);
      return undefined;
    }
  }

  #problem(problem: string): void {
    this.report.problemsCount++;
    this.#run.onProblem(problem);
  }

  #left(count: number, what: string): void {
    if (count <= TOLD_MAX) this.#run.onLeft(what);
  }
}

interface BucketPlaces {
  readonly source: OriginalRegion;
  readonly target: OriginalTarget;
}
