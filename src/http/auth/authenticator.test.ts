import { describe, expect, test } from 'vitest';
import {
  accessKey,
  authenticate,
  CREDENTIAL,
  call,
  codeOf,
  context,
  EMPTY,
  failureOf,
  HOST,
  KEYS,
  makeAuthenticator,
  options,
  signed,
  signedHeaders,
} from '../../../test/support/authenticate.ts';
import { presign, signByHeader, UNSIGNED } from '../../../test/support/sign.ts';
import type { S3Error } from '../../domain/s3-error.ts';
import { MemoryKeystore } from '../../stores/memory/keystore.ts';
import type { Authenticated } from './authenticator.ts';

describe('the examples that AWS publishes', () => {
  test.each([
    [
      'GET /test.txt',
      { host: HOST, range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY, 'x-amz-date': '20130524T000000Z' },
      'host;range;x-amz-content-sha256;x-amz-date',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      'PUT /test$file.text',
      {
        host: HOST,
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-date': '20130524T000000Z',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      },
      'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    [
      'GET /?lifecycle',
      { host: HOST, 'x-amz-content-sha256': EMPTY, 'x-amz-date': '20130524T000000Z' },
      'host;x-amz-content-sha256;x-amz-date',
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    ],
    [
      'GET /?max-keys=2&prefix=J',
      { host: HOST, 'x-amz-content-sha256': EMPTY, 'x-amz-date': '20130524T000000Z' },
      'host;x-amz-content-sha256;x-amz-date',
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ])('%s', async (line, headers, signedHeaders, signature) => {
    const authorization = `AWS4-HMAC-SHA256 Credential=${CREDENTIAL},SignedHeaders=${signedHeaders},Signature=${signature}`;
    const { identity } = await authenticate(line, { ...headers, authorization });
    expect(identity).toMatchObject({ kind: 'user', accessKeyId: KEYS.accessKeyId, tenant: 'tenant', master: false });
  });

  test('a presigned URL', async () => {
    const signature = 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(CREDENTIAL)}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}`;
    const { identity } = await authenticate(`GET /test.txt?${query}`, { host: HOST });
    expect(identity.kind).toBe('user');
  });
});

describe('keys', () => {
  test('a key that is not there is InvalidAccessKeyId', async () => {
    const error = await failureOf(signed({ ...KEYS, accessKeyId: 'NOBODY' }));
    expect([error.code, error.elements['AWSAccessKeyId']]).toEqual(['InvalidAccessKeyId', 'NOBODY']);
  });

  test('a wrong secret is SignatureDoesNotMatch, which says what the server signed and never a secret', async () => {
    const error = await failureOf(signed({ ...KEYS, secretAccessKey: 'wrong' }));
    expect(error.code).toBe('SignatureDoesNotMatch');
    expect(error.elements).toMatchObject({
      AWSAccessKeyId: KEYS.accessKeyId,
      SignatureProvided: expect.stringMatching(/^[0-9a-f]{64}$/),
      StringToSign: expect.stringMatching(
        /^AWS4-HMAC-SHA256\n20130524T000000Z\n20130524\/us-east-1\/s3\/aws4_request\n/,
      ),
      CanonicalRequest: expect.stringContaining('GET\n/b\n\nhost:'),
    });
    expect(JSON.stringify([error.message, error.elements])).not.toContain(KEYS.secretAccessKey);
  });

  test('a secret that was replaced no longer signs, although its signing key was derived before', async () => {
    const keys = new MemoryKeystore([accessKey(KEYS)]);
    const authenticator = makeAuthenticator(keys);
    const { headers } = signByHeader({ method: 'GET', path: '/b', headers: { host: HOST } }, EMPTY, context());
    await expect(call(authenticator, 'GET /b', headers)).resolves.toBeDefined();
    await keys.deleteKey(accessKey(KEYS).accessKeyId, options());
    await keys.addKey(accessKey({ ...KEYS, secretAccessKey: 'other' }), options());
    expect((await failureOf(call(authenticator, 'GET /b', headers))).code).toBe('SignatureDoesNotMatch');
  });

  test('a signature that is none is SignatureDoesNotMatch', async () => {
    for (const text of ['', 'zz', 'a'.repeat(63), 'A'.repeat(64), 'a'.repeat(65), `${'a'.repeat(64)}00`]) {
      const { headers } = signByHeader({ method: 'GET', path: '/b', headers: { host: HOST } }, EMPTY, context());
      const authorization = (headers['authorization'] ?? '').replace(/Signature=.*/, `Signature=${text}`);
      expect((await failureOf(authenticate('GET /b', { ...headers, authorization }))).code).toBe(
        'SignatureDoesNotMatch',
      );
    }
  });
});

describe('credentials of several kinds', () => {
  const url = presign({ method: 'GET', path: '/b', headers: { host: HOST } }, { ...context(), expiresSeconds: 60 });

  test('in header and query at once are InvalidArgument, whichever are right', async () => {
    const headers = await signedHeaders({});
    expect(await codeOf(authenticate(`GET ${url}`, headers))).toBe('InvalidArgument');
    expect(await codeOf(authenticate('GET /b?X-Amz-Algorithm=AWS4-HMAC-SHA256', headers))).toBe('InvalidArgument');
    expect(await codeOf(authenticate('GET /b?Signature=s&AWSAccessKeyId=k', headers))).toBe('InvalidArgument');
    expect(await codeOf(authenticate(`GET ${url}&Signature=s`, { host: HOST }))).toBe('InvalidArgument');
  });

  test('of SigV2 in the query are InvalidRequest', async () => {
    expect(await codeOf(authenticate('GET /b?AWSAccessKeyId=k&Expires=1&Signature=s', { host: HOST }))).toBe(
      'InvalidRequest',
    );
  });

  test('with a session token are InvalidToken', async () => {
    const headers = { host: HOST, 'x-amz-security-token': 'token' };
    const { headers: withToken } = signByHeader({ method: 'GET', path: '/b', headers }, EMPTY, context());
    expect(await codeOf(authenticate('GET /b', withToken))).toBe('InvalidToken');
    expect(await codeOf(authenticate(`GET ${url}&X-Amz-Security-Token=t`, { host: HOST }))).toBe('InvalidToken');
    expect(await codeOf(authenticate('GET /b', headers))).toBe('InvalidToken');
  });

  test('that are not there at all are anonymous', async () => {
    expect(await authenticate('GET /b', { host: HOST })).toEqual({
      identity: { kind: 'anonymous' },
      payload: { kind: 'unsigned' },
      baseUrl: `http://${HOST}`,
    });
    expect((await authenticate('GET /b', { host: HOST, authorization: '' })).identity.kind).toBe('anonymous');
  });

  test('that are not there cannot sign chunks', async () => {
    const headers = { host: HOST, 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' };
    expect(await codeOf(authenticate('PUT /b/k', headers))).toBe('AccessDenied');
  });
});

