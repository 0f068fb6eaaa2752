import { afterEach, describe, expect, test } from 'vitest';
import type { FrontSettings } from '../../src/http/front-settings.ts';
import { elementText, type RawResponse, requestBytes } from '../support/raw-http.ts';
import { presign, type SignableRequest, sha256, signByHeader } from '../support/sign.ts';
import { signV2ByHeader } from '../support/sign-v2.ts';
import { ALICE, type Front } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/** A proxy shows the server another host, path or client than there was, and the client has signed what there was. */

const PATH = '/alices-bucket/key';
const MISMATCH = 403;

let whole: WholeFront | undefined;
let front: Front;

afterEach(async () => {
  await whole?.[Symbol.asyncDispose]();
  whole = undefined;
});

interface Passing {
  /** What the client signs. */
  readonly host: string;
  readonly path?: string;
  /** What the proxy makes of it. */
  readonly arrivesAs?: string;
  readonly arrivesAt?: string;
  readonly adds?: Readonly<Record<string, string>>;
  readonly settings?: Partial<FrontSettings>;
}

const TRUSTED = { trustedProxies: ['127.0.0.0/8'] };

describe('a signature counts', () => {
  test.each<[string, Passing]>([
    ['that left out the default port', { host: 's3.example.com', arrivesAs: 's3.example.com:443' }],
    ['that has the default port', { host: 's3.example.com:80', arrivesAs: 's3.example.com' }],
    [
      'for the host that a trusted proxy names',
      { host: 's3.example.com:8443', adds: { 'x-forwarded-host': 's3.example.com:8443' }, settings: TRUSTED },
    ],
    [
      'for the host and the port that a trusted proxy names',
      {
        host: 's3.example.com:8443',
        adds: { 'x-forwarded-host': 's3.example.com', 'x-forwarded-port': '8443' },
        settings: TRUSTED,
      },
    ],
    [
      'for the port that a trusted proxy names beside the host it kept',
      {
        host: 's3.example.com:8443',
        arrivesAs: 's3.example.com',
        adds: { 'x-forwarded-port': '8443' },
        settings: TRUSTED,
      },
    ],
    [
      'for the host that a trusted proxy names in Forwarded',
      { host: 's3.example.com', adds: { forwarded: 'for=192.0.2.1;host=s3.example.com' }, settings: TRUSTED },
    ],
    ['for a public URL', { host: 's3.example.com', settings: { publicUrls: ['https://s3.example.com'] } }],
    [
      'for the second public URL, with its default port',
      {
        host: 's3.example.com:443',
        settings: { publicUrls: ['http://other.example.com:8080', 'https://s3.example.com'] },
      },
    ],
    [
      'for a public URL whose path a proxy takes away',
      {
        host: 'example.com',
        path: `/storage${PATH}`,
        arrivesAt: PATH,
        settings: { publicUrls: ['https://example.com/storage/'] },
      },
    ],
    [
      'for a bucket in the host that a trusted proxy names',
      {
        host: 'alices-bucket.s3.test',
        path: '/key',
        adds: { 'x-forwarded-host': 'alices-bucket.s3.test' },
        settings: TRUSTED,
      },
    ],
    [
      'for a bucket below the host of a public URL',
      {
        host: 'alices-bucket.s3.example.com',
        path: '/key',
        arrivesAs: 'alices-bucket.s3.example.com',
        settings: { publicUrls: ['https://s3.example.com:8443'] },
      },
    ],
    [
      'for a bucket below the host of a public URL, where the proxy renames the server and keeps the bucket',
      {
        host: 'alices-bucket.s3.example.com',
        path: '/key',
        arrivesAs: 'alices-bucket.s3.test',
        settings: { publicUrls: ['https://s3.example.com'] },
      },
    ],
  ])('%s', async (_, passing) => {
    for (const response of [await passByHeader(passing), await passByUrl(passing)]) {
      expect(response.status, response.body.toString()).toBe(404);
      expect(elementText(response.body, 'Code')).toBe('NoSuchKey');
    }
  });

  test('by SigV2 for a public URL with a path', async () => {
    await start({ publicUrls: ['https://example.com/storage'], sigV2: true });
    const request = { method: 'GET', path: `/storage${PATH}`, headers: { host: 'example.com' } };
    const headers = signV2ByHeader(request, { keys: ALICE, atMs: front.clock.now });
    expect((await send(`GET ${PATH}`, headers)).status).toBe(404);
  });
});

