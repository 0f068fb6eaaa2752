import { expect, test } from 'vitest';
import { tinyOperation } from '../../test/support/start-front.ts';
import { S3Error } from '../domain/s3-error.ts';
import { QueryParameters, RequestHeaders } from './parameters.ts';
import { UnsupportedParameters } from './unsupported-parameters.ts';

const PUT = tinyOperation('PutObject', { parameters: ['Body', 'ContentType', 'ChecksumCRC32', 'ContentMD5'] });
const LIST = tinyOperation('ListObjectsV2', { parameters: ['Prefix'] });
const POLICY = tinyOperation('PutBucketVersioning', { parameters: [] });

test.each([
  ['what it honours', PUT, '', { 'content-type': 'text/plain', 'x-amz-checksum-crc32': 'AAAAAA==' }, undefined],
  ['what S3 does not know', PUT, 'x-id=PutObject&foo=1', { 'x-amz-unknown': '1', 'user-agent': 'u' }, undefined],
  ['a length', PUT, '', { 'content-length': '5' }, undefined],
  ['encryption', PUT, '', { 'x-amz-server-side-encryption': 'AES256' }, 'x-amz-server-side-encryption'],
  ['a lock', PUT, '', { 'x-amz-object-lock-mode': 'GOVERNANCE' }, 'x-amz-object-lock-mode'],
  ['metadata', PUT, '', { 'x-amz-meta-a': '1' }, 'x-amz-meta-a'],
  ['a standard header', PUT, '', { 'if-none-match': '*' }, 'if-none-match'],
  ['a query parameter', LIST, 'list-type=2&prefix=a&fetch-owner=true', {}, 'fetch-owner'],
  ['the expected owner', PUT, '', { 'x-amz-expected-bucket-owner': 'alice' }, undefined],
  ['a checksum it does not list', PUT, '', { 'x-amz-checksum-sha256': 'x' }, 'x-amz-checksum-sha256'],
  ['the setting of a checksum', LIST, '', { 'x-amz-checksum-mode': 'ENABLED' }, undefined],
  ['a known algorithm', POLICY, '', { 'x-amz-sdk-checksum-algorithm': 'crc32' }, undefined],
  ['a checksum the model leaves to the SDK', POLICY, '', { 'x-amz-checksum-crc32': 'x' }, undefined],
  ['a trailer of a known checksum', PUT, '', { 'x-amz-trailer': 'x-amz-checksum-crc32' }, undefined],
])('with %s the refused parameter is as it should', (_, operation, query, headers, refused) => {
  expect(refusedParameter(operation, { query, headers, code: 'NotImplemented' })).toBe(refused);
});

test.each([
  ['a checksum', { 'x-amz-checksum-crc128': 'x' }, 'x-amz-checksum-crc128'],
  ['a name', { 'x-amz-sdk-checksum-algorithm': 'XXHASH32' }, 'x-amz-sdk-checksum-algorithm'],
  ['a trailer', { 'x-amz-trailer': 'x-amz-checksum-xxhash32' }, 'x-amz-checksum-xxhash32'],
])('%s of an algorithm that S3 does not have is invalid, whatever the operation', (_, headers, refused) => {
  for (const operation of [PUT, LIST, POLICY]) {
    expect(refusedParameter(operation, { query: '', headers, code: 'InvalidRequest' })).toBe(refused);
  }
});

function refusedParameter(
  operation: Parameters<UnsupportedParameters['refuse']>[0],
  { query, headers, code }: { query: string; headers: Readonly<Record<string, string>>; code: S3Error['code'] },
): unknown {
  try {
    new UnsupportedParameters().refuse(operation, {
      query: new QueryParameters([...new URLSearchParams(query)]),
      headers: new RequestHeaders(Object.entries(headers).flat()),
    });
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== code) throw error;
    expect(error.message).toContain(error.elements['Parameter']);
    return error.elements['Parameter'];
  }
  return undefined;
}
