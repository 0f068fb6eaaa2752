import { describe, expect, test } from 'vitest';
import { MemoryOperations, textOf, textsOf } from '../../../test/support/memory-operations.ts';
import { createBucket } from './create-bucket.ts';
import { listObjectsV2 } from './list-objects-v2.ts';

describe('ListObjectsV2', () => {
  test('goes on by token to the end, and repeats the token and start-after', async () => {
    const operations = await start(['bar', 'baz', 'foo', 'quxx']);
    const first = (await list(operations, { 'start-after': 'bar', 'max-keys': '1' })).xml;
    expect(textsOf(first, 'Contents', 'Key')).toEqual(['baz']);
    expect([textOf(first, 'KeyCount'), textOf(first, 'StartAfter')]).toEqual(['1', 'bar']);
    const token = textOf(first, 'NextContinuationToken') ?? '';
    const second = (await list(operations, { 'start-after': 'bar', 'continuation-token': token })).xml;
    expect(textsOf(second, 'Contents', 'Key')).toEqual(['foo', 'quxx']);
    expect(textOf(second, 'ContinuationToken')).toBe(token);
    expect(textOf(second, 'StartAfter')).toBe('bar');
    expect([textOf(second, 'IsTruncated'), textOf(second, 'NextContinuationToken')]).toEqual(['false', undefined]);
  });

  test('goes on behind a common prefix', async () => {
    const operations = await start(['a/1', 'a/2', 'b', 'c/1']);
    const query = { delimiter: '/', 'max-keys': '1' };
    const items: (string | undefined)[] = [];
    let token: string | undefined;
    do {
      const next: { 'continuation-token'?: string } = token === undefined ? {} : { 'continuation-token': token };
      const { xml } = await list(operations, { ...query, ...next });
      items.push(...textsOf(xml, 'Contents', 'Key'), ...textsOf(xml, 'CommonPrefixes', 'Prefix'));
      expect(textOf(xml, 'KeyCount')).toBe('1');
      token = textOf(xml, 'NextContinuationToken');
    } while (token !== undefined);
    expect(items).toEqual(['a/', 'b', 'c/']);
  });

  test('shows owners only when asked', async () => {
    const operations = await start(['a']);
    const owners = async (query: Readonly<Record<string, string>>) => {
      const { xml } = await list(operations, query);
      return textsOf(xml, 'Contents', 'Owner').map((owner) => owner !== undefined);
    };
    expect(await owners({})).toEqual([false]);
    expect(await owners({ 'fetch-owner': 'false' })).toEqual([false]);
    expect(await owners({ 'fetch-owner': 'true' })).toEqual([true]);
  });

  test('encodes prefix, delimiter, start-after and keys, but not the tokens', async () => {
    const operations = await start(['a b', 'a c']);
    const query = { 'encoding-type': 'url', prefix: 'a ', 'start-after': 'a\u0001', delimiter: '+', 'max-keys': '1' };
    const { xml } = await list(operations, query);
    expect(textOf(xml, 'Prefix')).toBe('a%20');
    expect(textOf(xml, 'StartAfter')).toBe('a%01');
    expect(textOf(xml, 'Delimiter')).toBe('%2B');
    expect(textsOf(xml, 'Contents', 'Key')).toEqual(['a%20b']);
    expect(textOf(xml, 'NextContinuationToken')).toMatch(/^[\w-]+$/);
  });

  test('refuses a token that it did not make, or made for another bucket', async () => {
    const operations = await start(['a', 'b']);
    await operations.call(createBucket, { bucket: 'boots' });
    const token = textOf((await list(operations, { 'max-keys': '1' })).xml, 'NextContinuationToken') ?? '';
    const tampered = [...token].map((character, index) => {
      return `${token.slice(0, index)}${character === 'A' ? 'B' : 'A'}${token.slice(index + 1)}`;
    });
    for (const wrong of ['', 'a', 'AQAAAABh', `${token}A`, `${token}=`, token.slice(1), ...tampered]) {
      await expect(list(operations, { 'continuation-token': wrong })).rejects.toMatchObject({
        code: 'InvalidArgument',
        elements: { ArgumentName: 'continuation-token' },
      });
    }
    const query = { 'continuation-token': token };
    const elsewhere = operations.call(listObjectsV2, { bucket: 'boots', query });
    await expect(elsewhere).rejects.toMatchObject({ code: 'InvalidArgument' });
    expect(textsOf((await list(operations, query)).xml, 'Contents', 'Key')).toEqual(['b']);
  });

  test('refuses a fetch-owner that is neither true nor false', async () => {
    const operations = await start([]);
    await expect(list(operations, { 'fetch-owner': 'yes' })).rejects.toMatchObject({ code: 'InvalidArgument' });
  });
});

async function start(keys: readonly string[]): Promise<MemoryOperations> {
  const operations = new MemoryOperations();
  await operations.call(createBucket, { bucket: 'shoes' });
  for (const key of keys) await operations.put('shoes', key);
  return operations;
}

function list(operations: MemoryOperations, query: Readonly<Record<string, string>>) {
  return operations.call(listObjectsV2, { bucket: 'shoes', query: { 'list-type': '2', ...query } });
}
