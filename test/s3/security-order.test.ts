import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elementText, requestBytes } from '../support/raw-http.ts';
import { STREAMING_SIGNED, STREAMING_UNSIGNED_TRAILER, sha256, signByHeader } from '../support/sign.ts';
import { ALICE, BOB, type SendOptions } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/** Who may not is told so first: what is wrong with a body is nothing that a stranger can learn about, or be read for. */

const STRANGERS = [
  ['nobody', undefined, '403 AccessDenied'],
  ['another tenant', BOB, '403 AccessDenied'],
  ['a wrong secret', { ...ALICE, secretAccessKey: 'a guess' }, '403 SignatureDoesNotMatch'],
] as const;

const XML = '<Tagging><TagSet>';
const WRONG_MD5 = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' };

/** A broken request, and what its owner hears. */
const BROKEN: readonly (readonly [name: string, request: SendOptions, ownerHears: string])[] = [
  ['PutObject with another MD5', { method: 'PUT', headers: WRONG_MD5, body: 'body' }, '400 BadDigest'],
  ['PutObject with an MD5 that is none', { method: 'PUT', headers: { 'content-md5': '!' } }, '400 InvalidDigest'],
  [
    'PutObject with another checksum',
    { method: 'PUT', headers: { 'x-amz-checksum-crc32': 'AAAAAA==' }, body: 'body' },
    '400 BadDigest',
  ],
  [
    'PutObject with two checksums',
    { method: 'PUT', headers: { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' } },
    '400 InvalidRequest',
  ],
  ['DeleteObjects without XML', { method: 'POST', query: [['delete', '']], headers: {}, body: '<Delete>' }, '400'],
  ['PutObjectTagging with half a document', { method: 'PUT', query: [['tagging', '']], body: XML }, '400 MalformedXML'],
  ['PutBucketCors with half a document', { method: 'PUT', query: [['cors', '']], body: '<CORS' }, '400'],
  ['PutBucketPolicy with half a policy', { method: 'PUT', query: [['policy', '']], body: '{' }, '400 MalformedPolicy'],
  ['PutBucketVersioning with another root', { method: 'PUT', query: [['versioning', '']], body: '<a/>' }, '400'],
  ['PutBucketAcl with half a document', { method: 'PUT', query: [['acl', '']], body: '<A' }, '400'],
  ['CompleteMultipartUpload without XML', { method: 'POST', query: [['uploadId', 'none']], body: '<C' }, '400'],
];
const ON_BUCKETS = /^(?:DeleteObjects|PutBucket)/;

let whole: WholeFront;
let bucket: string;
beforeAll(async () => {
  whole = await startWholeFront('memory');
  bucket = await whole.newBucket();
});
afterAll(async () => whole[Symbol.asyncDispose]());

describe.each(BROKEN)('%s', (name, request, ownerHears) => {
  const path = () => (ON_BUCKETS.test(name) ? `/${bucket}` : `/${bucket}/key`);

  test.each(STRANGERS)(`from %s is refused for who sent it`, async (_, keys, code) => {
    expect(await whole.codeOf({ ...request, path: path(), keys })).toBe(code);
  });

  test('from the owner is refused for what is wrong with it', async () => {
    expect(await whole.codeOf({ ...request, path: path() })).toContain(ownerHears);
  });
});

/** Bodies that are not what the signed `x-amz-content-sha256` says. */
const HASHES = [
  ['aws-chunked framing that is none', STREAMING_UNSIGNED_TRAILER, '400 InvalidRequest'],
  ['a signed chunk without a signature', STREAMING_SIGNED, '400 InvalidRequest'],
  ['a body of another SHA-256', sha256('another'), '400 XAmzContentSHA256Mismatch'],
] as const;

describe.each(HASHES)('%s', (_, payloadHash, ownerHears) => {
  test.each([...STRANGERS, ['the owner', ALICE, ownerHears]] as const)('from %s: %s', async (_who, keys, code) => {
    const { front } = whole;
    const path = `/${bucket}/key`;
    const body = Buffer.from('no chunk\r\n\r\n');
    const plain = { host: front.host, 'content-length': `${body.length}`, 'x-amz-decoded-content-length': '4' };
    const signed =
      keys === undefined
        ? { ...plain, 'x-amz-content-sha256': payloadHash }
        : signByHeader({ method: 'PUT', path, headers: plain }, payloadHash, front.context(keys)).headers;
    using connection = await front.connect();
    connection.send(requestBytes(`PUT ${path}`, signed, body));
    const response = await connection.response('PUT');
    expect(`${response.status} ${elementText(response.body, 'Code')}`).toBe(code);
  });
});

test('none of these requests stored anything', async () => {
  expect(await whole.codeOf({ path: `/${bucket}/key` })).toBe('404 NoSuchKey');
});
