import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elementText, type RawResponse } from '../support/raw-http.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/**
 * The classes in which what a client says becomes what the server says: client headers turned into internal metadata or
 * into other headers of an answer, response header injection, trust in headers that only a proxy may set, and requests
 * that the server makes on behalf of a client (SSRF).
 */

/** What GetObject answers of an object without metadata. */
const PLAIN_HEADERS = [
  ...['accept-ranges', 'connection', 'content-length', 'content-type', 'date', 'etag', 'keep-alive', 'last-modified'],
  ...['server', 'x-amz-id-2', 'x-amz-request-id'],
];

/** Headers of answers, of other servers' innards and of proxies, which no client may set for another. */
const FOREIGN_HEADERS: Readonly<Record<string, string>> = {
  etag: '"forged"',
  'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT',
  'accept-ranges': 'none',
  'content-range': 'bytes 0-0/1',
  'set-cookie': 'session=forged',
  location: 'https://example.com/',
  server: 'forged',
  'access-control-allow-origin': '*',
  'x-amz-version-id': 'forged',
  'x-amz-delete-marker': 'true',
  'x-amz-request-id': 'forged',
  'x-amz-id-2': 'forged',
  'x-amz-mp-parts-count': '7',
  'x-amz-missing-meta': '7',
  'x-amz-tagging-count': '7',
  'x-amz-restore': 'ongoing-request="true"',
  'x-amz-expiration': 'never',
  'x-amz-replication-status': 'REPLICA',
  'x-amz-object-size': '1',
  'x-amz-bucket-region': 'mars-1',
  'x-amz-server-side-encryption-context': 'forged',
  'x-minio-internal-encrypted-multipart': 'true',
  'x-minio-source-mtime': '1994-11-06T08:49:37Z',
  'x-rustfs-internal-actual-size': '1',
  'x-rgw-object-type': 'appendable',
  'x-pithos-owner': 'bob',
  'x-pithos-etag': 'forged',
  'x-forwarded-user': 'bob',
};

/** Parameters whose value could reach the head of an answer, by the operation that reads it. */
const REFLECTED = [
  ...['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-type', 'expires'].map(
    (name) => ['GET', `response-${name}`] as const,
  ),
  ['GET', 'versionId'],
  ['GET', 'partNumber'],
  ['PUT', 'x-amz-meta-a'],
  ['PUT', 'x-amz-website-redirect-location'],
  ['PUT', 'x-amz-storage-class'],
  ['PUT', 'x-amz-acl'],
  ['PUT', 'x-amz-copy-source'],
] as const;

let whole: WholeFront;
beforeAll(async () => {
  whole = await startWholeFront('memory');
});
afterAll(async () => whole[Symbol.asyncDispose]());

describe('client headers become internal metadata', () => {
  test('never: an object has the metadata that S3 lets a client give it, and no other', async () => {
    const bucket = await whole.newBucket();
    const path = `/${bucket}/key`;
    for (const [name, value] of Object.entries(FOREIGN_HEADERS)) {
      const code = await whole.codeOf({ method: 'PUT', path, headers: { [name]: value }, body: 'body' });
      expect(code, name).toMatch(/^(?:200|501 NotImplemented)$/);
    }
    const { headers } = await whole.ok({ path });
    expect([...headers.keys()].sort()).toEqual(PLAIN_HEADERS);
    expect([headers.get('etag'), headers.get('server')]).toEqual(['"841a2d689ad86bd1611447453c22c6fc"', 'Pithos']);
    const created = await whole.ok({ path: `/${bucket}` });
    expect(elementText(created.body, 'ID')).toBe('alice');
  });

  test('not even under the names of metadata: those come back as metadata, beside what the server says', async () => {
    const path = `/${await whole.newBucket()}/key`;
    const names = [...Object.keys(FOREIGN_HEADERS), 'content-length', 'content-type', 'x-amz-meta-', 'internal'];
    const metadata = Object.fromEntries(names.map((name) => [`x-amz-meta-${name}`, 'forged']));
    await whole.ok({ method: 'PUT', path, headers: metadata, body: 'body' });
    const { headers } = await whole.ok({ path });
    expect([...headers.keys()].sort()).toEqual([...PLAIN_HEADERS, ...Object.keys(metadata)].sort());
    expect(headers.get('content-length')).toBe('4');
  });

  test('nor by way of the query of a signed URL', async () => {
    const path = `/${await whole.newBucket()}/key`;
    for (const [name, value] of Object.entries(FOREIGN_HEADERS)) {
      const code = await whole.codeOf({ method: 'PUT', path, query: [[name, value]], body: 'body' });
      expect(code, name).toMatch(/^(?:200|501 NotImplemented)$/);
    }
    expect([...(await whole.ok({ path })).headers.keys()].sort()).toEqual(PLAIN_HEADERS);
  });

  test('nor by a copy or an upload', async () => {
    const bucket = await whole.newBucket();
    await whole.ok({ method: 'PUT', path: `/${bucket}/source`, body: 'body' });
    const path = `/${bucket}/key`;
    for (const [name, value] of Object.entries(FOREIGN_HEADERS)) {
      const replace = { 'x-amz-copy-source': `/${bucket}/source`, 'x-amz-metadata-directive': 'REPLACE' };
      const copy = { method: 'PUT', path, headers: { ...replace, [name]: value } };
      const create = { method: 'POST', path, query: [['uploads', '']] as const, headers: { [name]: value } };
      for (const request of [copy, create]) {
        expect(await whole.codeOf(request), name).toMatch(/^(?:200|501 NotImplemented)$/);
      }
    }
    expect([...(await whole.ok({ path })).headers.keys()].sort()).toEqual(PLAIN_HEADERS);
  });
});

