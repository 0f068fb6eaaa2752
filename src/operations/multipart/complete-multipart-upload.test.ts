import { expect, test } from 'vitest';
import { headerMap } from '../../../test/support/s3-request.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { WriteCondition } from '../../domain/condition.ts';
import { etagOfMd5 } from '../../domain/etag.ts';
import { parseBucketId, parseBucketName, parseObjectKey, parseRegionName, parseTenantId } from '../../domain/names.ts';
import { DEFAULT_ATTRIBUTES } from '../../domain/object-version.ts';
import { PART_BYTES_MIN, type Part, type UploadAddress, type UploadDraft } from '../../domain/upload.ts';
import { ANONYMOUS } from '../../http/auth/make-identity.ts';
import { MemoryBucketstore } from '../../stores/memory/bucketstore.ts';
import { MemoryKeystore } from '../../stores/memory/keystore.ts';
import { MemoryMetastore } from '../../stores/memory/metastore.ts';
import { type CallOptions, StoreError } from '../../stores/store.ts';
import type { CompleteOutcome, Completion } from '../../stores/uploads.ts';
import { storageClassOf } from '../headers/object-description.ts';
import type { ContextOf, RequestOf } from '../operation.ts';
import { completeMultipartUpload } from './complete-multipart-upload.ts';

const { signal } = new AbortController();
const NOW_MS = Date.UTC(2026, 0, 1);

test('CompleteMultipartUpload takes a part that is sent again with the same bytes meanwhile', async () => {
  const fixture = await openUpload();
  const part = await fixture.putPart({ partNumber: 1, seed: 1 });
  fixture.meta.beforeComplete = () => fixture.putPart({ partNumber: 1, seed: 1 });
  await expect(fixture.complete([part])).resolves.toMatchObject({ sizeBytes: PART_BYTES_MIN });
});

test('CompleteMultipartUpload answers InvalidPart when a part is replaced meanwhile', async () => {
  const fixture = await openUpload();
  const part = await fixture.putPart({ partNumber: 1, seed: 1 });
  fixture.meta.beforeComplete = () => fixture.putPart({ partNumber: 1, seed: 2 });
  await expect(fixture.complete([part])).rejects.toMatchObject({ code: 'InvalidPart' });
});

test('CompleteMultipartUpload validates the parts again when one changed, and succeeds once they rest', async () => {
  const fixture = await openUpload();
  const part = await fixture.putPart({ partNumber: 1, seed: 1 });
  fixture.meta.beforeList = () => fixture.putPart({ partNumber: 1, seed: 1 });
  fixture.meta.beforeComplete = (attempt) => fixture.putPart({ partNumber: 1, seed: attempt < 3 ? 2 : 1 });
  await expect(fixture.complete([part])).resolves.toMatchObject({ sizeBytes: PART_BYTES_MIN });
  expect(fixture.meta.completesCount).toBe(3);
});

test('CompleteMultipartUpload gives up with OperationAborted when the parts never rest', async () => {
  const fixture = await openUpload();
  const part = await fixture.putPart({ partNumber: 1, seed: 1 });
  fixture.meta.beforeList = () => fixture.putPart({ partNumber: 1, seed: 1 });
  fixture.meta.beforeComplete = () => fixture.putPart({ partNumber: 1, seed: 2 });
  await expect(fixture.complete([part])).rejects.toMatchObject({ code: 'OperationAborted' });
  expect(fixture.meta.completesCount).toBe(4);
});

test('CompleteMultipartUpload answers as its twin did when both were under way, even with If-None-Match', async () => {
  const fixture = await openUpload();
  const part = await fixture.putPart({ partNumber: 1, seed: 1 });
  let twin: Awaited<ReturnType<typeof fixture.complete>> | undefined;
  fixture.meta.beforeComplete = async (attempt) => {
    if (attempt === 1) twin = await fixture.complete([part], { 'if-none-match': '*' });
  };
  const { versionId, etag } = await fixture.complete([part], { 'if-none-match': '*' });
  expect({ versionId, etag }).toEqual({ versionId: twin?.versionId, etag: twin?.etag });
});

