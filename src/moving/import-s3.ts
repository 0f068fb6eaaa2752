import type { Bucket, Owner } from '../domain/bucket.ts';
import { type BucketName, parseBucketName, parseObjectKey } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import { EndpointError } from '../s3-client/endpoint-error.ts';
import type { S3Client } from '../s3-client/s3-client.ts';
import { listSourceBuckets, listSourceObjects, type SourceObject } from '../s3-client/s3-source.ts';
import { StoreError } from '../stores/store.ts';
import type { Stores } from '../stores/stores.ts';
import { type ImportTarget, importObject } from './import-object.ts';
import type { StoreContext } from './store-version.ts';

export interface ImportReport {
  bucketsCount: number;
  /** Objects of the source that were looked at. */
  objectsCount: number;
  copiedObjects: number;
  copiedBytes: number;
  /** Objects that the target had already. */
  sameObjects: number;
  /** What could not be brought over. */
  problemsCount: number;
}

export interface S3Import extends StoreContext {
  readonly client: S3Client;
  /** `undefined`: all buckets of the source. */
  readonly from: { readonly bucket: string; readonly prefix: string } | undefined;
  readonly to: Stores;
  /** The name of the one bucket in the target; its own unless given. */
  readonly bucketName: BucketName | undefined;
  /** Whose the buckets are that are made. */
  readonly owner: Owner;
  /** What a bucket that is made has, beside its name. */
  readonly configuration: Bucket['configuration'];
  readonly objectsAtOnce: number;
  /** Is told each problem in one sentence. */
  onProblem(problem: string): void;
  /** Is called after each object. */
  onProgress(report: Readonly<ImportReport>): void;
}

/**
 * Brings the current objects of another S3 server into the stores `to`; what is there already, with the same ETag and
 * size, stays, so that a second run goes on where the first one ended. Nothing is taken out of the target.
 * An object or a bucket that fails does not end the run.
 * Throws: `EndpointError` where the buckets cannot be listed; `StoreError` where the disk is full.
 */
export async function importS3(run: S3Import): Promise<Readonly<ImportReport>> {
  const report: ImportReport = {
    bucketsCount: 0,
    objectsCount: 0,
    copiedObjects: 0,
    copiedBytes: 0,
    sameObjects: 0,
    problemsCount: 0,
  };
  const { client, from, signal } = run;
  if (from !== undefined) await importBucket(run, report, from);
  else {
    for await (const bucket of listSourceBuckets(client, { signal })) {
      await importBucket(run, report, { bucket, prefix: '' });
    }
  }
  return report;
}

async function importBucket(
  run: S3Import,
  report: ImportReport,
  from: { readonly bucket: string; readonly prefix: string },
): Promise<void> {
  const { client, signal, objectsAtOnce } = run;
  report.bucketsCount++;
  const running = new Set<Promise<void>>();
  const failed: unknown[] = [];
  const start = async () => {
    const objects = listSourceObjects(client, from, { signal });
    let next = await objects.next();
    // Only now, so that no bucket is made for one that the source does not have or does not show.
    const target = await targetBucket(run, from.bucket);
    for (; next.done !== true && failed.length === 0; next = await objects.next()) {
      const task = importOne(run, report, { bucket: from.bucket, listed: next.value, target })
        .catch((error: unknown) => void failed.push(error))
        .finally(() => running.delete(task));
      running.add(task);
      if (running.size >= objectsAtOnce) await Promise.race(running);
    }
  };
  try {
    await orTell(run, report, `s3://${from.bucket}`, start);
  } finally {
    await Promise.all(running);
  }
  if (failed.length > 0) throw failed[0];
}

async function importOne(
  run: S3Import,
  report: ImportReport,
  { bucket, listed, target }: { readonly bucket: string; readonly listed: SourceObject; readonly target: ImportTarget },
): Promise<void> {
  report.objectsCount++;
  await orTell(run, report, `s3://${bucket}/${listed.key}`, async () => {
    const key = parseObjectKey(listed.key);
    if (key === undefined) throw new EndpointError('Its key is empty or too long.', { code: 'KeyTooLongError' });
    const outcome = await importObject(run, { bucket, key, listed }, target);
    if (outcome.kind === 'same') report.sameObjects++;
    if (outcome.kind !== 'copied') return;
    report.copiedObjects++;
    report.copiedBytes += outcome.sizeBytes;
  });
  run.onProgress(report);
}

/** Tells of what fails for one object or bucket; what fails for all is thrown. */
async function orTell(run: S3Import, report: ImportReport, name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    run.signal.throwIfAborted();
    const isForAll = error instanceof StoreError && error.kind === 'storage-full';
    const isExpected = error instanceof EndpointError || error instanceof StoreError || error instanceof S3Error;
    if (isForAll || !isExpected) throw error;
    report.problemsCount++;
    run.onProblem(`${name}: ${error.message}`);
  }
}

/** Where the objects of a bucket go; it is made where it is missing. */
async function targetBucket(run: S3Import, sourceName: string): Promise<ImportTarget> {
  const { to, signal, owner, ids, clock, configuration } = run;
  const name = run.bucketName ?? parseBucketName(sourceName);
  if (name === undefined) throw refusal('Its name is none that a bucket may have here: name another one by --bucket.');
  let bucket = await to.buckets.getBucket(name, { signal });
  if (bucket === undefined) {
    const made: Bucket = {
      id: ids.bucketId(),
      name,
      owner,
      region: to.defaultRegion,
      createdAtMs: clock.nowMs(),
      configuration,
      revision: 1,
    };
    const outcome = await to.buckets.createBucket(made, { signal });
    bucket = outcome.kind === 'created' ? made : outcome.bucket;
  }
  if (bucket.owner.tenant !== owner.tenant) {
    throw refusal(`The bucket ${name} of the target belongs to ${bucket.owner.tenant}: name that by --tenant.`);
  }
  const region = to.regions.get(bucket.region);
  if (region === undefined) throw refusal(`The target does not configure region ${bucket.region} of bucket ${name}.`);
  if (await region.meta.isBucketClosed(bucket.id, { signal })) {
    throw refusal(`The bucket ${name} of the target is being deleted: run the command again later.`);
  }
  const slot = bucket.configuration.versioning === 'enabled' ? 'new' : 'null';
  return { region, bucketId: bucket.id, slot, owner: bucket.owner };
}

function refusal(message: string): EndpointError {
  return new EndpointError(message, { code: 'TargetBucket' });
}