describe('x-amz-content-sha256', () => {
  test.each([
    [EMPTY, 'hashed'],
    [EMPTY.toUpperCase(), 'hashed'],
    [UNSIGNED, 'unsigned'],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'chunked'],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', 'chunked'],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'chunked'],
    ['STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD', 'NotImplemented'],
    ['STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER', 'NotImplemented'],
    ['STREAMING-UNSIGNED-PAYLOAD', 'InvalidArgument'],
    ['unsigned-payload', 'InvalidArgument'],
    ['', 'InvalidArgument'],
    ['abc', 'InvalidArgument'],
    [`${EMPTY},${EMPTY}`, 'InvalidArgument'],
  ])('%j is %s, signed and anonymous alike', async (value, expected) => {
    const { headers } = signByHeader({ method: 'PUT', path: '/b/k', headers: { host: HOST } }, value, context());
    const outcomeOf = (call: Promise<Authenticated>) =>
      call.then(
        ({ payload }) => payload.kind,
        (error: S3Error) => error.code,
      );
    expect(await outcomeOf(authenticate('PUT /b/k', headers))).toBe(expected);
    const anonymous = await outcomeOf(authenticate('PUT /b/k', { host: HOST, 'x-amz-content-sha256': value }));
    expect(anonymous).toBe(value.startsWith('STREAMING-AWS4-HMAC') ? 'AccessDenied' : expected);
  });
});
