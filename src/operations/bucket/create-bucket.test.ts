import { describe, expect, test } from 'vitest';
import { ALICE, BOB, MemoryOperations } from '../../../test/support/memory-operations.ts';
import { BUCKETS_PER_TENANT_MAX } from '../../domain/bucket.ts';
import { parseBucketId, parseBucketName, parseTenantId } from '../../domain/names.ts';
import { ANONYMOUS } from '../../http/auth/make-identity.ts';
import type { Bucketstore } from '../../stores/bucketstore.ts';
import type { Metastore } from '../../stores/metastore.ts';
import { createBucket } from './create-bucket.ts';

const CALL = { signal: new AbortController().signal };

describe('CreateBucket', () => {
  test('makes an unversioned bucket of the requester in the default region', async () => {
    const operations = new MemoryOperations(['eu-1', 'eu-2']);
    const { status, headers } = await operations.call(createBucket, { bucket: 'shoes' });
    expect(status).toBe(200);
    expect(headers.get('Location')).toBe('/shoes');
    expect(await find(operations, 'shoes')).toMatchObject({
      name: 'shoes',
      owner: { tenant: 'alice', displayName: 'Alice' },
      region: 'eu-1',
      createdAtMs: operations.nowMs,
      configuration: { versioning: 'unversioned' },
      revision: 1,
    });
  });

  test.each([
    ['', 'eu-1'],
    ['<CreateBucketConfiguration/>', 'eu-1'],
    [constraint(''), 'eu-1'],
    [constraint('eu-1'), 'eu-1'],
    [constraint('eu-2'), 'eu-2'],
    [constraint('us-east-1'), 'eu-1'],
  ])('takes the region from the body %j', async (body, region) => {
    const operations = new MemoryOperations(['eu-1', 'eu-2']);
    await operations.call(createBucket, { bucket: 'shoes', body });
    expect(await find(operations, 'shoes')).toMatchObject({ region });
  });

  test.each([
    [constraint('mars-1'), 'InvalidLocationConstraint'],
    [constraint('../etc'), 'InvalidLocationConstraint'],
    ['<CreateBucketConfiguration><Location/></CreateBucketConfiguration>', 'NotImplemented'],
    ['<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>', 'NotImplemented'],
    ['<CreateBucketConfiguration><Locaton/></CreateBucketConfiguration>', 'MalformedXML'],
    ['<Other/>', 'MalformedXML'],
    ['x', 'MalformedXML'],
    [`<!--${'x'.repeat(1024 ** 2)}-->`, 'MaxMessageLengthExceeded'],
  ])('refuses the body %.80s', async (body, code) => {
    const operations = new MemoryOperations(['eu-1']);
    await expect(operations.call(createBucket, { bucket: 'shoes', body })).rejects.toMatchObject({ code });
    expect(await find(operations, 'shoes')).toBeUndefined();
  });

  test.each([
    ['x-amz-acl', 'private'],
    ['x-amz-acl', 'bucket-owner-full-control'],
    ['x-amz-object-ownership', 'BucketOwnerEnforced'],
    ['x-amz-bucket-object-lock-enabled', 'false'],
    ['x-amz-bucket-object-lock-enabled', 'False'],
  ])('takes %s: %s', async (header, value) => {
    const operations = new MemoryOperations();
    await operations.call(createBucket, { bucket: 'shoes', headers: { [header]: value } });
    expect(await find(operations, 'shoes')).toBeDefined();
  });

  test.each([
    ['x-amz-acl', 'aws-exec-read', 'NotImplemented'],
    ['x-amz-acl', 'pubic', 'InvalidArgument'],
    ['x-amz-acl', '', 'InvalidArgument'],
    ['x-amz-object-ownership', 'Nobody', 'InvalidArgument'],
    ['x-amz-bucket-object-lock-enabled', 'true', 'NotImplemented'],
    ['x-amz-bucket-object-lock-enabled', 'yes', 'InvalidArgument'],
    ['content-md5', 'AAAAAAAAAAAAAAAAAAAAAA==', 'BadDigest'],
  ])('refuses %s: %s', async (header, value, code) => {
    const operations = new MemoryOperations();
    const called = operations.call(createBucket, { bucket: 'shoes', headers: { [header]: value } });
    await expect(called).rejects.toMatchObject({ code });
    expect(await find(operations, 'shoes')).toBeUndefined();
  });

  test("does not take another tenant's name", async () => {
    const operations = new MemoryOperations();
    await operations.call(createBucket, { bucket: 'shoes' });
    const called = operations.call(createBucket, { bucket: 'shoes', as: BOB });
    await expect(called).rejects.toMatchObject({ code: 'BucketAlreadyExists', status: 409 });
  });

  test("repeats one's own bucket in us-east-1 only, and changes nothing", async () => {
    const operations = new MemoryOperations(['us-east-1', 'eu-1']);
    await operations.call(createBucket, { bucket: 'shoes' });
    const before = await find(operations, 'shoes');
    expect((await operations.call(createBucket, { bucket: 'shoes' })).status).toBe(200);
    expect(await find(operations, 'shoes')).toEqual(before);
    for (const bucket of ['shoes', 'boots']) {
      if (bucket === 'boots') await operations.call(createBucket, { bucket, body: constraint('eu-1') });
      const again = operations.call(createBucket, { bucket, body: constraint('eu-1') });
      await expect(again).rejects.toMatchObject({ code: 'BucketAlreadyOwnedByYou', status: 409 });
    }
  });

  test('takes over a name whose bucket a crashed DeleteBucket left closed', async () => {
    const operations = new MemoryOperations();
    await operations.call(createBucket, { bucket: 'shoes' });
    const left = await find(operations, 'shoes');
    await region(operations).closeBucket(left?.id ?? parseBucketId(''), CALL);
    await operations.call(createBucket, { bucket: 'shoes', as: BOB });
    const made = await find(operations, 'shoes');
    expect(made?.owner.tenant).toBe('bob');
    expect(made?.id).not.toBe(left?.id);
    expect(await region(operations).isBucketClosed(made?.id ?? parseBucketId(''), CALL)).toBe(false);
  });

  test('makes no more buckets than a tenant may own', async () => {
    const operations = new MemoryOperations();
    const owner = { tenant: parseTenantId('alice'), displayName: 'Alice' };
    const { defaultRegion, buckets } = operations.stores;
    for (let index = 0; index < BUCKETS_PER_TENANT_MAX; index++) {
      const name = parseBucketName(`bucket-${index}`) ?? expect.unreachable();
      const id = parseBucketId(index.toString(16).padStart(32, '0'));
      const configuration = { versioning: 'unversioned' } as const;
      await buckets.createBucket(
        { id, name, owner, region: defaultRegion, createdAtMs: 0, configuration, revision: 1 },
        CALL,
      );
    }
    await expect(operations.call(createBucket, { bucket: 'shoes' })).rejects.toMatchObject({ code: 'TooManyBuckets' });
    await operations.call(createBucket, { bucket: 'shoes', as: BOB });
  });

  test('refuses an anonymous request', async () => {
    const operations = new MemoryOperations();
    const called = operations.call(createBucket, { bucket: 'shoes', as: ANONYMOUS });
    await expect(called).rejects.toMatchObject({ code: 'AccessDenied' });
  });

  test('gives a name to one of many that ask at once', async () => {
    const operations = new MemoryOperations(['eu-1']);
    const asked = Array.from({ length: 20 }, (_, index) => {
      return operations.call(createBucket, { bucket: 'shoes', as: index % 2 === 0 ? ALICE : BOB });
    });
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

function constraint(region: string): string {
  return `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
}

function find(operations: MemoryOperations, name: string): ReturnType<Bucketstore['getBucket']> {
  return operations.stores.buckets.getBucket(parseBucketName(name) ?? expect.unreachable(), CALL);
}

function region({ stores }: MemoryOperations): Metastore {
  return stores.regions.get(stores.defaultRegion)?.meta ?? expect.unreachable();
}
