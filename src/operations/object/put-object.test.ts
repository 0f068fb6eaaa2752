import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { elementText } from '../../../test/support/raw-http.ts';
import { Front, NOW_MS } from '../../../test/support/start-front.ts';
import { SIGNAL, STANDARD, type TwoRegions, twoRegions } from '../../../test/support/two-regions.ts';
import { MemoryMetastore } from '../../stores/memory/metastore.ts';
import { StoreError, type StoreErrorKind } from '../../stores/store.ts';
import { putObject } from './put-object.ts';

const OPERATIONS = { PutObject: putObject };
const BODY = randomBytes(100_000);

/** A metastore whose puts fail. */
class Failing extends MemoryMetastore {
  readonly #kind: StoreErrorKind;

  constructor(kind: StoreErrorKind) {
    super({ nowMs: () => NOW_MS });
    this.#kind = kind;
  }

  override async putVersion(): Promise<never> {
    throw new StoreError(this.#kind, 'The test wants it so.');
  }
}

/** A metastore that gives up an intent only in a later turn of the event loop, as one on a disk does. */
class SlowToAbandon extends MemoryMetastore {
  override async abandonIntent(...call: Parameters<MemoryMetastore['abandonIntent']>): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await super.abandonIntent(...call);
  }
}

describe('when the commit', () => {
  test.each([
    ['is in doubt', 'leaves its blob to whoever finds out', 'in-doubt', 500, ['intended']],
    ['did not happen', 'deletes its blob', 'unavailable', 503, []],
    ['finds no room', 'deletes its blob', 'storage-full', 507, []],
  ] as const)('%s, PutObject %s', async (_, __, kind, status, states) => {
    const stores = await twoRegions(new Failing(kind));
    await using front = await Front.start({ stores, operations: OPERATIONS });
    expect((await front.send({ method: 'PUT', path: '/west-bucket/key', body: BODY })).status).toBe(status);
    expect(await blobStates(stores)).toEqual(states);
  });
});

test('PutObject into a bucket that is deleted under the body is NoSuchBucket, and leaks nothing', async () => {
  const stores = await twoRegions();
  await using front = await Front.start({ stores, operations: OPERATIONS });
  const bucket = await stores.bucketOf('west-bucket');
  await withHalfABody(front, async () => {
    await stores.west.meta.closeBucket(bucket.id, { signal: SIGNAL });
  });
  expect(await blobStates(stores)).toEqual([]);
  expect(await stores.buckets.getBucket(bucket.name, { signal: SIGNAL })).toBeUndefined();
});

test('PutObject into a bucket that was deleted and made again under the body is NoSuchBucket', async () => {
  const stores = await twoRegions();
  await using front = await Front.start({ stores, operations: OPERATIONS });
  const bucket = await stores.bucketOf('west-bucket');
  const again = { ...bucket, id: (await stores.bucketOf('bobs-bucket')).id };
  await withHalfABody(front, async () => {
    await stores.buckets.removeBucket(bucket, { signal: SIGNAL });
    await stores.buckets.createBucket(again, { signal: SIGNAL });
  });
  expect(await blobStates(stores)).toEqual([]);
});

test('PutObject goes where the versioning of the bucket has it after the body, not before', async () => {
  const stores = await twoRegions();
  await using front = await Front.start({ stores, operations: OPERATIONS });
  const { name, id, revision } = await stores.bucketOf('west-bucket');
  const answer = await sendInHalves(front, async () => {
    const configuration = { versioning: 'enabled' } as const;
    await stores.buckets.updateBucket({ name, id, revision, configuration }, { signal: SIGNAL });
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-amz-version-id')).not.toBe('null');
  expect(answer.headers.get('x-amz-version-id')).toBeTruthy();
});

test('PutObject whose condition fails leaves no rejection unhandled while its blob is given up', async () => {
  const stores = await twoRegions(new SlowToAbandon({ nowMs: () => NOW_MS }));
  await using front = await Front.start({ stores, operations: OPERATIONS });
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    const request = { method: 'PUT', path: '/west-bucket/key', body: BODY, headers: { 'if-match': '"x"' } };
    expect((await front.send(request)).status).toBe(404);
  } finally {
    process.off('unhandledRejection', note);
  }
  expect(unhandled).toEqual([]);
  expect(await blobStates(stores)).toEqual([]);
});

async function withHalfABody(front: Front, meanwhile: () => Promise<void>): Promise<void> {
  const answer = await sendInHalves(front, meanwhile);
  expect([answer.status, elementText(answer.body, 'Code')]).toEqual([404, 'NoSuchBucket']);
}

/** Sends half of a body, does something once the server reads it, and sends the other half. */
async function sendInHalves(front: Front, meanwhile: () => Promise<void>) {
  using connection = await front.connect();
  const headers = { expect: '100-continue' };
  const bytes = front.requestBytes({ method: 'PUT', path: '/west-bucket/key', headers, body: BODY });
  connection.send(bytes.subarray(0, bytes.length - BODY.length));
  // The server says 100 Continue when the operation asks for the body.
  await connection.head();
  connection.send(BODY.subarray(0, 50_000));
  await meanwhile();
  connection.send(BODY.subarray(50_000));
  return await connection.response('PUT');
}

async function blobStates({ west }: TwoRegions): Promise<string[]> {
  const states = [];
  for await (const { id } of west.blobs.get(STANDARD)?.list({ signal: SIGNAL }) ?? []) {
    states.push(await west.meta.getBlobState(id, { signal: SIGNAL }));
  }
  return states;
}
