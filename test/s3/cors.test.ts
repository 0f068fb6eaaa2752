import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elementText } from '../support/raw-http.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

const ANYBODY = undefined;
const RULES = `
  <CORSRule>
    <AllowedOrigin>https://app.example.com</AllowedOrigin><AllowedOrigin>https://*.test</AllowedOrigin>
    <AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>
    <AllowedHeader>X-Amz-*</AllowedHeader><AllowedHeader>content-type</AllowedHeader>
    <ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-amz-version-id</ExposeHeader>
    <MaxAgeSeconds>600</MaxAgeSeconds>
  </CORSRule>
  <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule>`;

let whole: WholeFront;
let bucket: string;

beforeAll(async () => {
  const defaultRule = { allowedOrigins: ['https://admin.example.com'], allowedMethods: ['DELETE'] };
  const defaultCors = [{ ...defaultRule, allowedHeaders: ['*'], exposeHeaders: [] }];
  whole = await startWholeFront('memory', { settings: { defaultCors } });
  bucket = await whole.newBucket();
  const body = `<CORSConfiguration>${RULES}</CORSConfiguration>`;
  await whole.ok({ method: 'PUT', path: `/${bucket}`, query: [['cors', '']], body });
  await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: 'body', headers: { 'x-amz-acl': 'public-read' } });
});
afterAll(async () => whole[Symbol.asyncDispose]());

describe('a preflight', () => {
  test.each([
    ['https://app.example.com', 'PUT', 'x-amz-date, Content-Type', 'https://app.example.com'],
    ['https://a.b.test', 'GET', undefined, 'https://a.b.test'],
    ['https://anything', 'HEAD', undefined, '*'],
    ['null', 'HEAD', undefined, '*'],
    ['https://admin.example.com', 'DELETE', 'x-whatever', 'https://admin.example.com'],
  ])('of %s for %s is allowed', async (origin, method, asked, allowed) => {
    const { status, headers, body } = await preflight(origin, method, asked);
    expect([status, body.length, headers.get('access-control-allow-origin')]).toEqual([200, 0, allowed]);
    expect(headers.get('access-control-allow-methods')?.split(', ')).toContain(method);
    expect(headers.get('access-control-allow-headers')).toBe(asked?.toLowerCase());
    expect(headers.get('access-control-allow-credentials')).toBe(allowed === '*' ? undefined : 'true');
    expect(headers.get('vary')).toContain('Origin');
  });

  test.each([
    ['https://app.example.com', 'DELETE', undefined],
    ['https://app.example.com', 'GET', 'authorization'],
    ['https://evil.example.com', 'GET', undefined],
    ['https://app.example.com.evil', 'GET', undefined],
    ['http://app.example.com', 'GET', undefined],
    ['https://.test.evil', 'PUT', undefined],
  ])('of %s for %s with %s is refused, and says nothing of what is allowed', async (origin, method, asked) => {
    const { status, headers, body } = await preflight(origin, method, asked);
    expect([status, elementText(body, 'Code')]).toEqual([403, 'AccessForbidden']);
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('that lacks its origin or its method is 400, of no bucket 404, of a bucket without rules 403', async () => {
    const origin = { origin: 'https://app.example.com' };
    const method = { 'access-control-request-method': 'GET' };
    const path = `/${bucket}/key`;
    const ask = (at: string, headers: Readonly<Record<string, string>>) =>
      whole.codeOf({ method: 'OPTIONS', path: at, headers, keys: ANYBODY });
    expect(await ask(path, method)).toBe('400 BadRequest');
    expect(await ask(path, origin)).toBe('400 BadRequest');
    expect(await ask(path, { ...origin, 'access-control-request-method': 'PATCH' })).toBe('400 BadRequest');
    expect(await ask('/No_Bucket/key', { ...origin, ...method })).toBe('404 NoSuchBucket');
    expect(await ask(`/${await whole.newBucket()}/key`, { ...origin, ...method })).toBe('403 AccessForbidden');
  });

  test('needs no right to the object, and does nothing', async () => {
    expect((await preflight('https://app.example.com', 'PUT', undefined, 'no-such-key')).status).toBe(200);
    expect(await whole.codeOf({ path: `/${bucket}/no-such-key` })).toBe('404 NoSuchKey');
  });
});

describe('an answer', () => {
  test('tells a page of an allowed origin what it may read', async () => {
    const { headers } = await whole.ok({ path: `/${bucket}/key`, headers: { origin: 'https://x.test' } });
    expect(headers.get('access-control-allow-origin')).toBe('https://x.test');
    expect(headers.get('access-control-expose-headers')).toBe('ETag, x-amz-version-id');
    expect(headers.get('access-control-max-age')).toBe('600');
  });

  test('says so of an error too, whoever asks', async () => {
    const headers = { origin: 'https://x.test' };
    for (const [path, keys, status] of [
      [`/${bucket}/no-such-key`, undefined, 403],
      [`/${bucket}/key`, { accessKeyId: 'NOBODYSKEY', secretAccessKey: 'x' }, 403],
    ] as const) {
      const answer = await whole.front.send({ path, headers, keys });
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([status, 'https://x.test']);
    }
  });

  test('says nothing to a page of another origin, and is given all the same', async () => {
    for (const headers of [{ origin: 'https://evil' }, {}]) {
      const answer = await whole.ok({ path: `/${bucket}/key`, headers });
      expect(answer.body.toString()).toBe('body');
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

function preflight(origin: string, method: string, asked: string | undefined, key = 'key') {
  const headers = {
    origin,
    'access-control-request-method': method,
    ...(asked !== undefined && { 'access-control-request-headers': asked }),
  };
  return whole.front.send({ method: 'OPTIONS', path: `/${bucket}/${key}`, headers, keys: ANYBODY });
}
