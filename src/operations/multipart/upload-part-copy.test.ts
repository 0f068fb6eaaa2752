import { describe, expect, test } from 'vitest';
import { MemoryOperations, textOf } from '../../../test/support/memory-operations.ts';
import { checksumOf } from '../../domain/digests.ts';
import type { RegionStores } from '../../stores/stores.ts';
import { createBucket } from '../bucket/create-bucket.ts';
import { deleteObject } from '../object/delete-object.ts';
import { putObject } from '../object/put-object.ts';
import { completeMultipartUpload } from './complete-multipart-upload.ts';
import { createMultipartUpload } from './create-multipart-upload.ts';
import { uploadPartCopy } from './upload-part-copy.ts';

type Headers = Readonly<Record<string, string>>;

const { signal } = new AbortController();
/** Longer than what stands beside its metadata. */
const BODY = 'a body that is a blob '.repeat(4_000);

describe('UploadPartCopy writes metadata only', () => {
  test.each<[string, Headers, Headers]>([
    ['the whole of an object', {}, {}],
    ['a range that is the whole of an object', {}, { 'x-amz-copy-source-range': `bytes=0-${BODY.length - 1}` }],
    ['an object with the checksum that the upload asks for', { 'x-amz-checksum-algorithm': 'CRC32' }, {}],
  ])('for %s', async (_, createHeaders, copyHeaders) => {
    const fixture = await openUpload(createHeaders);
    const etag = await fixture.copy(copyHeaders);
    expect(await fixture.blobsCount()).toBe(1);
    await fixture.deleteSource();
    expect(await fixture.reclaimableCount()).toBe(0);
    await fixture.complete(etag);
    expect(await fixture.reclaimableCount()).toBe(0);
  });
});

describe('UploadPartCopy reads the bytes through', () => {
  test.each<[string, Headers, Headers]>([
    ['for a range', {}, { 'x-amz-copy-source-range': `bytes=0-${BODY.length - 2}` }],
    ['for another checksum than the source has', { 'x-amz-checksum-algorithm': 'SHA1' }, {}],
  ])('%s', async (_, createHeaders, copyHeaders) => {
    const fixture = await openUpload(createHeaders);
    await fixture.copy(copyHeaders);
    expect(await fixture.blobsCount()).toBe(2);
  });

  test('from an object that was itself made of parts', async () => {
    const fixture = await openUpload({});
    await fixture.complete(await fixture.copy({}));
    const again = await fixture.createUpload({});
    expect(await fixture.blobsCount()).toBe(1);
    await fixture.copy({ 'x-amz-copy-source': 'photos/target' }, again);
    expect(await fixture.blobsCount()).toBe(2);
  });

  test('when the source goes away while its blob is being shared', async () => {
    const fixture = await openUpload({});
    const { meta } = fixture.region;
    const putPart = meta.putPart.bind(meta);
    let attempts = 0;
    meta.putPart = async (at, part, options) => {
      attempts += 1;
      if (attempts === 1) await fixture.deleteSource();
      return putPart(at, part, options);
    };
    const etag = await fixture.copy({});
    expect(attempts).toBe(2);
    await fixture.complete(etag);
  });

  test('and gives them back to reclaim when the upload ends meanwhile', async () => {
    const fixture = await openUpload({ 'x-amz-checksum-algorithm': 'SHA1' });
    const { meta } = fixture.region;
    const putPart = meta.putPart.bind(meta);
    meta.putPart = async (at, part, options) => {
      await meta.abortUpload(at, { signal });
      return putPart(at, part, options);
    };
    await expect(fixture.copy({})).rejects.toMatchObject({ code: 'NoSuchUpload' });
    expect(await fixture.reclaimableCount()).toBe(1);
  });
});

async function openUpload(createHeaders: Headers) {
  const operations = new MemoryOperations();
  const region = [...operations.stores.regions.values()][0];
  if (region === undefined) throw new Error('There is no region.');
  await operations.call(createBucket, { bucket: 'photos' });
  const headers = { 'x-amz-checksum-crc32': checksumOf('CRC32', Buffer.from(BODY)) };
  await operations.call(putObject, { bucket: 'photos', key: 'source', headers, body: BODY });
  const createUpload = async (uploadHeaders: Headers) => {
    const request = { bucket: 'photos', key: 'target', headers: uploadHeaders };
    const { xml } = await operations.call(createMultipartUpload, request);
    return textOf(xml, 'UploadId') ?? '';
  };
  const uploadId = await createUpload(createHeaders);
  return {
    region,
    createUpload,
    /** Copies the source as part 1; returns its ETag. */
    async copy(copyHeaders: Headers, id = uploadId) {
      const query = { uploadId: id, partNumber: '1' };
      const request = {
        bucket: 'photos',
        key: 'target',
        query,
        headers: { 'x-amz-copy-source': 'photos/source', ...copyHeaders },
      };
      const { xml } = await operations.call(uploadPartCopy, request);
      return textOf(xml, 'ETag') ?? '';
    },
    async complete(etag: string) {
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
      await operations.call(completeMultipartUpload, { bucket: 'photos', key: 'target', query: { uploadId }, body });
    },
    async deleteSource() {
      await operations.call(deleteObject, { bucket: 'photos', key: 'source' });
    },
    blobsCount: () => blobsCount(region),
    async reclaimableCount() {
      const range = { beforeMs: Number.MAX_SAFE_INTEGER, nowMs: operations.nowMs, limit: 10 };
      return (await region.meta.listReclaimable(range, { signal })).length;
    },
  };
}

async function blobsCount({ blobs }: RegionStores): Promise<number> {
  let count = 0;
  for (const blobstore of blobs.values()) {
    for await (const _ of blobstore.list({ signal })) count += 1;
  }
  return count;
}
