import { describe, expect, test } from 'vitest';
import type { PayloadMode } from './auth/payload-mode.ts';
import { operationHeaders } from './operation-headers.ts';
import { QueryParameters, RequestHeaders } from './parameters.ts';

const UNSIGNED: PayloadMode = { kind: 'unsigned' };
const CHUNKED: PayloadMode = { kind: 'chunked', trailer: true, signing: undefined };

describe('x-amz-* parameters of a signed URL', () => {
  test('count as headers, but for those of the signature itself', () => {
    const headers = see({}, [
      ['x-amz-checksum-mode', 'ENABLED'],
      ['X-Amz-Meta-Name', 'ä'],
      ['X-Amz-Signature', 's'],
      ['X-Amz-Expires', '60'],
      ['prefix', 'p'],
    ]);
    expect([...headers.names()]).toEqual(['x-amz-checksum-mode', 'x-amz-meta-name']);
    expect(headers.get('x-amz-checksum-mode')).toBe('ENABLED');
    expect([headers.get('x-amz-meta-name'), headers.raw('x-amz-meta-name')]).toEqual(['ä', '\u00c3\u00a4']);
  });

  test('are ignored where they are checksums, which SDKs compute of an empty body', () => {
    const headers = see({ 'x-amz-checksum-sha1': 's' }, [
      ['x-amz-checksum-crc32', 'AAAAAA=='],
      ['X-Amz-Checksum-Sha1', 't'],
      ['x-amz-sdk-checksum-algorithm', 'CRC32'],
      ['x-amz-checksum-algorithm', 'CRC32C'],
    ]);
    expect([...headers.names()]).toEqual(['x-amz-checksum-sha1', 'x-amz-checksum-algorithm']);
    expect([headers.get('x-amz-checksum-sha1'), headers.get('x-amz-checksum-algorithm')]).toEqual(['s', 'CRC32C']);
  });

  test('must not contradict a header or each other', () => {
    expect(see({ 'x-amz-acl': 'private' }, [['x-amz-acl', 'private']]).get('x-amz-acl')).toBe('private');
    expect(() => see({ 'x-amz-acl': 'private' }, [['x-amz-acl', 'public-read']])).toThrow(/must not differ/);
    const twice = [
      ['x-amz-acl', 'private'],
      ['X-Amz-Acl', 'public-read'],
    ] as const;
    expect(() => see({}, twice)).toThrow(/must not differ/);
  });
});

describe('aws-chunked in Content-Encoding', () => {
  test.each([
    ['aws-chunked', undefined],
    ['AWS-Chunked', undefined],
    ['aws-chunked,gzip', 'gzip'],
    ['gzip, aws-chunked', 'gzip'],
    ['gzip', 'gzip'],
    ['', undefined],
  ])('%j is %j to operations', (encoding, expected) => {
    expect(see({ 'content-encoding': encoding }, [], CHUNKED).get('content-encoding')).toBe(expected);
  });

  test('stays where the body is not framed so', () => {
    expect(see({ 'content-encoding': 'aws-chunked' }, []).get('content-encoding')).toBe('aws-chunked');
  });
});

describe('header values', () => {
  test('are UTF-8 where they are that, and Latin-1 otherwise', () => {
    const headers = new RequestHeaders(['A', '\u00c3\u00a4', 'B', '\u00e4', 'C', 'plain']);
    expect([headers.get('a'), headers.get('b'), headers.get('c')]).toEqual(['ä', 'ä', 'plain']);
    expect(headers.raw('a')).toBe('\u00c3\u00a4');
  });

  test('of one name are joined in order, and none comes from a prototype', () => {
    const headers = new RequestHeaders(['X', '1', '__proto__', 'p', 'x', '2']);
    expect([headers.get('x'), headers.get('__proto__')]).toEqual(['1,2', 'p']);
    expect([headers.get('constructor'), headers.has('toString')]).toEqual([undefined, false]);
    expect([...headers.names()]).toEqual(['x', '__proto__']);
  });
});

function see(
  headers: Readonly<Record<string, string>>,
  query: readonly (readonly [string, string])[],
  payload: PayloadMode = UNSIGNED,
): RequestHeaders {
  return operationHeaders(new RequestHeaders(Object.entries(headers).flat()), {
    query: new QueryParameters(query),
    payload,
  });
}
