import { describe, expect, test } from 'vitest';
import { BOB, MemoryOperations, textOf, textsOf } from '../../../test/support/memory-operations.ts';
import { ANONYMOUS } from '../../http/auth/make-identity.ts';
import { createBucket } from '../bucket/create-bucket.ts';
import { listBuckets } from './list-buckets.ts';

describe('ListBuckets', () => {
  test("shows the requester's buckets by name, and nobody else's", async () => {
    const operations = await start(['zebra', 'apple']);
    await operations.call(createBucket, { bucket: 'bobs', as: BOB });
    const { xml } = await list(operations, {});
    expect(xml?.name).toBe('ListAllMyBucketsResult');
    expect(buckets(xml)).toEqual(['apple', 'zebra']);
    const owner = xml?.children.find(({ name }) => name === 'Owner');
    expect([textOf(owner, 'ID'), textOf(owner, 'DisplayName')]).toEqual(['alice', 'Alice']);
    const bucket = xml?.children.find(({ name }) => name === 'Buckets')?.children[0];
    expect(bucket?.children.map(({ name, text }) => [name, text])).toEqual([
      ['Name', 'apple'],
      ['CreationDate', '2026-01-31T12:00:00.000Z'],
    ]);
    expect([textOf(xml, 'ContinuationToken'), textOf(xml, 'Prefix')]).toEqual([undefined, undefined]);
  });

  test('shows more buckets than one read of the store brings', async () => {
    const operations = await start(Array.from({ length: 1001 }, (_, index) => `bucket-${index}`));
    expect(buckets((await list(operations, {})).xml)).toHaveLength(1001);
    expect(buckets((await list(operations, { 'bucket-region': 'us-east-1' })).xml)).toHaveLength(1001);
  });

  test('shows no bucket to a tenant without one', async () => {
    const operations = await start([]);
    const { xml } = await list(operations, {});
    expect(xml?.children.map(({ name }) => name)).toEqual(['Owner', 'Buckets']);
  });

  test('pages by max-buckets and token, with regions', async () => {
    const operations = await start(['a-1', 'a-2', 'a-3']);
    const first = (await list(operations, { 'max-buckets': '2' })).xml;
    expect(buckets(first)).toEqual(['a-1', 'a-2']);
    expect(
      textsOf(
        first?.children.find(({ name }) => name === 'Buckets'),
        'Bucket',
        'BucketRegion',
      ),
    ).toEqual(['us-east-1', 'us-east-1']);
    const token = textOf(first, 'ContinuationToken') ?? '';
    const second = (await list(operations, { 'max-buckets': '2', 'continuation-token': token })).xml;
    expect([buckets(second), textOf(second, 'ContinuationToken')]).toEqual([['a-3'], undefined]);
    const exact = (await list(operations, { 'max-buckets': '3' })).xml;
    expect([buckets(exact).length, textOf(exact, 'ContinuationToken')]).toEqual([3, undefined]);
  });

  test('filters by prefix and by region', async () => {
    const operations = await start(['a-1', 'a-2', 'b-1']);
    const body = '<CreateBucketConfiguration><LocationConstraint>eu-1</LocationConstraint></CreateBucketConfiguration>';
    await operations.call(createBucket, { bucket: 'a-3', body });
    const byPrefix = (await list(operations, { prefix: 'a-' })).xml;
    expect([buckets(byPrefix), textOf(byPrefix, 'Prefix')]).toEqual([['a-1', 'a-2', 'a-3'], 'a-']);
    expect(buckets((await list(operations, { 'bucket-region': 'eu-1' })).xml)).toEqual(['a-3']);
    expect(buckets((await list(operations, { 'bucket-region': 'eu-1', prefix: 'b' })).xml)).toEqual([]);
    const page = (await list(operations, { 'bucket-region': 'us-east-1', 'max-buckets': '2' })).xml;
    const token = textOf(page, 'ContinuationToken') ?? '';
    const rest = { 'bucket-region': 'us-east-1', 'continuation-token': token };
    expect([buckets(page), buckets((await list(operations, rest)).xml)]).toEqual([['a-1', 'a-2'], ['b-1']]);
  });

  test.each([
    ['max-buckets', '0'],
    ['max-buckets', '10001'],
    ['max-buckets', 'x'],
    ['continuation-token', 'x'],
    ['bucket-region', '../x'],
  ])('refuses %s=%s', async (name, value) => {
    const operations = await start([]);
    await expect(list(operations, { [name]: value })).rejects.toMatchObject({
      code: 'InvalidArgument',
      elements: { ArgumentName: name, ArgumentValue: value },
    });
  });

  test('refuses an anonymous request', async () => {
    const operations = await start([]);
    await expect(operations.call(listBuckets, { as: ANONYMOUS })).rejects.toMatchObject({ code: 'AccessDenied' });
  });
});

async function start(names: readonly string[]): Promise<MemoryOperations> {
  const operations = new MemoryOperations(['us-east-1', 'eu-1']);
  for (const bucket of names) await operations.call(createBucket, { bucket });
  return operations;
}

function list(operations: MemoryOperations, query: Readonly<Record<string, string>>) {
  return operations.call(listBuckets, { query });
}

function buckets(xml: Parameters<typeof textsOf>[0]) {
  return textsOf(
    xml?.children.find(({ name }) => name === 'Buckets'),
    'Bucket',
    'Name',
  );
}
