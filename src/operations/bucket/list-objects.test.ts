import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryOperations, textOf, textsOf } from '../../../test/support/memory-operations.ts';
import { createBucket } from './create-bucket.ts';
import { listObjects } from './list-objects.ts';

const FOLDERS = ['folder/aSubfolder/subFile1', 'folder/aSubfolder/subFile2', 'folder/file1', 'folder/file2'];

describe('ListObjects', () => {
  test('shows of each object its key, time, ETag, checksum, size, owner and class', async () => {
    const operations = await start(['a"<']);
    const { xml } = await list(operations, {});
    expect(xml?.name).toBe('ListBucketResult');
    const contents = xml?.children.find(({ name }) => name === 'Contents');
    expect(
      contents?.children.map(({ name, text, children }) => [name, text || textOf(contents, name), children.length]),
    ).toEqual([
      ['Key', 'a"<', 0],
      ['LastModified', '2026-01-31T12:00:00.000Z', 0],
      ['ETag', '"d41d8cd98f00b204e9800998ecf8427e"', 0],
      ['ChecksumAlgorithm', 'CRC32', 0],
      ['ChecksumType', 'FULL_OBJECT', 0],
      ['Size', '0', 0],
      ['Owner', '', 2],
      ['StorageClass', 'STANDARD', 0],
    ]);
    expect(
      textOf(
        contents?.children.find(({ name }) => name === 'Owner'),
        'ID',
      ),
    ).toBe('alice');
  });

  test('repeats what it was asked, but no delimiter that is empty', async () => {
    const operations = await start([]);
    const { xml, headers } = await list(operations, { prefix: 'p&', marker: 'm', delimiter: '/', 'max-keys': '7' });
    expect(headers.get('x-amz-bucket-region')).toBe('us-east-1');
    expect(textOf(xml, 'Name')).toBe('shoes');
    expect(textOf(xml, 'Prefix')).toBe('p&');
    expect(textOf(xml, 'Marker')).toBe('m');
    expect(textOf(xml, 'Delimiter')).toBe('/');
    expect(textOf(xml, 'MaxKeys')).toBe('7');
    expect(textOf(xml, 'EncodingType')).toBeUndefined();
    const bare = (await list(operations, { delimiter: '', prefix: '', marker: '', 'max-keys': '' })).xml;
    expect(textOf(bare, 'Delimiter')).toBeUndefined();
    expect([textOf(bare, 'Prefix'), textOf(bare, 'Marker'), textOf(bare, 'MaxKeys')]).toEqual(['', '', '1000']);
  });

  test('pages through common prefixes and keys by NextMarker', async () => {
    const operations = await start(FOLDERS);
    const query = { prefix: 'folder/', delimiter: '/', 'max-keys': '1' };
    const first = (await list(operations, query)).xml;
    expect(textsOf(first, 'CommonPrefixes', 'Prefix')).toEqual(['folder/aSubfolder/']);
    expect([textOf(first, 'IsTruncated'), textOf(first, 'NextMarker')]).toEqual(['true', 'folder/aSubfolder/']);
    const second = (await list(operations, { ...query, marker: 'folder/aSubfolder/' })).xml;
    expect(textsOf(second, 'Contents', 'Key')).toEqual(['folder/file1']);
    expect([textOf(second, 'IsTruncated'), textOf(second, 'NextMarker')]).toEqual(['true', 'folder/file1']);
    const third = (await list(operations, { ...query, marker: 'folder/file1' })).xml;
    expect(textsOf(third, 'Contents', 'Key')).toEqual(['folder/file2']);
    expect([textOf(third, 'IsTruncated'), textOf(third, 'NextMarker')]).toEqual(['false', undefined]);
  });

  test('skips the common prefix that a marker lies in', async () => {
    const operations = await start(FOLDERS);
    const query = { prefix: 'folder/', delimiter: '/', 'max-keys': '1', marker: 'folder/aSubfolder/subFile1' };
    expect(textsOf((await list(operations, query)).xml, 'Contents', 'Key')).toEqual(['folder/file1']);
  });

  test('sends no NextMarker without a delimiter', async () => {
    const operations = await start(FOLDERS);
    const { xml } = await list(operations, { 'max-keys': '2' });
    expect([textOf(xml, 'IsTruncated'), textOf(xml, 'NextMarker')]).toEqual(['true', undefined]);
  });

  test('answers max-keys=0 with nothing, and nothing behind it', async () => {
    const operations = await start(FOLDERS);
    const { xml } = await list(operations, { 'max-keys': '0', delimiter: '/' });
    expect([textOf(xml, 'IsTruncated'), textOf(xml, 'MaxKeys')]).toEqual(['false', '0']);
    expect(xml?.children.some(({ name }) => name === 'Contents' || name === 'CommonPrefixes')).toBe(false);
  });

  test('gives at most 1,000 keys, and says truncated only where one more exists', async () => {
    const operations = await start(Array.from({ length: 1001 }, (_, index) => `key-${String(index).padStart(4, '0')}`));
    const all = (await list(operations, { 'max-keys': '2000' })).xml;
    expect(textsOf(all, 'Contents', 'Key')).toHaveLength(1000);
    expect([textOf(all, 'IsTruncated'), textOf(all, 'MaxKeys')]).toEqual(['true', '1000']);
    const rest = (await list(operations, { marker: 'key-0000' })).xml;
    expect(textsOf(rest, 'Contents', 'Key')).toHaveLength(1000);
    expect(textOf(rest, 'IsTruncated')).toBe('false');
  });

  test('encodes keys, prefixes, markers and the delimiter for encoding-type=url', async () => {
    const operations = await start(['foo+1/bar', 'foo/bar/xyz', 'quux ab/thud', 'asdf+b', "!'()~*-_./é\u0001"]);
    const query = { 'encoding-type': 'url', delimiter: '/' };
    const { xml } = await list(operations, { ...query, marker: '\n' });
    expect(textOf(xml, 'EncodingType')).toBe('url');
    expect(textOf(xml, 'Marker')).toBe('%0A');
    expect(textOf(xml, 'Delimiter')).toBe('/');
    expect(textsOf(xml, 'Contents', 'Key')).toEqual(['asdf%2Bb']);
    expect(textsOf(xml, 'CommonPrefixes', 'Prefix')).toEqual([
      '%21%27%28%29%7E*-_./',
      'foo%2B1/',
      'foo/',
      'quux%20ab/',
    ]);
    const inner = (await list(operations, { 'encoding-type': 'url', prefix: "!'()", delimiter: '%' })).xml;
    expect(textOf(inner, 'Prefix')).toBe('%21%27%28%29');
    expect(textOf(inner, 'Delimiter')).toBe('%25');
    expect(textsOf(inner, 'Contents', 'Key')).toEqual(['%21%27%28%29%7E*-_./%C3%A9%01']);
    const next = (await list(operations, { ...query, 'max-keys': '2' })).xml;
    expect(textOf(next, 'NextMarker')).toBe('asdf%2Bb');
  });

  test('lets every key be read back, encoded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), async (key) => {
        const operations = await start([key]);
        const { xml } = await list(operations, { 'encoding-type': 'url' });
        expect(textsOf(xml, 'Contents', 'Key').map((text) => decodeURIComponent(text ?? ''))).toEqual([key]);
      }),
    );
  });

  test.each([
    ['max-keys', 'blah', 'InvalidArgument'],
    ['max-keys', '-1', 'InvalidArgument'],
    ['max-keys', '1.5', 'InvalidArgument'],
    ['max-keys', '1e3', 'InvalidArgument'],
    ['max-keys', '٣', 'InvalidArgument'],
    ['max-keys', '2147483648', 'InvalidArgument'],
    ['encoding-type', 'base64', 'InvalidArgument'],
    ['encoding-type', '', 'InvalidArgument'],
    ['list-type', '3', 'InvalidArgument'],
    ['prefix', 'é'.repeat(513), 'KeyTooLongError'],
    ['marker', 'x'.repeat(1025), 'KeyTooLongError'],
  ])('refuses %s=%.20s', async (name, value, code) => {
    const operations = await start([]);
    const elements =
      code === 'InvalidArgument' ? { ArgumentName: name, ArgumentValue: value } : { MaxSizeAllowed: 1024 };
    await expect(list(operations, { [name]: value })).rejects.toMatchObject({ code, elements });
  });
});

async function start(keys: readonly string[]): Promise<MemoryOperations> {
  const operations = new MemoryOperations();
  await operations.call(createBucket, { bucket: 'shoes' });
  for (const key of keys) await operations.put('shoes', key);
  return operations;
}

function list(operations: MemoryOperations, query: Readonly<Record<string, string>>) {
  return operations.call(listObjects, { bucket: 'shoes', query });
}