describe('response header injection', () => {
  test.each(REFLECTED)('%s with a line break in %s is refused, and makes no header', async (method, parameter) => {
    const path = `/${await whole.newBucket()}/key`;
    await whole.ok({ method: 'PUT', path, body: 'body' });
    for (const value of ['a\r\nx-injected: 1', 'a\nx-injected: 1', 'a\rb', 'a\0b', 'a\x7fb', '\r\n\r\n<html>']) {
      const response = await whole.front.send({ method, path, query: [[parameter, value]] });
      expect(response.status).toBe(400);
      expectWhole(response);
    }
    expect((await whole.ok({ path })).headers.has('x-injected')).toBe(false);
  });

  test('a key, a bucket or a parameter with a line break stays inside the document of an error', async () => {
    const bucket = await whole.newBucket();
    for (const path of [`/${bucket}/a%0D%0Ax-injected:%201`, '/b%0D%0Ax-injected:%201', `/${bucket}/%3Cscript%3E`]) {
      const response = await whole.front.send({ path });
      expect([400, 404]).toContain(response.status);
      expectWhole(response);
      expect(response.headers.get('content-type')).toBe('application/xml');
      expect(response.body.toString()).not.toContain('<script>');
    }
  });

  function expectWhole({ headers, body }: RawResponse): void {
    expect(headers.has('x-injected')).toBe(false);
    expect(Number(headers.get('content-length'))).toBe(body.length);
    expect(body.toString()).toMatch(/^<\?xml /);
  }
});

describe('headers that only a proxy may set', () => {
  test('are believed by nobody: neither the address of the client nor the host comes from them', async () => {
    const bucket = await whole.newBucket();
    const headers = {
      'x-forwarded-for': '203.0.113.7',
      'x-real-ip': '203.0.113.7',
      forwarded: 'for=203.0.113.7;host=example.com;proto=https',
      'x-forwarded-host': 'example.com',
      'x-forwarded-proto': 'https',
      'x-original-url': '/other-bucket/key',
      'x-rewrite-url': '/other-bucket/key',
      'x-http-method-override': 'DELETE',
    };
    await whole.ok({ method: 'PUT', path: `/${bucket}/key`, headers, body: 'body' });
    expect(whole.front.logLines.at(-1)).toMatchObject({ remoteAddress: '127.0.0.1', method: 'PUT', bucket });
    const created = await whole.ok({ method: 'POST', path: `/${bucket}/mpu`, query: [['uploads', '']] });
    const uploadId = elementText(created.body, 'UploadId') ?? '';
    const part = await whole.ok({
      method: 'PUT',
      path: `/${bucket}/mpu`,
      query: [
        ['partNumber', '1'],
        ['uploadId', uploadId],
      ],
      body: 'body',
    });
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.get('etag')}</ETag></Part></CompleteMultipartUpload>`;
    const completed = await whole.ok({
      method: 'POST',
      path: `/${bucket}/mpu`,
      query: [['uploadId', uploadId]],
      headers,
      body,
    });
    expect(elementText(completed.body, 'Location')).toBe(`http://${whole.front.host}/${bucket}/mpu`);
    expect((await whole.ok({ path: `/${bucket}/key` })).body.toString()).toBe('body');
  });
});

describe('requests on behalf of a client', () => {
  test('are none: no source of a copy, redirect or host makes the server connect anywhere', async () => {
    let connectionsCount = 0;
    const victim = createServer(() => {
      connectionsCount += 1;
    });
    const listening = Promise.withResolvers<void>();
    victim.listen(0, '127.0.0.1', () => listening.resolve());
    await listening.promise;
    const address = victim.address();
    const host = typeof address === 'object' ? `127.0.0.1:${address?.port}` : '';
    const path = `/${await whole.newBucket()}/key`;
    for (const source of [`http://${host}/x`, `//${host}/x`, `/${host}/x`, `${host}/x`, `http%3A%2F%2F${host}%2Fx`]) {
      const code = await whole.codeOf({ method: 'PUT', path, headers: { 'x-amz-copy-source': source } });
      expect(code, source).toMatch(/^(?:400 Invalid(?:Argument|BucketName)|404 NoSuchBucket)$/);
    }
    const redirect = { 'x-amz-website-redirect-location': `http://${host}/x` };
    await whole.ok({ method: 'PUT', path, headers: redirect });
    await whole.ok({ path });
    const closed = Promise.withResolvers<void>();
    victim.close(() => closed.resolve());
    await closed.promise;
    expect(connectionsCount).toBe(0);
  });
});