test('CompleteMultipartUpload answers as its twin did when that one ended while the parts were read', async () => {
  for (const hook of ['beforeList', 'afterList'] as const) {
    const fixture = await openUpload();
    const part = await fixture.putPart({ partNumber: 1, seed: 1 });
    let twin: ReturnType<typeof fixture.complete> | undefined;
    fixture.meta[hook] = async () => {
      if (twin !== undefined) return;
      twin = Promise.resolve().then(() => fixture.complete([part]));
      await twin;
    };
    const { versionId } = await fixture.complete([part]);
    expect({ hook, versionId }).toEqual({ hook, versionId: (await twin)?.versionId });
  }
});

test('CompleteMultipartUpload answers NoSuchUpload when the upload is aborted meanwhile', async () => {
  const fixture = await openUpload();
  const part = await fixture.putPart({ partNumber: 1, seed: 1 });
  fixture.meta.beforeComplete = () => fixture.meta.abortUpload(fixture.at, { signal });
  await expect(fixture.complete([part])).rejects.toMatchObject({ code: 'NoSuchUpload' });
});

test('CompleteMultipartUpload answers NoSuchBucket and frees the name when the bucket is removed meanwhile', async () => {
  const fixture = await openUpload();
  const part = await fixture.putPart({ partNumber: 1, seed: 1 });
  fixture.meta.beforeComplete = () => fixture.meta.closeBucket(fixture.at.bucketId, { signal });
  await expect(fixture.complete([part])).rejects.toMatchObject({ code: 'NoSuchBucket' });
  expect(await fixture.buckets.getBucket(BUCKET.name, { signal })).toBeUndefined();
});

test('CompleteMultipartUpload that ended in doubt and is repeated answers what the first one made', async () => {
  const fixture = await openUpload();
  const part = await fixture.putPart({ partNumber: 1, seed: 1 });
  fixture.meta.afterComplete = async () => {
    throw new StoreError('in-doubt', 'The answer was lost.');
  };
  await expect(fixture.complete([part], { 'if-none-match': '*' })).rejects.toMatchObject({ kind: 'in-doubt' });
  const made = await fixture.meta.getVersion(fixture.at, { signal });
  const { versionId, etag } = await fixture.complete([part], { 'if-none-match': '*' });
  expect(made).toMatchObject({ kind: 'object', versionId, etag });
});

test.each([
  ['http://localhost:9000', 'http://localhost:9000/photos/a%20key'],
  ['https://photos.s3.example.com', 'https://photos.s3.example.com/a%20key'],
])('CompleteMultipartUpload reached under %s says that the object is at %s', async (baseUrl, location) => {
  const fixture = await openUpload();
  const completed = await fixture.complete([await fixture.putPart({ partNumber: 1, seed: 1 })]);
  const { body } = completeMultipartUpload.render(completed, { ...requestOf('', [], {}), baseUrl });
  expect(body).toMatchObject({ kind: 'xml', text: expect.stringContaining(`<Location>${location}</Location>`) });
});

test('CompleteMultipartUpload reads as many pages as the listed parts span', async () => {
  const fixture = await openUpload();
  const parts: Part[] = [];
  for (let partNumber = 1; partNumber <= 2_600; partNumber += 1) {
    parts.push(await fixture.putPart({ partNumber, seed: partNumber }));
  }
  await expect(fixture.complete(parts.slice(50, 2_550))).resolves.toMatchObject({ sizeBytes: 2_500 * PART_BYTES_MIN });
  expect(fixture.meta.listsCount).toBe(3);
});

/** A metastore in which something happens before a call. */
class RacingMetastore extends MemoryMetastore {
  beforeList: () => Promise<unknown> = async () => undefined;
  afterList: () => Promise<unknown> = async () => undefined;
  beforeComplete: (attempt: number) => Promise<unknown> = async () => undefined;
  afterComplete: () => Promise<unknown> = async () => undefined;
  listsCount = 0;
  completesCount = 0;

  override async listParts(
    at: UploadAddress,
    range: { afterPartNumber: number; limit: number },
    options: CallOptions,
  ): Promise<readonly Part[]> {
    this.listsCount += 1;
    await this.beforeList();
    const parts = await super.listParts(at, range, options);
    await this.afterList();
    return parts;
  }

