import { hash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { requestBody, s3Request } from '../../test/support/s3-request.ts';
import { checksumOf } from '../domain/digests.ts';
import {
  type BlobId,
  parseBlobId,
  parseBucketId,
  parseRegionName,
  parseStorageClass,
  type StorageClass,
} from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import type { Blobstore } from '../stores/blobstore.ts';
import { MemoryBlobstore } from '../stores/memory/blobstore.ts';
import { MemoryMetastore } from '../stores/memory/metastore.ts';
import { StoreError } from '../stores/store.ts';
import { expectedBody } from './headers/expected-body.ts';
import { type ReceiveContext, receiveBody } from './receive-body.ts';
import type { RequestBody } from './request.ts';

const STANDARD = must(parseStorageClass('STANDARD'));
const BYTES_MAX = 1024 ** 2;
const INLINE_BYTES_MAX = 100;
const SHORT = randomBytes(INLINE_BYTES_MAX);
const LONG = randomBytes(INLINE_BYTES_MAX * 5 + 1);

class Fixture {
  readonly meta: MemoryMetastore;
  readonly blobs = new MemoryBlobstore();
  readonly blobIds: BlobId[] = [];
  readonly context: ReceiveContext;
  nowMs = 1_000_000;

  constructor(meta?: MemoryMetastore) {
    this.meta = meta ?? new MemoryMetastore({ nowMs: () => this.nowMs });
    const blobs = new Map<StorageClass, Blobstore>([[STANDARD, this.blobs]]);
    this.context = {
      region: { name: must(parseRegionName('us-east-1')), meta: this.meta, blobs },
      clock: { nowMs: () => this.nowMs },
      signal: new AbortController().signal,
      ids: { bucketId: () => parseBucketId(randomId()), blobId: () => this.#blobId() },
    };
  }

  receive(body: RequestBody, { headers = {}, inlineBytesMax = INLINE_BYTES_MAX, bytesMax = BYTES_MAX } = {}) {
    const expected = expectedBody(s3Request({ headers, body }), { bytesMax });
    return receiveBody(this.context, body, { storageClass: STANDARD, expected, inlineBytesMax });
  }

  /** The states of all blobs that were ever begun. */
  async states(): Promise<string[]> {
    return Promise.all(this.blobIds.map((id) => this.meta.getBlobState(id, this.context)));
  }

  async stored(): Promise<Buffer> {
    const [id] = this.blobIds;
    const chunks: Uint8Array[] = [];
    const blob = { id: must(id), sizeBytes: LONG.length };
    const range = { offsetBytes: 0, lengthBytes: LONG.length };
    for await (const chunk of this.blobs.read(blob, range, this.context)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  #blobId(): BlobId {
    const id = parseBlobId(randomId());
    this.blobIds.push(id);
    return id;
  }
}

test('a short body of one chunk comes back inline, uncopied', async () => {
  const fixture = new Fixture();
  await using received = await fixture.receive(requestBody([SHORT]));
  expect(received.body).toEqual({ kind: 'inline', bytes: SHORT });
  if (received.body.kind === 'inline') expect(received.body.bytes).toBe(SHORT);
  expect(received).toMatchObject({ sizeBytes: SHORT.length, etag: hash('md5', SHORT), checksum: undefined });
  expect(fixture.blobIds).toEqual([]);
});

test('a short body of many chunks comes back inline', async () => {
  await using received = await new Fixture().receive(requestBody([...SHORT].map((byte) => Uint8Array.of(byte))));
  expect(received.body).toEqual({ kind: 'inline', bytes: SHORT });
});

test('a body without bytes is inline even where nothing may be', async () => {
  await using received = await new Fixture().receive(requestBody([]), { inlineBytesMax: 0 });
  expect(received.body).toEqual({ kind: 'inline', bytes: Buffer.alloc(0) });
  expect(received.etag).toBe('d41d8cd98f00b204e9800998ecf8427e');
});

test.each([1, 7, INLINE_BYTES_MAX, LONG.length])(
  'a long body in chunks of %i bytes goes to a blob',
  async (chunkBytes) => {
    const fixture = new Fixture();
    await using received = await fixture.receive(requestBody(chunksOf(LONG, chunkBytes)));
    const [id] = fixture.blobIds;
    expect(received.body).toEqual({ kind: 'blob', blob: { id, storageClass: STANDARD, sizeBytes: LONG.length } });
    expect(received).toMatchObject({ sizeBytes: LONG.length, etag: hash('md5', LONG) });
    expect(await fixture.stored()).toEqual(LONG);
    expect(await fixture.states()).toEqual(['intended']);
  },
);

describe.each([
  ['inline', SHORT],
  ['blob', LONG],
] as const)('of a body that goes %s', (kind, bytes) => {
  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)('the %s is verified', async (algorithm) => {
    const fixture = new Fixture();
    const name = `x-amz-checksum-${algorithm.toLowerCase()}`;
    const value = checksumOf(algorithm, bytes);
    await using received = await fixture.receive(requestBody([bytes]), { headers: { [name]: value } });
    expect(received.checksum).toEqual({ algorithm, type: 'FULL_OBJECT', value });
    const wrong = fixture.receive(requestBody([bytes]), { headers: { [name]: checksumOf(algorithm, Buffer.of(0)) } });
    await expect(wrong).rejects.toMatchObject({ code: 'BadDigest' });
  });

  test('the checksum in the trailer is verified', async () => {
    const fixture = new Fixture();
    const trailers = { 'x-amz-checksum-crc32': checksumOf('CRC32', bytes) };
    await using received = await fixture.receive(requestBody([bytes], { trailers }));
    expect(received.checksum?.value).toBe(trailers['x-amz-checksum-crc32']);
    const wrong = fixture.receive(requestBody([bytes], { trailers: { 'x-amz-checksum-crc32': 'AAAAAA==' } }));
    await expect(wrong).rejects.toMatchObject({ code: 'BadDigest' });
    const malformed = fixture.receive(requestBody([bytes], { trailers: { 'x-amz-checksum-crc32': 'A' } }));
    await expect(malformed).rejects.toMatchObject({ code: 'InvalidRequest' });
    const missing = fixture.receive(requestBody([bytes], { announcedTrailers: ['x-amz-checksum-crc32'] }));
    await expect(missing).rejects.toMatchObject({ code: 'MalformedTrailerError' });
  });

  test('the Content-MD5 is verified', async () => {
    const fixture = new Fixture();
    const headers = { 'content-md5': hash('md5', bytes, 'base64') };
    await using received = await fixture.receive(requestBody([bytes]), { headers });
    expect(received.body.kind).toBe(kind);
    const wrong = fixture.receive(requestBody([Buffer.from(bytes).reverse()]), { headers });
    await expect(wrong).rejects.toMatchObject({ code: 'BadDigest' });
  });

  test('one byte more than allowed is refused, declared or not', async () => {
    const fixture = new Fixture();
    const bytesMax = bytes.length - 1;
    const undeclared = requestBody(chunksOf(bytes, 10), { declaredBytes: undefined });
    const headers = { 'transfer-encoding': 'chunked' };
    await expect(fixture.receive(undeclared, { headers, bytesMax })).rejects.toMatchObject({ code: 'EntityTooLarge' });
    expect(await fixture.states()).not.toContain('intended');
  });

  test('the error of a body that breaks off is passed on, and the body is ended', async () => {
    const fixture = new Fixture();
    const error = new S3Error('IncompleteBody');
    let ended = false;
    const broken: RequestBody = {
      ...requestBody([], { declaredBytes: bytes.length }),
      async *[Symbol.asyncIterator]() {
        try {
          yield bytes;
          throw error;
        } finally {
          ended = true;
        }
      },
    };
    await expect(fixture.receive(broken)).rejects.toBe(error);
    expect(ended).toBe(true);
    expect(await fixture.states()).not.toContain('intended');
  });
});

test('a blob whose digest is wrong is given up and its bytes are taken away', async () => {
  const fixture = new Fixture();
  const headers = { 'content-md5': hash('md5', SHORT, 'base64') };
  await expect(fixture.receive(requestBody([LONG]), { headers })).rejects.toMatchObject({ code: 'BadDigest' });
  expect(await fixture.states()).toEqual(['reclaimable']);
  const [id] = fixture.blobIds;
  const extent = { id: must(id), sizeBytes: LONG.length };
  expect(await fixture.blobs.verify(extent, { deep: true }, fixture.context)).toBe('missing');
});

test('bytes that nothing takes into use are given up', async () => {
  const fixture = new Fixture();
  {
    await using received = await fixture.receive(requestBody([LONG]));
    expect(received.sizeBytes).toBe(LONG.length);
  }
  expect(await fixture.states()).toEqual(['reclaimable']);
});

test.each([
  ['a commit that was refused', async () => ({ kind: 'condition-failed' }), 'reclaimable'],
  ['a commit that did not happen', async () => Promise.reject(new StoreError('unavailable', 'down')), 'reclaimable'],
  ['a commit that found no room', async () => Promise.reject(new StoreError('storage-full', 'full')), 'reclaimable'],
  ['a commit that was done', async () => ({ kind: 'stored' }), 'intended'],
  ['a commit in doubt', async () => Promise.reject(new StoreError('in-doubt', 'timeout')), 'intended'],
  ['a commit that the client did not wait for', async () => Promise.reject(new Error('aborted')), 'intended'],
])('after %s the blob is %3$s', async (_, step, state) => {
  const fixture = new Fixture();
  const use = async () => {
    await using received = await fixture.receive(requestBody([LONG]));
    await received.commit<{ kind: string }>(step);
  };
  await use().catch(() => undefined);
  expect(await fixture.states()).toEqual([state]);
});

test('the intent of a slow body is renewed, and one that was lost ends the body', async () => {
  const fixture = new Fixture();
  const expireBefore = async (beforeMs: number) => fixture.meta.expireIntents({ beforeMs, limit: 10 }, fixture.context);
  const slow: RequestBody = {
    ...requestBody([], { declaredBytes: LONG.length }),
    async *[Symbol.asyncIterator]() {
      for (const chunk of chunksOf(LONG, INLINE_BYTES_MAX + 1)) {
        yield chunk;
        fixture.nowMs += 60_000;
        await expireBefore(fixture.nowMs - 120_000);
      }
    },
  };
  await using received = await fixture.receive(slow);
  expect(received.sizeBytes).toBe(LONG.length);
  expect(await fixture.states()).toEqual(['intended']);

  const tooSlow: RequestBody = {
    ...requestBody([], { declaredBytes: LONG.length }),
    async *[Symbol.asyncIterator]() {
      yield LONG;
      fixture.nowMs += 60_000;
      await expireBefore(fixture.nowMs);
      yield LONG;
    },
  };
  await expect(fixture.receive(tooSlow)).rejects.toMatchObject({ code: 'ServiceUnavailable' });
});

test('bytes that were written after reclaim had forgotten their blob are taken away by their writer', async () => {
  const fixture = new Fixture();
  {
    await using received = await fixture.receive(requestBody([LONG]));
    fixture.nowMs += 10_000_000;
    await fixture.meta.expireIntents({ beforeMs: fixture.nowMs, limit: 10 }, fixture.context);
    await fixture.meta.forgetReclaimed(fixture.blobIds, fixture.context);
    await received.commit(async () => ({ kind: 'blob-gone' }));
  }
  expect(await fixture.states()).toEqual(['unknown']);
  for await (const left of fixture.blobs.list(fixture.context)) expect(left).toBeUndefined();
});

test('bytes whose intent cannot be given up now are left to expire', async () => {
  class Failing extends MemoryMetastore {
    override async abandonIntent(): Promise<void> {
      throw new StoreError('unavailable', 'down');
    }
  }
  const fixture = new Fixture(new Failing({ nowMs: () => 0 }));
  const headers = { 'content-md5': hash('md5', SHORT, 'base64') };
  await expect(fixture.receive(requestBody([LONG]), { headers })).rejects.toMatchObject({ code: 'BadDigest' });
  expect(await fixture.states()).toEqual(['intended']);
});

test('a storage class without a blobstore is refused', async () => {
  const { context } = new Fixture();
  const expected = { bytesMax: BYTES_MAX, sizeBytes: undefined, md5: undefined, checksum: undefined };
  const options = { storageClass: must(parseStorageClass('COLD')), expected, inlineBytesMax: INLINE_BYTES_MAX };
  const received = receiveBody(context, requestBody([LONG]), options);
  await expect(received).rejects.toMatchObject({ code: 'InvalidStorageClass' });
});

function chunksOf(bytes: Buffer, chunkBytes: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  return chunks;
}

function randomId(): string {
  return randomBytes(16).toString('hex');
}

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('The test needs a value here.');
  return value;
}