describe('a signed request cannot be sent for another bucket by a host that a proxy passes on', () => {
  test.each<[string, Passing]>([
    [
      'which names a bucket, where the signed one names none',
      {
        host: 's3.test',
        arrivesAs: 's3.test',
        adds: { 'x-forwarded-host': 'evil.s3.test' },
        settings: TRUSTED,
      },
    ],
    [
      'which names none, where the Host header then names one',
      {
        host: 's3.test',
        arrivesAs: 'evil.s3.test',
        adds: { 'x-forwarded-host': 's3.test' },
        settings: TRUSTED,
      },
    ],
    [
      'which is that of another bucket',
      {
        host: 'alices-bucket.s3.test',
        path: '/key',
        arrivesAs: 'evil.s3.test',
        adds: { 'x-forwarded-host': 'alices-bucket.s3.test' },
        settings: TRUSTED,
      },
    ],
  ])('%s', async (_, passing) => {
    for (const response of [await passByHeader(passing), await passByUrl(passing)]) {
      expect([response.status, elementText(response.body, 'Code')]).toEqual([MISMATCH, 'SignatureDoesNotMatch']);
    }
  });
});

describe('a signature that does not count says what came closest', () => {
  test.each<[string, Passing, string, string]>([
    [
      'for a host that a proxy names who is not trusted',
      { host: 's3.example.com', adds: { 'x-forwarded-host': 's3.example.com' } },
      'signed for the host s3.example.com, which a proxy names in a header that is not believed: add 127.0.0.1 to options.trusted-proxies',
      'host:s3.example.com',
    ],
    [
      'for a port that the proxy dropped',
      { host: 's3.test:8443', arrivesAs: 's3.test' },
      'signed for the host s3.test:8443, and the request arrived for s3.test: let the proxy keep the Host header, or add the URL of clients to options.public-url',
      'host:s3.test:8443',
    ],
    [
      'for another name of the server',
      { host: 's3.test:443' },
      'signed for the host s3.test:443, and the request arrived for 127.0.0.1:',
      'host:s3.test:443',
    ],
    [
      'for a path that was encoded twice',
      { host: 's3.test', path: '/alices-bucket/a%2520b', arrivesAs: 's3.test', arrivesAt: '/alices-bucket/a%20b' },
      'The path was percent-encoded twice',
      '/alices-bucket/a%2520b',
    ],
    [
      'for a path that was normalised',
      { host: 's3.test', path: '/alices-bucket/b', arrivesAs: 's3.test', arrivesAt: '/alices-bucket//a/../b' },
      'The path was normalised',
      '/alices-bucket/b',
    ],
    [
      'for a host that the server does not know',
      { host: 'elsewhere.example.com' },
      'It was checked for the host 127.0.0.1:',
      'host:127.0.0.1:',
    ],
    [
      'for a host that the server does not know, where it has a public URL',
      { host: 'elsewhere.example.com', settings: { publicUrls: ['https://s3.example.com'] } },
      'It was checked for the host s3.example.com, 127.0.0.1:',
      'host:s3.example.com',
    ],
    [
      'for a host that the server does not know, nor the trusted proxy names',
      { host: 'elsewhere.example.com', adds: { 'x-forwarded-host': 's3.example.com' }, settings: TRUSTED },
      'It was checked for the host s3.example.com, ',
      'host:s3.example.com',
    ],
  ])('%s', async (_, passing, message, canonical) => {
    const { status, body } = await passByHeader(passing);
    expect([status, elementText(body, 'Code')]).toEqual([MISMATCH, 'SignatureDoesNotMatch']);
    expect(elementText(body, 'Message')).toContain(message);
    const signed = (elementText(body, 'CanonicalRequest') ?? '').replaceAll('&#xa;', '\n');
    expect(signed).toContain(canonical);
    expect(elementText(body, 'StringToSign')).toContain(sha256(signed));
  });

  test('for another method', async () => {
    await start({});
    const url = presign(
      { method: 'HEAD', path: PATH, headers: { host: front.host } },
      { ...context(), expiresSeconds: 60 },
    );
    const { body } = await send(`GET ${url}`, { host: front.host });
    expect(elementText(body, 'Message')).toContain('The signature is one for HEAD, and the request is a GET.');
  });

  test('and names the signed headers that proxies write anew', async () => {
    await start({});
    const request = { method: 'GET', path: PATH, headers: { host: front.host, 'accept-encoding': 'identity' } };
    const { headers } = signByHeader(request, sha256(''), context());
    const { body } = await send(`GET ${PATH}`, { ...headers, 'accept-encoding': 'gzip' });
    expect(elementText(body, 'Message')).toContain('Proxies may change headers that are signed here: accept-encoding.');
  });

  test('and helps nobody with a wrong secret', async () => {
    await start({ publicUrls: ['https://s3.example.com'], ...TRUSTED });
    const request = { method: 'GET', path: PATH, headers: { host: front.host } };
    const { headers } = signByHeader(request, sha256(''), {
      ...context(),
      keys: { ...ALICE, secretAccessKey: 'guessed' },
    });
    const { status, body } = await send(`GET ${PATH}`, { ...headers, 'x-forwarded-host': 's3.example.com' });
    expect([status, elementText(body, 'Code')]).toEqual([MISMATCH, 'SignatureDoesNotMatch']);
    expect(elementText(body, 'Message')).toContain('It was checked for the host');
  });
});

