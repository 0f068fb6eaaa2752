import { describe, expect, test } from 'vitest';
import {
  AT_MS,
  authenticate,
  codeOf,
  context,
  EMPTY,
  failureOf,
  HOST,
  KEYS,
} from '../../../test/support/authenticate.ts';
import { presign } from '../../../test/support/sign.ts';

describe('a presigned URL', () => {
  const url = (expiresSeconds: number | string, atMs = AT_MS) =>
    presign({ method: 'GET', path: '/b/k', headers: { host: HOST } }, { keys: KEYS, atMs, expiresSeconds });

  test.each([
    ['is valid until it expires', 60, -60, undefined],
    ['expires', 60, -61, 'AccessDenied'],
    ['may last a week', 604_800, -604_800, undefined],
    ['may not last longer', 604_801, 0, 'AuthorizationQueryParametersError'],
    ['of no time has expired', 0, 0, 'AccessDenied'],
    ['of less than no time is none', -7, 0, 'AuthorizationQueryParametersError'],
    ['from the near future is valid', 60, 900, undefined],
    ['from the far future is not', 60, 901, 'AccessDenied'],
    ['needs a number', '1e3', 0, 'AuthorizationQueryParametersError'],
    ['needs a number in ASCII', '٣', 0, 'AuthorizationQueryParametersError'],
    ['needs a time at all', '', 0, 'AuthorizationQueryParametersError'],
  ])('%s', async (_, expiresSeconds, signedSecondsOff, code) => {
    expect(
      await codeOf(authenticate(`GET ${url(expiresSeconds, AT_MS + signedSecondsOff * 1000)}`, { host: HOST })),
    ).toBe(code);
  });

  test('that has expired says when it did and what time it is', async () => {
    const error = await failureOf(authenticate(`GET ${url(60, AT_MS - 61_000)}`, { host: HOST }));
    expect(error.message).toBe('Request has expired');
    expect(error.elements).toMatchObject({
      Expires: '2013-05-23T23:59:59.000Z',
      ServerTime: '2013-05-24T00:00:00.000Z',
    });
  });

  test.each([
    ['X-Amz-Algorithm', undefined, 'AuthorizationQueryParametersError'],
    ['X-Amz-Credential', undefined, 'AuthorizationQueryParametersError'],
    ['X-Amz-Signature', undefined, 'AuthorizationQueryParametersError'],
    ['X-Amz-Date', undefined, 'AuthorizationQueryParametersError'],
    ['X-Amz-SignedHeaders', undefined, 'AuthorizationQueryParametersError'],
    ['X-Amz-Expires', undefined, 'AuthorizationQueryParametersError'],
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA1', 'AuthorizationQueryParametersError'],
    ['X-Amz-Algorithm', 'AWS4-ECDSA-P256-SHA256', 'NotImplemented'],
    ['X-Amz-Credential', 'KEY', 'AuthorizationQueryParametersError'],
    ['X-Amz-Credential', 'KEY/20130524/mars-1/s3/aws4_request', 'AuthorizationQueryParametersError'],
    ['X-Amz-Credential', 'KEY/20130525/us-east-1/s3/aws4_request', 'AuthorizationQueryParametersError'],
    ['X-Amz-Date', '2013', 'AuthorizationQueryParametersError'],
    ['X-Amz-SignedHeaders', '', 'AccessDenied'],
    ['X-Amz-Signature', 'none', 'SignatureDoesNotMatch'],
  ])('with %s %j is %s', async (name, value, code) => {
    const query = new URLSearchParams(url(60).split('?')[1]);
    if (value === undefined) query.delete(name);
    else query.set(name, value);
    expect(await codeOf(authenticate(`GET /b/k?${query}`, { host: HOST }))).toBe(code);
  });

  test('with a parameter twice is refused', async () => {
    expect(await codeOf(authenticate(`GET ${url(60)}&X-Amz-Expires=60`, { host: HOST }))).toBe(
      'AuthorizationQueryParametersError',
    );
    expect(await codeOf(authenticate(`GET ${url(60)}&X-Amz-Signature=${'a'.repeat(64)}`, { host: HOST }))).toBe(
      'AuthorizationQueryParametersError',
    );
  });

  test('with one more parameter does not match', async () => {
    expect(await codeOf(authenticate(`GET ${url(60)}&versionId=1`, { host: HOST }))).toBe('SignatureDoesNotMatch');
  });

  test('for another method, key or host does not match', async () => {
    expect(await codeOf(authenticate(`PUT ${url(60)}`, { host: HOST }))).toBe('SignatureDoesNotMatch');
    expect(await codeOf(authenticate(`GET ${url(60).replace('/b/k', '/b/l')}`, { host: HOST }))).toBe(
      'SignatureDoesNotMatch',
    );
    expect(await codeOf(authenticate(`GET ${url(60)}`, { host: 'elsewhere' }))).toBe('SignatureDoesNotMatch');
  });

  test('takes no x-amz-* header that was not signed', async () => {
    expect(await codeOf(authenticate(`GET ${url(60)}`, { host: HOST, 'x-amz-acl': 'public-read' }))).toBe(
      'AccessDenied',
    );
  });

  test('is a body without a hash, or with the one that was signed', async () => {
    expect((await authenticate(`GET ${url(60)}`, { host: HOST })).payload).toEqual({ kind: 'unsigned' });
    const headers = { host: HOST, 'x-amz-content-sha256': EMPTY };
    const hashed = presign({ method: 'PUT', path: '/b/k', headers }, { ...context(), expiresSeconds: 60 }, EMPTY);
    expect((await authenticate(`PUT ${hashed}`, headers)).payload).toEqual({ kind: 'hashed', sha256: EMPTY });
  });
});
