import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  blobDraft,
  collect,
  deleteDraft,
  must,
  newBlobId,
  newBucketId,
  OPTIONS,
  OWNER,
  put,
  STANDARD,
} from '../../test/contract/drafts.ts';
import { completionOf, openUpload, partOf } from '../../test/contract/upload-steps.ts';
import { makeTempDir } from '../../test/support/temp-dir.ts';
import { type BucketId, parseBucketName, parseRegionName } from '../domain/names.ts';
import type { BlobAddress } from '../domain/object-version.ts';
import { openEmbeddedBlobstore } from '../stores/embedded/blobstore.ts';
import { EmbeddedBucketstore } from '../stores/embedded/bucketstore.ts';
import { openDatabase } from '../stores/embedded/database.ts';
import { EmbeddedKeystore } from '../stores/embedded/keystore.ts';
import { EmbeddedMetastore } from '../stores/embedded/metastore.ts';
import type { Stores } from '../stores/stores.ts';
import { fsck } from './fsck.ts';

const REGION = must(parseRegionName('us-east-1'));
const NOW_MS = Date.UTC(2026, 0, 1);
const BLOB_BYTES = 300_000;

test('a store in which everything has its place is clean, and the report counts it', async () => {
  await using fixture = await openFixture();
  const { meta } = fixture;
  await fixture.fill();
  const report = await fsck(fixture.stores, { deep: true, ...OPTIONS });
  expect(report).toMatchObject({ problems: [], problemsCount: 0, versions: 7, blobs: 4, bytes: 4 * BLOB_BYTES });
  expect(await collect(meta.checkConsistency(OPTIONS))).toEqual([]);
});

test('a blob that is missing, too short, or damaged is found; the damage by reading every byte alone', async () => {
  await using fixture = await openFixture();
  const [missing, short, damaged] = await fixture.fill();
  await rm(fixture.pathOf(must(missing)));
  await writeFile(fixture.pathOf(must(short)), 'short');
  const bytes = await readFile(fixture.pathOf(must(damaged)));
  bytes[BLOB_BYTES / 2] = must(bytes[BLOB_BYTES / 2]) ^ 1;
  await writeFile(fixture.pathOf(must(damaged)), bytes);
  const told: string[] = [];
  const shallow = await fsck(fixture.stores, { deep: false, ...OPTIONS, onProblem: (problem) => told.push(problem) });
  expect(shallow.problems.toSorted()).toEqual(
    [`${problemOf(missing)} is missing.`, `${problemOf(short)} is corrupt.`].sort(),
  );
  expect(told).toEqual(shallow.problems);
  const deep = await fsck(fixture.stores, { deep: true, ...OPTIONS });
  expect(deep.problems).toContain(`${problemOf(damaged)} is corrupt.`);
  expect(deep.problemsCount).toBe(3);

  function problemOf(blob: BlobAddress | undefined): string {
    return `Region us-east-1: Blob ${must(blob).id} of ${BLOB_BYTES} bytes in STANDARD`;
  }
});

test('bytes that belong to nothing are leaked; bytes under an intent, or queued, are not', async () => {
  await using fixture = await openFixture();
  const [first] = await fixture.fill();
  await fixture.writeBlob({ isIntended: true });
  await fixture.meta.deleteCurrent(fixture.bucketId, deleteDraft('blob-0', 'remove'), {}, OPTIONS);
  expect(await fixture.meta.getBlobState(must(first).id, OPTIONS)).toBe('reclaimable');
  const leaked = await fixture.writeBlob({ isIntended: false });
  const { problems } = await fsck(fixture.stores, { deep: false, ...OPTIONS });
  expect(problems).toEqual([expect.stringContaining(`Blob ${leaked.id} with`)]);
  expect(problems).toEqual([expect.stringContaining('leaked')]);
});

test('a version in a bucket that does not exist is found', async () => {
  await using fixture = await openFixture();
  await fixture.fill();
  const lost = newBucketId();
  await put(fixture.meta, lost, 'key', { text: 'body' });
  const { problems } = await fsck(fixture.stores, { deep: false, ...OPTIONS });
  expect(problems).toEqual([expect.stringContaining(`in bucket ${lost} is in no bucket`)]);
});

