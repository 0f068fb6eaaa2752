import { describe, expect, test } from 'vitest';
import { accessKey, codeOf, DIRECT, failureOf, KEYS, NO_PROXIES, options } from '../../../test/support/authenticate.ts';
import type { SignableRequest } from '../../../test/support/sign.ts';
import { presignV2, signV2ByHeader } from '../../../test/support/sign-v2.ts';
import { MemoryKeystore } from '../../stores/memory/keystore.ts';
import { RequestHeaders } from '../parameters.ts';
import { parseTarget, parseVirtualHosts } from '../target.ts';
import { type Authenticated, Authenticator } from './authenticator.ts';

const HOST = 'johnsmith.s3.amazonaws.com';
const HOSTS = parseVirtualHosts(['s3.amazonaws.com']);
const AT_MS = Date.UTC(2007, 2, 27, 20);
const CONTEXT = { keys: KEYS, atMs: AT_MS };

describe('the examples that AWS published', () => {
  test.each<[string, string, Record<string, string>, string]>([
    ['GET /photos/puppy.jpg', 'johnsmith', { date: 'Tue, 27 Mar 2007 19:36:42 +0000' }, 'bWq2s1WEIj+Ydj0vQ697zp+IXMU='],
    [
      'PUT /photos/puppy.jpg',
      'johnsmith',
      { date: 'Tue, 27 Mar 2007 21:15:45 +0000', 'content-type': 'image/jpeg', 'content-length': '94328' },
      'MyyxeRY7whkBe+bq8fHCL/2kKUg=',
    ],
    [
      'GET /?prefix=photos&max-keys=50&marker=puppy',
      'johnsmith',
      { date: 'Tue, 27 Mar 2007 19:42:41 +0000' },
      'htDYFYduRNen8P9ZfE/s9SuKy0U=',
    ],
    ['GET /?acl', 'johnsmith', { date: 'Tue, 27 Mar 2007 19:44:46 +0000' }, 'c2WLPFtWHVgbEmeEG93a4cG37dM='],
    ['GET /', '', { date: 'Wed, 28 Mar 2007 01:29:59 +0000' }, 'qGdzdERIC03wnaRNKh6OqZehG9s='],
    [
      'GET /dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re',
      '',
      { date: 'Wed, 28 Mar 2007 01:49:49 +0000' },
      'DNEZGsoieTZ92F3bUfSPQcbGmlM=',
    ],
  ])('%s of %s', async (line, bucket, headers, signature) => {
    const host = bucket === '' ? 's3.amazonaws.com' : `${bucket}.s3.amazonaws.com`;
    const authorization = `AWS ${KEYS.accessKeyId}:${signature}`;
    const { identity } = await call(line, { ...headers, host, authorization }, Date.parse(headers['date'] ?? ''));
    expect(identity).toMatchObject({ kind: 'user', accessKeyId: KEYS.accessKeyId });
  });

  test('an upload, with headers that are repeated and spaced', async () => {
    const rawHeaders = {
      host: 's3.amazonaws.com',
      date: 'Tue, 27 Mar 2007 21:06:08 +0000',
      'x-amz-acl': 'public-read',
      'content-type': 'application/x-download',
      'Content-MD5': '4gJE4saaMU4BqNR0kLY+lw==',
      'X-Amz-Meta-ReviewedBy': 'joe@johnsmith.net',
      'x-amz-meta-reviewedby': 'jane@johnsmith.net',
      'X-Amz-Meta-FileChecksum': ' 0x02661779 ',
      'X-Amz-Meta-ChecksumAlgorithm': 'crc32',
      authorization: `AWS ${KEYS.accessKeyId}:ilyl83RwaSoYIEdixDQcA4OnAnc=`,
    };
    const atMs = Date.parse(rawHeaders.date);
    expect((await call('PUT /static.johnsmith.net/db-backup.dat.gz', rawHeaders, atMs)).identity.kind).toBe('user');
  });

  test('a URL, until it expires', async () => {
    const url =
      '/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D';
    expect((await call(`GET ${url}`, { host: HOST }, 1_175_139_620_000)).identity.kind).toBe('user');
    const error = await failureOf(call(`GET ${url}`, { host: HOST }, 1_175_139_621_000));
    expect([error.code, error.message, error.elements['Expires']]).toEqual([
      'AccessDenied',
      'Request has expired',
      '2007-03-29T03:40:20.000Z',
    ]);
  });
});

