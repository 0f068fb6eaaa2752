import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryOperations, textOf, textsOf } from '../../../test/support/memory-operations.ts';
import { parseBucketName, parseObjectKey, parseTenantId } from '../../domain/names.ts';
import type { XmlElement } from '../../xml/parse.ts';
import { createBucket } from './create-bucket.ts';
import { listObjectVersions } from './list-object-versions.ts';

const CALL = { signal: new AbortController().signal };

describe('ListObjectVersions', () => {
  test('shows versions and delete markers, newest first, and which is the latest', async () => {
    const operations = await start();
    const first = await operations.put('shoes', 'a', 'null');
    const second = await operations.put('shoes', 'a', 'new');
    const marker = await mark(operations, 'a');
    const other = await operations.put('shoes', 'b', 'new');
    const { xml } = await list(operations, {});
    expect(xml?.name).toBe('ListVersionsResult');
    expect(rowsOf(xml)).toEqual([
      ['DeleteMarker', 'a', marker, 'true'],
      ['Version', 'a', second, 'false'],
      ['Version', 'a', first, 'false'],
      ['Version', 'b', other, 'true'],
    ]);
    expect(first).toBe('null');
    expect([textOf(xml, 'KeyMarker'), textOf(xml, 'VersionIdMarker'), textOf(xml, 'NextKeyMarker')]).toEqual([
      '',
      '',
      undefined,
    ]);
    expect(textsOf(xml, 'DeleteMarker', 'ETag')).toEqual([undefined]);
    expect(textsOf(xml, 'Version', 'ChecksumAlgorithm')).toEqual(['CRC32', 'CRC32', 'CRC32']);
  });

  test('goes on behind a version, a key or a common prefix', async () => {
    const operations = await start();
    for (const key of ['a', 'a', 'b', 'd/1', 'd/2', 'e']) await operations.put('shoes', key, 'new');
    const page = (await list(operations, { 'max-keys': '1' })).xml;
    const [keyMarker, versionIdMarker] = [
      textOf(page, 'NextKeyMarker') ?? '',
      textOf(page, 'NextVersionIdMarker') ?? '',
    ];
    expect(keyMarker).toBe('a');
    const rest = (await list(operations, { 'key-marker': keyMarker, 'version-id-marker': versionIdMarker })).xml;
    expect(textsOf(rest, 'Version', 'Key')).toEqual(['a', 'b', 'd/1', 'd/2', 'e']);
    expect(textOf(rest, 'VersionIdMarker')).toBe(versionIdMarker);
    expect(textsOf((await list(operations, { 'key-marker': 'a' })).xml, 'Version', 'Key')).toEqual([
      'b',
      'd/1',
      'd/2',
      'e',
    ]);
    const prefixes = (await list(operations, { 'key-marker': 'b', delimiter: '/', 'max-keys': '1' })).xml;
    expect(textsOf(prefixes, 'CommonPrefixes', 'Prefix')).toEqual(['d/']);
    expect([textOf(prefixes, 'NextKeyMarker'), textOf(prefixes, 'NextVersionIdMarker')]).toEqual(['d/', undefined]);
    const last = (await list(operations, { 'key-marker': 'd/', delimiter: '/', 'max-keys': '1' })).xml;
    expect([textsOf(last, 'Version', 'Key'), textOf(last, 'IsTruncated')]).toEqual([['e'], 'false']);
    const inside = { 'key-marker': 'd/1', 'version-id-marker': versionIdMarker, delimiter: '/' };
    const behind = (await list(operations, inside)).xml;
    expect([textsOf(behind, 'Version', 'Key'), textsOf(behind, 'CommonPrefixes', 'Prefix')]).toEqual([['e'], []]);
  });

  test('gives every version exactly once, whatever the page size', async () => {
    const keys = fc.array(fc.constantFrom('a', 'a/b', 'a/c', 'b', '\u{1f600}', '\uffee'), { maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 5 }), async (puts, maxKeys) => {
        const operations = await start();
        for (const key of puts) await operations.put('shoes', key, 'new');
        const all = rowsOf((await list(operations, {})).xml);
        const paged: unknown[] = [];
        let marker: Readonly<Record<string, string>> = {};
        for (;;) {
          const { xml } = await list(operations, { 'max-keys': String(maxKeys), ...marker });
          paged.push(...rowsOf(xml));
          if (textOf(xml, 'IsTruncated') === 'false') break;
          const versionId = textOf(xml, 'NextVersionIdMarker') ?? '';
          marker = { 'key-marker': textOf(xml, 'NextKeyMarker') ?? '', 'version-id-marker': versionId };
        }
        expect(paged).toEqual(all);
        expect(all).toHaveLength(puts.length);
      }),
      { numRuns: 60 },
    );
  });

  test('refuses a version marker without a key marker, and one that is no version id', async () => {
    const operations = await start();
    await expect(list(operations, { 'version-id-marker': 'null' })).rejects.toMatchObject({
      code: 'InvalidArgument',
      elements: { ArgumentName: 'version-id-marker', ArgumentValue: 'null' },
    });
    await expect(list(operations, { 'key-marker': 'a', 'version-id-marker': '\n' })).rejects.toMatchObject({
      code: 'InvalidArgument',
    });
  });
});

async function start(): Promise<MemoryOperations> {
  const operations = new MemoryOperations();
  await operations.call(createBucket, { bucket: 'shoes' });
  return operations;
}

function list(operations: MemoryOperations, query: Readonly<Record<string, string>>) {
  return operations.call(listObjectVersions, { bucket: 'shoes', query });
}

async function mark({ stores }: MemoryOperations, key: string): Promise<string> {
  const bucket = await stores.buckets.getBucket(parseBucketName('shoes') ?? expect.unreachable(), CALL);
  const { meta } = stores.regions.get(stores.defaultRegion) ?? expect.unreachable();
  const owner = { tenant: parseTenantId('alice'), displayName: 'Alice' };
  const draft = {
    key: parseObjectKey(key) ?? expect.unreachable(),
    mode: 'new-marker',
    lastModifiedMs: 0,
    owner,
  } as const;
  const outcome = await meta.deleteCurrent(bucket?.id ?? expect.unreachable(), draft, {}, CALL);
  return outcome.kind === 'deleted' ? (outcome.marker?.versionId ?? '') : '';
}

function rowsOf(xml: XmlElement | undefined) {
  return (xml?.children ?? [])
    .filter(({ name }) => name === 'Version' || name === 'DeleteMarker')
    .map((row) => [row.name, textOf(row, 'Key'), textOf(row, 'VersionId'), textOf(row, 'IsLatest')]);
}
