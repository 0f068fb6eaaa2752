import { afterAll, beforeAll, expect, test } from 'vitest';
import { elementText, requestBytes } from '../support/raw-http.ts';
import { presign, signByHeader, UNSIGNED } from '../support/sign.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/** Requests of ceph/s3-tests that no client sends as the suite means them: most put right what a case broke. */

let whole: WholeFront;
let bucket: string;
beforeAll(async () => {
  whole = await startWholeFront('memory');
  bucket = await whole.newBucket();
});
afterAll(async () => whole[Symbol.asyncDispose]());

test('a PUT without Content-Length is MissingContentLength and stores nothing', async () => {
  const signed = { method: 'PUT', path: `/${bucket}/none`, headers: { host: whole.front.host } };
  const { headers } = signByHeader(signed, UNSIGNED, whole.front.context());
  expect(await send('PUT', signed.path, headers)).toBe('411 MissingContentLength');
  expect(await whole.codeOf({ path: signed.path })).toBe('404 NoSuchKey');
});

test.each([
  ['a bucket', (name: string) => `/new-${name}`],
  ['an object', (name: string) => `/${bucket}/${name}`],
])('a PUT of %s with an empty Authorization, or none, is AccessDenied', async (_, pathOf) => {
  const path = pathOf('anonymous');
  const headers = { host: whole.front.host, 'content-length': '0' };
  expect(await send('PUT', path, headers)).toBe('403 AccessDenied');
  expect(await send('PUT', path, { ...headers, authorization: '' })).toBe('403 AccessDenied');
  expect(await whole.codeOf({ path })).toMatch(/^404/);
});

test.each(['GMT', '-0000', '+0000'])('a Date that ends with %s is enough, without X-Amz-Date', async (zone) => {
  const { front } = whole;
  const atMs = front.clock.now - (front.clock.now % 1000);
  const path = `/${bucket}/dated`;
  const dated = { host: front.host, 'content-length': '0', 'x-amz-content-sha256': UNSIGNED };
  const context = { ...front.context(), atMs };
  const { 'x-amz-date': _, ...headers } = signByHeader(
    {
      method: 'PUT',
      path,
      headers: { ...dated, date: new Date(atMs).toUTCString().replace('GMT', zone) },
      signedHeaders: ['date', 'host', 'x-amz-content-sha256'],
    },
    UNSIGNED,
    context,
  ).headers;
  expect(await send('PUT', path, headers)).toBe('200 undefined');
});

test('a presigned PUT that expires before it was made is AuthorizationQueryParametersError', async () => {
  const request = { method: 'PUT', path: `/${bucket}/expired`, headers: { host: whole.front.host } };
  const target = presign(request, { ...whole.front.context(), expiresSeconds: -1000 });
  const sent = { host: whole.front.host, 'content-length': '0' };
  expect(await send('PUT', target, sent)).toBe('400 AuthorizationQueryParametersError');
});

async function send(method: string, target: string, headers: Readonly<Record<string, string>>): Promise<string> {
  using connection = await whole.front.connect();
  connection.send(requestBytes(`${method} ${target}`, headers));
  const { status, body } = await connection.response(method);
  return `${status} ${elementText(body, 'Code')}`;
}