describe('what is signed', () => {
  const request: SignableRequest = {
    method: 'PUT',
    path: '/b/k',
    headers: { host: 's3.test', 'content-type': 'text/plain', 'content-md5': 'abc', 'x-amz-acl': 'private' },
    query: [
      ['versionId', 'v1'],
      ['acl', ''],
      ['prefix', 'not signed'],
      ['response-content-type', 'text/plain; charset=ä'],
    ],
  };
  const target = '/b/k?versionId=v1&acl&prefix=other&response-content-type=text/plain;%20charset=%C3%A4';

  test('is accepted', async () => {
    expect((await call(`PUT ${target}`, signV2ByHeader(request, CONTEXT))).payload).toEqual({ kind: 'unsigned' });
  });

  test.each<[string, string, Record<string, string>]>([
    ['the method', `POST ${target}`, {}],
    ['the path', `PUT ${target.replace('/k', '/j')}`, {}],
    ['a sub-resource', `PUT ${target.replace('v1', 'v2')}`, {}],
    ['a sub-resource more', `PUT ${target}&uploadId=1`, {}],
    ['an override of the answer', `PUT ${target.replace('plain', 'html')}`, {}],
    ['the type', `PUT ${target}`, { 'content-type': 'text/html' }],
    ['the MD5', `PUT ${target}`, { 'content-md5': 'abd' }],
    ['the date', `PUT ${target}`, { date: 'Tue, 27 Mar 2007 20:00:01 GMT' }],
    ['a header', `PUT ${target}`, { 'x-amz-acl': 'public-read' }],
    ['a header more', `PUT ${target}`, { 'x-amz-meta-a': '1' }],
    ['a header more, in the query', `PUT ${target}&x-amz-meta-a=1`, {}],
    ['a header more, in the query, in other case', `PUT ${target}&X-Amz-Meta-A=1`, {}],
  ])('may not change afterwards: %s', async (_, line, changes) => {
    const error = await failureOf(call(line, { ...signV2ByHeader(request, CONTEXT), ...changes }));
    expect(error.code).toBe('SignatureDoesNotMatch');
    expect(error.elements['StringToSign']).toMatch(/\n\/b\//);
    expect(JSON.stringify(error.elements)).not.toContain(KEYS.secretAccessKey);
  });

  test('may be the same path in the usual encoding, which a proxy may have changed', async () => {
    const line = `PUT ${target.replace('/k', '/%6b')}`;
    expect((await call(line, signV2ByHeader(request, CONTEXT))).identity.kind).toBe('user');
  });

  test('cannot be pressed into one parameter by a line break', async () => {
    const url = presignV2({ method: 'GET', path: '/b/k', headers: {} }, { ...CONTEXT, expiresSeconds: 60 });
    const error = await failureOf(call(`GET ${url}&x-amz-meta-a=1%0Ax-amz-acl:private`, { host: 's3.test' }));
    expect([error.code, error.elements['ArgumentName']]).toEqual(['InvalidArgument', 'x-amz-meta-a']);
  });

  test('includes the headers that a signer of URLs puts into the query, as botocore does', async () => {
    const headers = { 'x-amz-acl': 'private', 'x-amz-meta-name': 'ä b' };
    const inQuery = Object.entries(headers).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const url = presignV2({ method: 'PUT', path: '/b/k', headers }, { ...CONTEXT, expiresSeconds: 60 });
    expect((await call(`PUT ${url}&${inQuery.join('&')}`, { host: 's3.test' })).identity.kind).toBe('user');
  });

  test('has an empty line for the date where x-amz-date stands beside it', async () => {
    const dated = { ...request, headers: { ...request.headers, 'x-amz-date': 'Tue, 27 Mar 2007 19:50:00 GMT' } };
    const headers = { ...signV2ByHeader(dated, CONTEXT), date: 'Tue, 27 Mar 2007 01:00:00 GMT' };
    expect((await call(`PUT ${target}`, headers)).identity.kind).toBe('user');
  });
});

describe('the time', () => {
  const get: SignableRequest = { method: 'GET', path: '/b', headers: { host: 's3.test' } };

  test.each<[string, Record<string, string>, string]>([
    ['14 minutes late', { date: 'Tue, 27 Mar 2007 19:46:00 GMT' }, 'user'],
    ['in another zone', { date: 'Tue, 27 Mar 2007 22:00:00 +0200' }, 'user'],
    ['in the short form of ISO 8601', { 'x-amz-date': '20070327T200000Z' }, 'user'],
    ['16 minutes late', { date: 'Tue, 27 Mar 2007 19:44:00 GMT' }, 'RequestTimeTooSkewed'],
    ['16 minutes early', { date: 'Tue, 27 Mar 2007 20:16:00 GMT' }, 'RequestTimeTooSkewed'],
    ['right, but not that of x-amz-date', { date: 'Tue, 27 Mar 2007 20:00:00 GMT', 'x-amz-date': 'x' }, 'AccessDenied'],
    ['no date', { date: 'yesterday' }, 'AccessDenied'],
    ['before 1970', { date: 'Tue, 07 Jul 1950 21:53:04 GMT' }, 'AccessDenied'],
    ['empty', { date: '' }, 'AccessDenied'],
  ])('%s', async (_, headers, outcome) => {
    const signed = signV2ByHeader({ ...get, headers: { ...get.headers, ...headers } }, CONTEXT);
    expect(await outcomeOf('GET /b', signed)).toBe(outcome);
  });

  test('must be there', async () => {
    const { date: _, ...headers } = signV2ByHeader(get, CONTEXT);
    expect(await outcomeOf('GET /b', headers)).toBe('AccessDenied');
  });
});

describe('credentials', () => {
  test.each([
    ['AWS HAHAHA', 'InvalidArgument'],
    ['AWS', 'InvalidArgument'],
    ['AWS :abc', 'InvalidArgument'],
    ['AWS id:', 'InvalidArgument'],
    ['AWS NOBODY:FWeDfwojDSdS2Ztmpfeubhd9isU=', 'InvalidAccessKeyId'],
    ['AWS a b:FWeDfwojDSdS2Ztmpfeubhd9isU=', 'InvalidAccessKeyId'],
    [`AWS ${KEYS.accessKeyId}:FWeDfwojDSdS2Ztmpfeubhd9isU=`, 'SignatureDoesNotMatch'],
    [`AWS ${KEYS.accessKeyId}:short`, 'SignatureDoesNotMatch'],
    ['AWSX id:abc', 'InvalidArgument'],
  ])('%s is %s', async (authorization, code) => {
    const headers = { host: 's3.test', date: new Date(AT_MS).toUTCString(), authorization };
    expect(await outcomeOf('GET /b', headers)).toBe(code);
  });

  test.each([
    '?AWSAccessKeyId=A',
    '?Signature=A',
    '?AWSAccessKeyId=A&Signature=A',
    '?AWSAccessKeyId=A&Signature=A&Expires=soon',
    '?AWSAccessKeyId=A&Signature=A&Expires=-1',
    '?AWSAccessKeyId=A&Signature=A&Expires=9999999999999',
    '?AWSAccessKeyId=A&Signature=A&Expires=1175139620&Expires=1175139620',
  ])('a URL with %s is AccessDenied', async (query) => {
    expect(await outcomeOf(`GET /b${query}`, { host: 's3.test' })).toBe('AccessDenied');
  });

  test('in two places are one too many', async () => {
    const request = { method: 'GET', path: '/b', headers: { host: 's3.test' } };
    const url = presignV2(request, { ...CONTEXT, expiresSeconds: 60 });
    expect(await outcomeOf(`GET ${url}`, signV2ByHeader(request, CONTEXT))).toBe('InvalidArgument');
    expect(await outcomeOf(`GET ${url}&X-Amz-Signature=a`, { host: 's3.test' })).toBe('InvalidArgument');
  });

  test('are refused where SigV2 is off, with the setting that turns it on', async () => {
    const request = { method: 'GET', path: '/b', headers: { host: 's3.test' } };
    const byHeader = call('GET /b', signV2ByHeader(request, CONTEXT), AT_MS, { sigV2: false });
    const url = presignV2(request, { ...CONTEXT, expiresSeconds: 60 });
    const byQuery = call(`GET ${url}`, { host: 's3.test' }, AT_MS, { sigV2: false });
    for (const error of [await failureOf(byHeader), await failureOf(byQuery)]) {
      expect([error.code, error.message]).toEqual([
        'InvalidRequest',
        expect.stringContaining('options.signature-v2 is true'),
      ]);
    }
  });
});

describe('the body', () => {
  const put = (hash: string): SignableRequest => ({
    method: 'PUT',
    path: '/b/k',
    headers: { host: 's3.test', 'x-amz-content-sha256': hash },
  });

  test('is held against a hash that the client sends all the same', async () => {
    const headers = signV2ByHeader(put('a'.repeat(64)), CONTEXT);
    expect((await call('PUT /b/k', headers)).payload).toEqual({ kind: 'hashed', sha256: 'a'.repeat(64) });
  });

  test('cannot come in signed chunks, for which SigV2 has no key', async () => {
    const headers = signV2ByHeader(put('STREAMING-AWS4-HMAC-SHA256-PAYLOAD'), CONTEXT);
    expect(await outcomeOf('PUT /b/k', headers)).toBe('AccessDenied');
  });
});

async function call(
  line: string,
  headers: Readonly<Record<string, string>>,
  atMs = AT_MS,
  { sigV2 } = { sigV2: true },
): Promise<Authenticated> {
  const [method = '', url = ''] = line.split(' ');
  const received = new RequestHeaders(Object.entries(headers).flat());
  const target = parseTarget({ url, host: received.raw('host') }, HOSTS);
  const authenticator = new Authenticator({
    keys: new MemoryKeystore([accessKey(KEYS)]),
    regions: { default: 'eu-test-1', names: [] },
    clock: { nowMs: () => atMs },
    ...NO_PROXIES,
    sigV2,
  });
  return authenticator.authenticate({ method, target, headers: received, client: DIRECT }, options());
}

async function outcomeOf(line: string, headers: Readonly<Record<string, string>>): Promise<string | undefined> {
  const outcome = call(line, headers);
  return (await codeOf(outcome)) ?? (await outcome).identity.kind;
}
