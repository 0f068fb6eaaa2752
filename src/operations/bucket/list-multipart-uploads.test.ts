import { describe, expect, test } from 'vitest';
import { MemoryOperations, textOf, textsOf } from '../../../test/support/memory-operations.ts';
import { createBucket } from './create-bucket.ts';
import { listMultipartUploads } from './list-multipart-uploads.ts';

describe('ListMultipartUploads', () => {
  test('shows open uploads by key, then by age', async () => {
    const { operations, ids } = await start(['c', 'b', 'a', 'a']);
    const { xml } = await list(operations, {});
    expect(xml?.name).toBe('ListMultipartUploadsResult');
    expect(textsOf(xml, 'Upload', 'Key')).toEqual(['a', 'a', 'b', 'c']);
    expect(textsOf(xml, 'Upload', 'UploadId')).toEqual([ids[2], ids[3], ids[1], ids[0]]);
    const upload = xml?.children.find(({ name }) => name === 'Upload');
    expect(upload?.children.map(({ name }) => name)).toEqual([
      'Key',
      'UploadId',
      'Initiator',
      'Owner',
      'StorageClass',
      'Initiated',
      'ChecksumAlgorithm',
      'ChecksumType',
    ]);
    expect(textOf(upload, 'Initiated')).toBe('2026-01-31T12:00:00.000Z');
    expect(textOf(xml, 'Bucket')).toBe('shoes');
    expect([textOf(xml, 'KeyMarker'), textOf(xml, 'UploadIdMarker'), textOf(xml, 'MaxUploads')]).toEqual([
      '',
      '',
      '1000',
    ]);
    expect([textOf(xml, 'NextKeyMarker'), textOf(xml, 'NextUploadIdMarker')]).toEqual(['c', ids[0]]);
  });

  test('goes on behind an upload, or behind all uploads of a key', async () => {
    const { operations, ids } = await start(['a', 'a', 'b']);
    const first = (await list(operations, { 'max-uploads': '1' })).xml;
    expect([textOf(first, 'IsTruncated'), textOf(first, 'NextKeyMarker'), textOf(first, 'NextUploadIdMarker')]).toEqual(
      ['true', 'a', ids[0]],
    );
    const next = (await list(operations, { 'key-marker': 'a', 'upload-id-marker': ids[0] ?? '' })).xml;
    expect(textsOf(next, 'Upload', 'UploadId')).toEqual([ids[1], ids[2]]);
    const behindKey = (await list(operations, { 'key-marker': 'a' })).xml;
    expect(textsOf(behindKey, 'Upload', 'Key')).toEqual(['b']);
    const ignored = (await list(operations, { 'upload-id-marker': ids[1] ?? '' })).xml;
    expect(textsOf(ignored, 'Upload', 'UploadId')).toEqual(ids);
    expect(textOf(ignored, 'UploadIdMarker')).toBe('');
  });

  test('groups by the delimiter, and can go on behind a common prefix', async () => {
    const { operations } = await start(['d/1', 'd/2', 'e', 'f/1']);
    const query = { delimiter: '/', 'max-uploads': '1' };
    const first = (await list(operations, query)).xml;
    expect(textsOf(first, 'CommonPrefixes', 'Prefix')).toEqual(['d/']);
    expect([textOf(first, 'NextKeyMarker'), textOf(first, 'NextUploadIdMarker')]).toEqual(['d/', '']);
    expect(textsOf((await list(operations, { ...query, 'key-marker': 'd/1' })).xml, 'Upload', 'Key')).toEqual(['e']);
    const last = (await list(operations, { ...query, 'key-marker': 'e' })).xml;
    expect([textsOf(last, 'CommonPrefixes', 'Prefix'), textOf(last, 'IsTruncated')]).toEqual([['f/'], 'false']);
  });

  test('shows an empty listing with empty markers', async () => {
    const { operations } = await start([]);
    const { xml } = await list(operations, { prefix: 'p', 'encoding-type': 'url' });
    expect(
      ['NextKeyMarker', 'NextUploadIdMarker', 'IsTruncated', 'Prefix', 'EncodingType'].map((name) => textOf(xml, name)),
    ).toEqual(['', '', 'false', 'p', 'url']);
  });

  test('refuses a max-uploads that is no number', async () => {
    const { operations } = await start([]);
    await expect(list(operations, { 'max-uploads': 'many' })).rejects.toMatchObject({
      code: 'InvalidArgument',
      elements: { ArgumentName: 'max-uploads', ArgumentValue: 'many' },
    });
  });
});

async function start(keys: readonly string[]) {
  const operations = new MemoryOperations();
  await operations.call(createBucket, { bucket: 'shoes' });
  const ids: string[] = [];
  for (const key of keys) ids.push(await operations.upload('shoes', key));
  return { operations, ids };
}

function list(operations: MemoryOperations, query: Readonly<Record<string, string>>) {
  return operations.call(listMultipartUploads, { bucket: 'shoes', query });
}