describe('the access log', () => {
  test.each<[string, Partial<FrontSettings>, string]>([
    ['names the client behind a trusted proxy', TRUSTED, '192.0.2.1'],
    ['names the other end of the connection where that is not trusted', {}, '127.0.0.1'],
  ])('%s', async (_, settings, remoteAddress) => {
    await start(settings);
    await send(`GET ${PATH}`, { host: front.host, 'x-forwarded-for': '203.0.113.9, 192.0.2.1' });
    expect(front.logLines.at(-1)).toMatchObject({ msg: 'request', remoteAddress });
  });
});

describe('a request in absolute form, as s3cmd sends it to its proxy_host', () => {
  test.each([
    ['http://s3.test/alices-bucket/key', 's3.test'],
    ['http://alices-bucket.s3.test/key', 'alices-bucket.s3.test'],
    ['http://alices-bucket.s3.test:80/key', 'alices-bucket.s3.test'],
    ['http://s3.example.com/alices-bucket/key', 's3.example.com'],
  ])('GET %s', async (target, host) => {
    await start({ sigV2: true });
    const path = new URL(target).pathname;
    const { headers } = signByHeader({ method: 'GET', path, headers: { host } }, sha256(''), context());
    expect(elementText((await send(`GET ${target}`, headers)).body, 'Code')).toBe('NoSuchKey');
    const hostBucket = host.startsWith('alices-bucket') ? { hostBucket: 'alices-bucket' } : {};
    const old = signV2ByHeader({ method: 'GET', path, headers: { host } }, { ...context(), ...hostBucket });
    expect(elementText((await send(`GET ${target}`, old)).body, 'Code')).toBe('NoSuchKey');
  });

  test('names the host once, or is refused', async () => {
    await start({});
    const { headers } = signByHeader(
      { method: 'GET', path: PATH, headers: { host: 's3.test' } },
      sha256(''),
      context(),
    );
    expect((await send(`GET http://elsewhere.test${PATH}`, headers)).status).toBe(400);
  });
});

test.each<[string, Partial<FrontSettings>, Record<string, string>]>([
  [`https://example.com/storage${PATH}`, { publicUrls: ['https://example.com/storage'] }, {}],
  [
    `https://example.com:8443${PATH}`,
    TRUSTED,
    { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'example.com', 'x-forwarded-port': '8443' },
  ],
  [
    `https://example.com${PATH}`,
    TRUSTED,
    { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'example.com', 'x-forwarded-port': '443' },
  ],
])('CompleteMultipartUpload says that the object is where clients reach it: %s', async (location, settings, added) => {
  await start(settings);
  const { host } = front;
  const prefix = new URL(location).pathname.slice(0, -PATH.length);
  const call = async (method: string, query: SignableRequest['query'] & object, body = '') => {
    const request = { method, path: `${prefix}${PATH}`, query, headers: { host: 'example.com' } };
    const { headers } = signByHeader(request, sha256(body), context());
    const text = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
    return await send(
      `${method} ${PATH}?${text}`,
      { ...headers, host, ...added, 'content-length': `${body.length}` },
      body,
    );
  };
  const uploadId = elementText((await call('POST', [['uploads', '']])).body, 'UploadId') ?? '';
  const part = await call(
    'PUT',
    [
      ['partNumber', '1'],
      ['uploadId', uploadId],
    ],
    'part',
  );
  const etag = part.headers.get('etag');
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
  const completed = await call('POST', [['uploadId', uploadId]], body);
  expect(elementText(completed.body, 'Location')).toBe(location);
});

async function start(settings: Partial<FrontSettings>): Promise<void> {
  whole = await startWholeFront('memory', { settings: { virtualHosts: ['s3.test'], ...settings } });
  front = whole.front;
  await whole.ok({ method: 'PUT', path: '/alices-bucket' });
}

function context() {
  return front.context();
}

async function passByHeader({ host, path = PATH, ...passing }: Passing): Promise<RawResponse> {
  await start(passing.settings ?? {});
  const { headers } = signByHeader({ method: 'GET', path, headers: { host } }, sha256(''), context());
  return await send(`GET ${passing.arrivesAt ?? path}`, arrived(headers, passing));
}

async function passByUrl({ host, path = PATH, ...passing }: Passing): Promise<RawResponse> {
  await whole?.[Symbol.asyncDispose]();
  await start(passing.settings ?? {});
  const url = presign({ method: 'GET', path, headers: { host } }, { ...context(), expiresSeconds: 60 });
  return await send(`GET ${url.replace(path, passing.arrivesAt ?? path)}`, arrived({ host }, passing));
}

function arrived(headers: Readonly<Record<string, string>>, { arrivesAs = front.host, adds }: Omit<Passing, 'host'>) {
  return { ...headers, host: arrivesAs, ...adds };
}

async function send(line: string, headers: Readonly<Record<string, string>>, body = ''): Promise<RawResponse> {
  using connection = await front.connect();
  connection.send(requestBytes(line, headers, Buffer.from(body)));
  return await connection.response(line.slice(0, line.indexOf(' ')));
}
