import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { requestBody, s3Request } from '../../../test/support/s3-request.ts';
import { must } from '../../../test/support/start-front.ts';
import { contextOf, twoRegions } from '../../../test/support/two-regions.ts';
import { MemoryMetastore } from '../../stores/memory/metastore.ts';
import type { DeleteOutcome } from '../../stores/metastore.ts';
import { StoreError } from '../../stores/store.ts';
import { deleteObjects } from './delete-objects.ts';

test('DeleteObjects deletes no version for who may delete objects alone', async () => {
  const context = await contextOf(await twoRegions(), 'west-bucket', {
    isAllowed: (action) => action === 's3:DeleteObject',
  });
  const version = '<Object><Key>a</Key><VersionId>null</VersionId></Object>';
  const { results } = await deleteObjects.run(context, parse(`${version}<Object><Key>b</Key></Object>`));
  expect(results.map(({ kind }) => kind)).toEqual(['error', 'deleted']);
  expect(results[0]).toMatchObject({ error: { code: 'AccessDenied' } });
});

/** Counts the deletes that run at once; fails those of the key `down`. */
class CountingMetastore extends MemoryMetastore {
  running = 0;
  mostRunning = 0;

  override async deleteCurrent(...call: Parameters<MemoryMetastore['deleteCurrent']>): Promise<DeleteOutcome> {
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    await Promise.resolve();
    this.running -= 1;
    if (call[1].key === 'down') throw new StoreError('unavailable', 'The test wants it so.');
    return super.deleteCurrent(...call);
  }
}

test('DeleteObjects runs 64 deletes at once, and no more', async () => {
  const meta = new CountingMetastore({ nowMs: () => 0 });
  const context = await contextOf(await twoRegions(meta), 'west-bucket');
  const objects = Array.from({ length: 1_000 }, (_, index) => `<Object><Key>${index}</Key></Object>`);
  const { results } = await deleteObjects.run(context, parse(objects.join('')));
  expect(results.map((result) => result.object.key)).toEqual(objects.map((_, index) => `${index}`));
  expect(meta.mostRunning).toBe(64);
});

test('DeleteObjects fails as a whole when the store does, to be sent again', async () => {
  const meta = new CountingMetastore({ nowMs: () => 0 });
  const context = await contextOf(await twoRegions(meta), 'west-bucket');
  const deleting = deleteObjects.run(context, parse('<Object><Key>a</Key></Object><Object><Key>down</Key></Object>'));
  await expect(deleting).rejects.toMatchObject({ kind: 'unavailable' });
});

test('DeleteObjects of a bucket that is gone is NoSuchBucket', async () => {
  const stores = await twoRegions();
  const context = await contextOf(stores, 'west-bucket');
  await stores.west.meta.closeBucket(context.bucket.id, context);
  const deleting = deleteObjects.run(context, parse('<Object><Key>a</Key></Object>'));
  await expect(deleting).rejects.toMatchObject({ code: 'NoSuchBucket' });
});

function parse(objects: string) {
  const bytes = Buffer.from(`<Delete>${objects}</Delete>`);
  const headers = { 'content-md5': hash('md5', bytes, 'base64') };
  const request = s3Request({ method: 'POST', headers, body: requestBody([bytes]) });
  return deleteObjects.parse({ ...request, bucket: must(request.bucket) });
}
