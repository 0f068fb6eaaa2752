import { hash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { elementText } from '../../../test/support/raw-http.ts';
import { BOB, Front, must, NOW_MS } from '../../../test/support/start-front.ts';
import { COLD, SIGNAL, STANDARD, type TwoRegions, twoRegions } from '../../../test/support/two-regions.ts';
import { parseObjectKey } from '../../domain/names.ts';
import { MemoryMetastore } from '../../stores/memory/metastore.ts';
import type { PutOutcome } from '../../stores/metastore.ts';
import { copyObject } from './copy-object.ts';
import { getObject } from './get-object.ts';
import { putObject } from './put-object.ts';

const OPERATIONS = { CopyObject: copyObject, GetObject: getObject, PutObject: putObject };

let stores: TwoRegions;
let front: Front;
beforeEach(async () => {
  stores = await twoRegions();
  front = await Front.start({ stores, operations: OPERATIONS });
});
afterEach(() => front[Symbol.asyncDispose]());

const PLACES = [
  ['another storage class', 'west-bucket', { 'x-amz-storage-class': 'COLD' }],
  ['another region', 'east-bucket', {}],
] as const;

describe.each(PLACES)('to %s', (_, bucket, headers) => {
  test.each([0, 5, 5_000, 300_000])('CopyObject takes %i bytes along', async (sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    await put('west-bucket', bytes);
    const copied = await copy(bucket, headers);
    expect(copied.status).toBe(200);
    expect(elementText(copied.body, 'ETag')).toBe(`&quot;${hash('md5', bytes)}&quot;`);
    stores.west.blobs.get(STANDARD)?.reset();
    const got = await front.send({ path: `/${bucket}/copy` });
    expect(got.status).toBe(200);
    expect(got.body.equals(bytes)).toBe(true);
    expect(got.headers.get('x-amz-storage-class')).toBe('x-amz-storage-class' in headers ? 'COLD' : undefined);
  });

  test('CopyObject computes the checksum that is asked for', async () => {
    await put('west-bucket', randomBytes(50_000));
    const copied = await copy(bucket, { ...headers, 'x-amz-checksum-algorithm': 'SHA1' });
    expect(elementText(copied.body, 'ChecksumSHA1')).toMatch(/^[\w+/]{27}=$/);
  });
});

test('within one blobstore CopyObject writes no bytes', async () => {
  await put('west-bucket', randomBytes(300_000));
  expect((await copy('west-bucket')).status).toBe(200);
  const blobs = await blobsOf(stores);
  expect(blobs.standard).toHaveLength(1);
  expect(blobs.cold).toHaveLength(0);
});

test('CopyObject to another storage class deletes its blob when the condition fails', async () => {
  await put('west-bucket', randomBytes(300_000));
  const copied = await copy('west-bucket', { 'x-amz-storage-class': 'COLD', 'if-match': '"x"' });
  expect(elementText(copied.body, 'Code')).toBe('NoSuchKey');
  expect((await blobsOf(stores)).cold).toEqual([]);
});

test('CopyObject reads nothing that the caller may not read', async () => {
  await put('west-bucket', Buffer.from('secret'));
  const headers = { 'x-amz-copy-source': 'west-bucket/key' };
  const copied = await front.send({ method: 'PUT', path: '/bobs-bucket/copy', headers, keys: BOB });
  expect([copied.status, elementText(copied.body, 'Code')]).toEqual([403, 'AccessDenied']);
  const byVersion = await front.send({
    method: 'PUT',
    path: '/bobs-bucket/copy',
    headers: { 'x-amz-copy-source': 'west-bucket/key?versionId=null' },
    keys: BOB,
  });
  expect(byVersion.status).toBe(403);
});

test('CopyObject refuses a source of more than 5 GiB', async () => {
  await put('west-bucket', Buffer.from('small'));
  const { id: bucketId } = await stores.bucketOf('west-bucket');
  const at = { bucketId, key: must(parseObjectKey('key')) };
  const version = must(await stores.west.meta.getVersion(at, { signal: SIGNAL }));
  if (version.kind !== 'object') throw new Error('It is an object.');
  const draft = { ...version, slot: 'null', sizeBytes: 5 * 1024 ** 3 + 1 } as const;
  await stores.west.meta.putVersion(bucketId, draft, {}, { signal: SIGNAL });
  const copied = await copy('west-bucket');
  expect(elementText(copied.body, 'Code')).toBe('InvalidRequest');
  expect(elementText(copied.body, 'Message')).toContain('5368709120');
});

describe('when the source is replaced and reclaimed meanwhile', () => {
  /** Says `blob-gone` to the first puts of a copy. */
  class Replacing extends MemoryMetastore {
    goneCount = 0;

    override async putVersion(...call: Parameters<MemoryMetastore['putVersion']>): Promise<PutOutcome> {
      const [, { key, body }] = call;
      if (key !== 'copy' || body.kind !== 'blob' || this.goneCount === 0) return super.putVersion(...call);
      this.goneCount -= 1;
      return { kind: 'blob-gone', blob: body.blob };
    }
  }

  test.each([
    [2, 200],
    [3, 503],
  ])('%i times, CopyObject begins anew and ends with %i', async (goneCount, status) => {
    const meta = new Replacing({ nowMs: () => NOW_MS });
    await using replacing = await Front.start({ stores: await twoRegions(meta), operations: OPERATIONS });
    const body = randomBytes(300_000);
    await replacing.send({ method: 'PUT', path: '/west-bucket/key', body });
    meta.goneCount = goneCount;
    const headers = { 'x-amz-copy-source': 'west-bucket/key' };
    expect((await replacing.send({ method: 'PUT', path: '/west-bucket/copy', headers })).status).toBe(status);
  });
});

async function put(bucket: string, body: Uint8Array): Promise<void> {
  expect((await front.send({ method: 'PUT', path: `/${bucket}/key`, body })).status).toBe(200);
}

function copy(bucket: string, headers: Readonly<Record<string, string>> = {}) {
  const source = { 'x-amz-copy-source': 'west-bucket/key' };
  return front.send({ method: 'PUT', path: `/${bucket}/copy`, headers: { ...source, ...headers } });
}

async function blobsOf({ west }: TwoRegions) {
  const ids = async (storageClass: typeof STANDARD) => {
    const found = [];
    for await (const { id } of must(west.blobs.get(storageClass)).list({ signal: SIGNAL })) found.push(id);
    return found;
  };
  return { standard: await ids(STANDARD), cold: await ids(COLD) };
}