  override async completeUpload(
    at: UploadAddress,
    completion: Completion,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<CompleteOutcome> {
    this.completesCount += 1;
    await this.beforeComplete(this.completesCount);
    const outcome = await super.completeUpload(at, completion, condition, options);
    await this.afterComplete();
    return outcome;
  }
}

const BUCKET: Bucket = {
  id: parseBucketId('0'.repeat(32)),
  name: given(parseBucketName('photos')),
  owner: { tenant: parseTenantId('tenant'), displayName: 'tenant' },
  region: given(parseRegionName('us-east-1')),
  createdAtMs: NOW_MS,
  configuration: { versioning: 'unversioned' },
  revision: 1,
};
const KEY = given(parseObjectKey('a key'));

async function openUpload() {
  const meta = new RacingMetastore({ nowMs: () => NOW_MS });
  const buckets = new MemoryBucketstore();
  await buckets.createBucket(BUCKET, { signal });
  const created = await meta.createUpload(BUCKET.id, draft(), { signal });
  if (created.kind !== 'created') throw new Error('The bucket is closed.');
  const { uploadId } = created.upload;
  const at = { bucketId: BUCKET.id, key: KEY, uploadId };
  return {
    meta,
    buckets,
    at,
    async putPart({ partNumber, seed }: { partNumber: number; seed: number }): Promise<Part> {
      const etag = etagOfMd5(Buffer.alloc(16, seed));
      const part = {
        partNumber,
        sizeBytes: PART_BYTES_MIN,
        etag,
        checksum: undefined,
        lastModifiedMs: NOW_MS,
        body: undefined,
      };
      await meta.putPart(at, part, { signal });
      return part;
    },
    complete(parts: readonly Part[], headers: Readonly<Record<string, string>> = {}) {
      const input = completeMultipartUpload.parse(requestOf(uploadId, parts, headers));
      return completeMultipartUpload.run(contextOf(meta, buckets), input);
    },
  };
}

function draft(): UploadDraft {
  return {
    key: KEY,
    initiatedAtMs: NOW_MS,
    checksum: undefined,
    headers: {},
    userMetadata: [],
    storageClass: storageClassOf(requestOf('', [], {})),
    owner: BUCKET.owner,
    attributes: DEFAULT_ATTRIBUTES,
  };
}

function contextOf(meta: MemoryMetastore, buckets: MemoryBucketstore): ContextOf<'object'> {
  const region = { name: BUCKET.region, meta, blobs: new Map() };
  return {
    bucket: BUCKET,
    region,
    refresh: async () => BUCKET,
    openBucket: () => Promise.reject(new Error('No other bucket is needed.')),
    requireAccess: () => undefined,
    isAllowed: () => true,
    isForbidden: () => false,
    wouldAllow: () => true,
    defaultObjectOwnership: 'ObjectWriter',
    identity: ANONYMOUS,
    stores: {
      keys: new MemoryKeystore([]),
      buckets,
      defaultRegion: BUCKET.region,
      regions: new Map([[BUCKET.region, region]]),
    },
    readPins: { begin: () => ({ [Symbol.dispose]: () => undefined }), [Symbol.asyncDispose]: async () => undefined },
    clock: { nowMs: () => NOW_MS },
    ids: {
      bucketId: () => parseBucketId('1'.repeat(32)),
      blobId: () => {
        throw new Error('No blob is written.');
      },
    },
    signal,
  };
}

function requestOf(
  uploadId: string,
  parts: readonly Part[],
  headers: Readonly<Record<string, string>>,
): RequestOf<'object'> {
  const list = parts.map(
    ({ partNumber, etag }) => `<Part><PartNumber>${partNumber}</PartNumber><ETag>${etag}</ETag></Part>`,
  );
  const bytes = Buffer.from(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`);
  return {
    method: 'POST',
    bucket: BUCKET.name,
    key: KEY,
    query: headerMap({ uploadId }),
    headers: headerMap(headers),
    body: {
      declaredBytes: bytes.length,
      trailers: new Map(),
      announcedTrailers: [],
      async *[Symbol.asyncIterator]() {
        yield bytes;
      },
    },
    baseUrl: 'http://localhost:9000',
  };
}

function given<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('A value is missing.');
  return value;
}
