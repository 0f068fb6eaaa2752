import { expect, test } from 'vitest';
import { must, OPTIONS, OWNER, uploadDraft } from '../../test/contract/drafts.ts';
import { TestClock } from '../../test/contract/subject.ts';
import { completionOf, openUpload, partOf } from '../../test/contract/upload-steps.ts';
import { type BucketId, parseBucketId, parseBucketName, parseRegionName } from '../domain/names.ts';
import { MemoryBucketstore } from '../stores/memory/bucketstore.ts';
import { MemoryKeystore } from '../stores/memory/keystore.ts';
import { MemoryMetastore } from '../stores/memory/metastore.ts';
import { COMPLETED_UPLOAD_MS, sweepStaleUploads } from './stale-uploads.ts';

const REGION = must(parseRegionName('us-east-1'));
const DAY_MS = 24 * 3_600_000;

test('open uploads older than configured are aborted, in every bucket, and younger ones stay', async () => {
  const { stores, meta, clock, buckets } = await makeStores();
  for (const bucketId of buckets) {
    for (let index = 0; index < 300; index++) await create(bucketId, `old-${index}`);
  }
  clock.advance(DAY_MS);
  for (const bucketId of buckets) await create(bucketId, 'young');
  clock.advance(1);
  await sweepStaleUploads(stores, { ...OPTIONS, nowMs: () => clock.nowMs, staleAfterMs: DAY_MS });
  for (const bucketId of buckets) {
    const left = await meta.listUploads({ bucketId, prefix: '', after: undefined, limit: 1000 }, OPTIONS);
    expect(left.map(({ key }) => key)).toEqual(['young']);
  }

  async function create(bucketId: BucketId, key: string): Promise<void> {
    await meta.createUpload(bucketId, uploadDraft(key, { initiatedAtMs: clock.nowMs }), OPTIONS);
  }
});

test('without a configured age no upload is aborted', async () => {
  const { stores, meta, clock, buckets } = await makeStores();
  const at = await openUpload(meta, must(buckets[0]), 'key');
  clock.advance(10_000 * DAY_MS);
  await sweepStaleUploads(stores, { ...OPTIONS, nowMs: () => clock.nowMs, staleAfterMs: undefined });
  expect(await meta.getUpload(at, OPTIONS)).toBeDefined();
});

test('the record of a completed upload stays for its days and goes then', async () => {
  const { stores, meta, clock, buckets } = await makeStores();
  const at = await openUpload(meta, must(buckets[0]), 'key');
  const part = partOf(1, { sizeBytes: 0, body: undefined });
  await meta.putPart(at, part, OPTIONS);
  await meta.completeUpload(at, completionOf([part]), {}, OPTIONS);
  const sweep = () => sweepStaleUploads(stores, { ...OPTIONS, nowMs: () => clock.nowMs, staleAfterMs: undefined });
  clock.advance(COMPLETED_UPLOAD_MS);
  await sweep();
  expect(await meta.getUpload(at, OPTIONS)).toBeDefined();
  clock.advance(1);
  await sweep();
  expect(await meta.getUpload(at, OPTIONS)).toBeUndefined();
});

async function makeStores() {
  const clock = new TestClock();
  const meta = new MemoryMetastore({ nowMs: () => clock.nowMs });
  const bucketstore = new MemoryBucketstore();
  const buckets: BucketId[] = [];
  for (const digit of ['1', '2']) {
    const id = parseBucketId(digit.repeat(32));
    const name = must(parseBucketName(`bucket-${digit}`));
    const configuration = { versioning: 'unversioned' } as const;
    const bucket = { id, name, owner: OWNER, region: REGION, createdAtMs: clock.nowMs, configuration, revision: 1 };
    await bucketstore.createBucket(bucket, OPTIONS);
    buckets.push(id);
  }
  const regions = new Map([[REGION, { name: REGION, meta, blobs: new Map() }]]);
  const stores = { keys: new MemoryKeystore([]), buckets: bucketstore, defaultRegion: REGION, regions };
  return { clock, meta, buckets, stores };
}