test('on a store that is written to meanwhile nothing is reported', async () => {
  await using fixture = await openFixture();
  const { meta, bucketId } = fixture;
  await fixture.fill();
  let isDone = false;
  const write = async (): Promise<void> => {
    for (let index = 0; !isDone; index++) {
      const blob = await fixture.writeBlob({ isIntended: true });
      await meta.putVersion(bucketId, blobDraft(`new-${index % 3}`, blob, { slot: 'new' }), {}, OPTIONS);
      await meta.deleteCurrent(bucketId, deleteDraft(`new-${(index + 1) % 3}`, 'new-marker'), {}, OPTIONS);
      const versions = await meta.listVersions({ bucketId, prefix: 'new-', from: undefined, limit: 5 }, OPTIONS);
      for (const { key, versionId } of versions.slice(2)) {
        const guard = { condition: {}, nowMs: NOW_MS, bypassGovernance: false };
        await meta.deleteVersion({ bucketId, key, versionId }, guard, OPTIONS);
      }
      const range = { beforeMs: NOW_MS + 1, nowMs: NOW_MS, limit: 10 };
      const gone = await meta.listReclaimable(range, OPTIONS);
      for (const { id } of gone) await fixture.blobs.delete(id, OPTIONS);
      await meta.forgetReclaimed(
        gone.map(({ id }) => id),
        OPTIONS,
      );
    }
  };
  const writing = write();
  for (let round = 0; round < 5; round++) {
    expect((await fsck(fixture.stores, { deep: true, ...OPTIONS })).problems).toEqual([]);
  }
  isDone = true;
  await writing;
});

test('a signal ends it with its reason', async () => {
  await using fixture = await openFixture();
  const reason = new Error('stopping');
  await expect(fsck(fixture.stores, { deep: false, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

/** A directory with one bucket, and what a test needs to look behind it. */
class Fixture implements AsyncDisposable {
  readonly stores: Stores;
  readonly bucketId: BucketId;
  readonly meta: EmbeddedMetastore;
  readonly blobs: Awaited<ReturnType<typeof openEmbeddedBlobstore>>;
  readonly #directory: string;
  readonly #close: () => Promise<void>;

  constructor(
    parts: Pick<Fixture, 'stores' | 'bucketId' | 'meta' | 'blobs'> & { directory: string; close: () => Promise<void> },
  ) {
    this.stores = parts.stores;
    this.bucketId = parts.bucketId;
    this.meta = parts.meta;
    this.blobs = parts.blobs;
    this.#directory = parts.directory;
    this.#close = parts.close;
  }

  /** Two inline versions and a marker of one key, two objects of a blob each, one of two parts, one without bytes. */
  async fill(): Promise<readonly BlobAddress[]> {
    const { meta, bucketId } = this;
    for (const text of ['one', 'x'.repeat(10_000)]) await put(meta, bucketId, 'inline', { text, slot: 'new' });
    await meta.deleteCurrent(bucketId, deleteDraft('inline', 'new-marker'), {}, OPTIONS);
    await put(meta, bucketId, 'empty', { text: '' });
    const blobs: BlobAddress[] = [];
    for (let index = 0; index < 2; index++) {
      const blob = await this.writeBlob({ isIntended: true });
      await meta.putVersion(bucketId, blobDraft(`blob-${index}`, blob), {}, OPTIONS);
      blobs.push(blob);
    }
    const at = await openUpload(meta, bucketId, 'parts');
    const parts = [];
    for (const partNumber of [3, 7]) {
      const body = await this.writeBlob({ isIntended: true });
      const part = partOf(partNumber, { sizeBytes: BLOB_BYTES, body });
      await meta.putPart(at, part, OPTIONS);
      parts.push(part);
      blobs.push(body);
    }
    await meta.completeUpload(at, completionOf(parts), {}, OPTIONS);
    return blobs;
  }

  async writeBlob({ isIntended }: { isIntended: boolean }): Promise<BlobAddress> {
    const blob = { id: newBlobId(), storageClass: STANDARD, sizeBytes: BLOB_BYTES };
    if (isIntended) await this.meta.openIntent({ ...blob, atMs: NOW_MS }, OPTIONS);
    await this.blobs.write(blob.id, bodyOf(), OPTIONS);
    return blob;
  }

  pathOf({ id }: BlobAddress): string {
    return join(this.#directory, 'blobs', id.slice(0, 2), id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

async function* bodyOf(): AsyncIterable<Uint8Array> {
  yield Buffer.alloc(BLOB_BYTES, 'bytes');
}

async function openFixture(): Promise<Fixture> {
  const dir = await makeTempDir();
  const directory = dir.path;
  const options = { durability: 'strict', diskFreeBytesMin: 0 } as const;
  const database = await openDatabase({ directory, ...options });
  const blobs = await openEmbeddedBlobstore({ directory: join(directory, 'blobs'), ...options });
  const meta = new EmbeddedMetastore(database, { name: REGION, nowMs: () => NOW_MS });
  const buckets = new EmbeddedBucketstore(database);
  const bucketId = newBucketId();
  const name = must(parseBucketName('bucket'));
  const configuration = { versioning: 'enabled' } as const;
  const bucket = { id: bucketId, name, owner: OWNER, region: REGION, createdAtMs: NOW_MS, configuration, revision: 1 };
  await buckets.createBucket(bucket, OPTIONS);
  const regions = new Map([[REGION, { name: REGION, meta, blobs: new Map([[STANDARD, blobs]]) }]]);
  const stores = { keys: new EmbeddedKeystore(database), buckets, defaultRegion: REGION, regions };
  const close = async (): Promise<void> => {
    await blobs[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    await dir[Symbol.asyncDispose]();
  };
  return new Fixture({ stores, bucketId, meta, blobs, directory, close });
}
