import { describe, expect, test } from 'vitest';
import {
  AT_MS,
  authenticate,
  CREDENTIAL,
  codeOf,
  context,
  EMPTY,
  failureOf,
  HOST,
  KEYS,
  signed,
  signedHeaders,
} from '../../../test/support/authenticate.ts';
import { signByHeader } from '../../../test/support/sign.ts';

describe('the Authorization header', () => {
  const parts = {
    Credential: CREDENTIAL,
    SignedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    Signature: 'a'.repeat(64),
  };
  const credential = (text: string) =>
    `AWS4-HMAC-SHA256 Credential=${text}, SignedHeaders=${parts.SignedHeaders}, Signature=${parts.Signature}`;

  test.each([
    ['AWS4-HMAC-SHA256', 'AuthorizationHeaderMalformed'],
    ['AWS4-HMAC-SHA256 ', 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 Credential=${CREDENTIAL}`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, Signature=${parts.Signature}`, 'AuthorizationHeaderMalformed'],
    [`${credential(CREDENTIAL)}, Signature=${parts.Signature}`, 'AuthorizationHeaderMalformed'],
    [credential(CREDENTIAL).replace('host;', 'host;Range;'), 'AccessDenied'],
    [credential(CREDENTIAL).replace('host;', 'host;;'), 'AccessDenied'],
    [credential(''), 'AuthorizationHeaderMalformed'],
    [credential('KEY'), 'AuthorizationHeaderMalformed'],
    [credential(`${CREDENTIAL}/more`), 'AuthorizationHeaderMalformed'],
    [credential('/20130524/us-east-1/s3/aws4_request'), 'AuthorizationHeaderMalformed'],
    [credential('KEY/2013052/us-east-1/s3/aws4_request'), 'AuthorizationHeaderMalformed'],
    [credential('KEY/20130523/us-east-1/s3/aws4_request'), 'AuthorizationHeaderMalformed'],
    [credential('KEY/20130524/us-east-1/ec2/aws4_request'), 'AuthorizationHeaderMalformed'],
    [credential('KEY/20130524/us-east-1/s3/aws3_request'), 'AuthorizationHeaderMalformed'],
    ['AWS KEY:signature', 'InvalidRequest'],
    ['AWS HAHAHA', 'InvalidRequest'],
    [credential(CREDENTIAL).replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'), 'NotImplemented'],
    ['Basic dXNlcjpwYXNz', 'InvalidArgument'],
    ['Bearer token', 'InvalidArgument'],
    ['\u0007', 'InvalidArgument'],
    ['aws4-hmac-sha256 Credential=x', 'InvalidArgument'],
  ])('%j is %s', async (authorization, code) => {
    const headers = { host: HOST, 'x-amz-date': '20130524T000000Z', 'x-amz-content-sha256': EMPTY, authorization };
    expect((await failureOf(authenticate('GET /b', headers))).code).toBe(code);
  });

  test('for another region names the one it expects', async () => {
    const error = await failureOf(signed(KEYS, { region: 'mars-1' }));
    expect([error.code, error.elements['Region']]).toEqual(['AuthorizationHeaderMalformed', 'eu-test-1']);
    expect(error.message).toBe(
      "The authorization header is malformed; the region 'mars-1' is wrong; expecting 'eu-test-1'",
    );
  });

  test.each(['eu-test-1', 'eu-test-2', 'us-east-1'])('may be signed for %s', async (region) => {
    expect((await signed(KEYS, { region })).identity.kind).toBe('user');
  });

  test('without x-amz-content-sha256 is InvalidRequest', async () => {
    const { headers } = signByHeader({ method: 'GET', path: '/b', headers: { host: HOST } }, EMPTY, context());
    const { 'x-amz-content-sha256': _, ...others } = headers;
    expect((await failureOf(authenticate('GET /b', others))).code).toBe('InvalidRequest');
  });

  test('that leaves out an x-amz-* header, or the host, is AccessDenied and names it', async () => {
    const unsigned = { ...(await signedHeaders({})), 'x-amz-acl': 'public-read' };
    const error = await failureOf(authenticate('GET /b', unsigned));
    expect([error.code, error.elements['HeadersNotSigned']]).toEqual(['AccessDenied', 'x-amz-acl']);
    const hostless = await failureOf(
      authenticate('GET /b', await signedHeaders({ signedHeaders: ['x-amz-content-sha256', 'x-amz-date'] })),
    );
    expect([hostless.code, hostless.elements['HeadersNotSigned']]).toEqual(['AccessDenied', 'host']);
  });

  test('that names a header which is not there is AccessDenied', async () => {
    const names = ['host', 'x-amz-content-sha256', 'x-amz-date', 'x-gone'];
    const error = await failureOf(authenticate('GET /b', await signedHeaders({ signedHeaders: names })));
    expect([error.code, error.elements['HeadersMissing']]).toEqual(['AccessDenied', 'x-gone']);
  });
});

describe('the time of a request', () => {
  test.each([
    [-15 * 60, undefined],
    [15 * 60, undefined],
    [-15 * 60 - 1, 'RequestTimeTooSkewed'],
    [15 * 60 + 1, 'RequestTimeTooSkewed'],
    [-70 * 365 * 86_400, 'RequestTimeTooSkewed'],
    [7000 * 365 * 86_400, 'RequestTimeTooSkewed'],
  ])('%d seconds off is %s', async (seconds, code) => {
    expect(await codeOf(signed(KEYS, { atMs: AT_MS + seconds * 1000 }))).toBe(code);
  });

  test.each([
    ['', 'AccessDenied'],
    ['20130524', 'AccessDenied'],
    ['20130524T000000', 'AccessDenied'],
    ['20130532T000000Z', 'AccessDenied'],
    ['2013-05-24T00:00:00Z', 'AccessDenied'],
    ['\u0661\u0662', 'AccessDenied'],
  ])('written as %j is %s', async (date, code) => {
    expect(await codeOf(authenticate('GET /b', { ...(await signedHeaders({})), 'x-amz-date': date }))).toBe(code);
  });

  test.each(['Fri, 24 May 2013 00:00:00 GMT', '20130524T000000Z'])('may stand in Date: %s', async (date) => {
    const { headers } = signByHeader(
      { method: 'GET', path: '/b', headers: { host: HOST }, signedHeaders: ['host', 'x-amz-content-sha256'] },
      EMPTY,
      context(),
    );
    const { 'x-amz-date': _, ...others } = headers;
    expect(await codeOf(authenticate('GET /b', { ...others, date }))).toBeUndefined();
    expect(await codeOf(authenticate('GET /b', { ...others, date: 'yesterday' }))).toBe('AccessDenied');
    expect(await codeOf(authenticate('GET /b', others))).toBe('AccessDenied');
  });
});
