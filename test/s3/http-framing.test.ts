import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { elementText, type RawConnection, requestBytes } from '../support/raw-http.ts';
import { sha256, signByHeader } from '../support/sign.ts';
import { ALICE, BUCKET, Front, tinyOperation } from '../support/start-front.ts';

/** What two parsers may read differently is refused and the connection closed: a request never hides in another. */
describe.each(['accepts itself', 'is handed'] as const)('on connections that the server %s', (way) => {
  let front: Front;
  let connection: RawConnection;
  const reached: string[] = [];

  beforeAll(async () => {
    const reach = (name: 'GetObject' | 'PutObject' | 'DeleteObject') =>
      tinyOperation(name, {
        parse: (request) => request,
        run: async (_, request) => {
          reached.push(`${name} ${request.key}`);
          for await (const piece of request.body) reached.push(Buffer.from(piece).toString());
        },
      });
    front = await Front.start({
      operations: { GetObject: reach('GetObject'), PutObject: reach('PutObject'), DeleteObject: reach('DeleteObject') },
      limits: { headersTimeoutMs: 400, keepAliveTimeoutMs: 300 },
      isHandedConnections: way === 'is handed',
    });
  });

  afterEach(() => {
    connection[Symbol.dispose]();
    reached.length = 0;
  });

  afterAll(async () => front[Symbol.asyncDispose]());

  describe('a request whose framing is in doubt', () => {
    const smuggled = 'GET /alices-bucket/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const head = (...lines: string[]) =>
      `PUT /${BUCKET}/k HTTP/1.1\r\n${['Host: localhost', ...lines].join('\r\n')}\r\n\r\n`;

    test.each([
      [
        'Content-Length and Transfer-Encoding',
        `${head('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`,
      ],
      [
        'Transfer-Encoding and Content-Length',
        `${head('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n${smuggled}`,
      ],
      ['two lengths that differ', `${head('Content-Length: 5', 'Content-Length: 0')}hello${smuggled}`],
      ['the same length twice', `${head('Content-Length: 5', 'Content-Length: 5')}hello${smuggled}`],
      ['a list of lengths', `${head('Content-Length: 5, 5')}hello${smuggled}`],
      ['an empty length', head('Content-Length:') + smuggled],
      ['a negative length', head('Content-Length: -5') + smuggled],
      ['a signed length', `${head('Content-Length: +5')}hello${smuggled}`],
      ['a hexadecimal length', `${head('Content-Length: 0x5')}hello${smuggled}`],
      ['a length past all numbers', head('Content-Length: 99999999999999999999') + smuggled],
      ['a length with a space in it', head('Content-Length: 5 0') + smuggled],
      ['an unknown Transfer-Encoding', head('Transfer-Encoding: xchunked') + smuggled],
      ['a Transfer-Encoding after chunked', head('Transfer-Encoding: chunked, gzip') + smuggled],
      ['Transfer-Encoding: identity', head('Transfer-Encoding: identity') + smuggled],
      ['Transfer-Encoding: gzip, chunked', `${head('Transfer-Encoding: gzip, chunked')}0\r\n\r\n${smuggled}`],
      [
        'Transfer-Encoding twice',
        `${head('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')}0\r\n\r\n${smuggled}`,
      ],
      ['a space before a colon', `${head('Content-Length : 5')}hello${smuggled}`],
      ['a folded header', head('X-A: 1\r\n 2') + smuggled],
      ['a folded length', `${head('Content-Length: 5\r\n 0')}hello${smuggled}`],
      ['a space before the first header', `PUT /${BUCKET}/k HTTP/1.1\r\n Host: localhost\r\n\r\n${smuggled}`],
      ['a NUL in a header', head('X-A: 1\x002') + smuggled],
      ['a bare CR in a header', head('X-A: 1\r2') + smuggled],
      ['a header without a colon', head('X-A') + smuggled],
      ['a header without a name', head(': 1') + smuggled],
      ['a name with a space', head('X A: 1') + smuggled],
      ['no Host', `PUT /${BUCKET}/k HTTP/1.1\r\nX-A: 1\r\n\r\n${smuggled}`],
      ['two Hosts', head('Host: elsewhere') + smuggled],
      ['the same Host twice', head('Host: localhost') + smuggled],
      ['a Host that is none', `GET /k HTTP/1.1\r\nHost: a b\r\n\r\n${smuggled}`],
      ['a malformed chunk size', `${head('Transfer-Encoding: chunked')}zz\r\nhello\r\n0\r\n\r\n${smuggled}`],
      ['a chunk longer than its size', `${head('Transfer-Encoding: chunked')}3\r\nhello\r\n0\r\n\r\n${smuggled}`],
      ['a space in the target', `GET /${BUCKET}/a b HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`],
      ['a control character in the target', `GET /${BUCKET}/a\u0001b HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`],
      ['no target', `GET HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`],
      ['no version', `GET /\r\nHost: localhost\r\n\r\n${smuggled}`],
      ['a version to come', `GET / HTTP/2.0\r\nHost: localhost\r\n\r\n${smuggled}`],
      ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['garbage', `\u0000\u0001\u0002\u0003\r\n\r\n${smuggled}`],
      ['the first bytes of TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
    ])('(%s) is refused and the door closed', async (_, bytes) => {
      connection = await front.connect();
      connection.send(bytes);
      const response = await connection.response();
      expect([400, 403, 501]).toContain(response.status);
      const rest = await connection.closed();
      expect(rest.toString()).not.toContain('200 OK');
      expect(reached).toEqual([]);
    });

    test.each([
      ['two framings', head('Content-Length: 5', 'Transfer-Encoding: chunked')],
      ['no Host', `PUT /${BUCKET}/k HTTP/1.1\r\nX-A: 1\r\n\r\n`],
    ])('(%s) is told in XML what is wrong, under an id', async (_, bytes) => {
      connection = await front.connect();
      connection.send(bytes);
      const { body, headers } = await connection.response();
      expect(elementText(body, 'Code')).toBe('BadRequest');
      expect(elementText(body, 'RequestId')).toMatch(/^[0-9A-F]{16}$/);
      expect(headers.get('x-amz-request-id')).toBe(elementText(body, 'RequestId'));
    });
  });

  describe('the head of a request', () => {
    test('of more than 16 KiB is RequestHeaderSectionTooLarge', async () => {
      connection = await front.connect();
      connection.send(`GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`);
      const { status, body } = await connection.response();
      expect([status, elementText(body, 'Code')]).toEqual([400, 'RequestHeaderSectionTooLarge']);
      await connection.closed();
    });

    test('with a target of more than 16 KiB is refused', async () => {
      connection = await front.connect();
      connection.send(`GET /b/${'a'.repeat(17_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      expect((await connection.response()).status).toBe(400);
      await connection.closed();
    });

    test('with thousands of short headers loses none of them: the last one counts as much as the first', async () => {
      connection = await front.connect();
      const headers = Array.from({ length: 2500 }, () => 'a:\r\n').join('');
      const last = 'x-amz-content-sha256: nonsense\r\n';
      connection.send(`GET /${BUCKET}/k HTTP/1.1\r\nHost: localhost\r\n${headers}${last}\r\n`);
      expect(elementText((await connection.response()).body, 'Code')).toBe('InvalidArgument');
    });

    test('that never comes to its end is answered RequestTimeout and closed', async () => {
      connection = await front.connect();
      connection.send('GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ');
      expect(elementText((await connection.response()).body, 'Code')).toBe('RequestTimeout');
      await connection.closed();
    });

    test.each([
      ['the first bytes of TLS', '\u0016\u0003\u0001\u0002\u0000'],
      ['the greeting of another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
      ['half of an empty line', '\rGET / HTTP/1.1'],
      ['a line that ends without CR', 'GET / HTTP/1.1\r\nHost: localhost\n'],
    ])('that begins with %s is refused at once, however much may be to come', async (_, bytes) => {
      connection = await front.connect();
      connection.send(bytes);
      expect(elementText((await connection.response()).body, 'Code')).toBe('BadRequest');
      await connection.closed();
    });

    test('that never begins leaves a connection that is closed', async () => {
      connection = await front.connect();
      await connection.closed();
    });

    test('may be cut into bytes, and come after an empty line', async () => {
      connection = await front.connect();
      for (const byte of '\r\n') connection.send(byte);
      for (const byte of front.requestBytes()) connection.send(Buffer.of(byte));
      expect((await connection.response()).status).toBe(200);
    });
  });

  describe('a connection', () => {
    test('serves one request after the other, and closes when it has been idle', async () => {
      connection = await front.connect();
      for (const key of ['a', 'b']) {
        connection.send(front.requestBytes({ path: `/${BUCKET}/${key}` }));
        expect((await connection.response()).status).toBe(200);
      }
      await connection.closed();
      expect(reached).toEqual(['GetObject a', 'GetObject b']);
    });

    test('serves requests sent at once in their order, each after the one before', async () => {
      connection = await front.connect();
      const puts = ['a', 'b', 'c'].map((key) =>
        front.requestBytes({ method: 'PUT', path: `/${BUCKET}/${key}`, body: key }),
      );
      connection.send(Buffer.concat(puts));
      for (const _ of puts) expect((await connection.response()).status).toBe(200);
      expect(reached).toEqual(['PutObject a', 'a', 'PutObject b', 'b', 'PutObject c', 'c']);
    });

    test('that sends a thousand requests at once is served at the pace at which it takes the answers', async () => {
      connection = await front.connect();
      connection.send(Buffer.concat(Array.from({ length: 1_000 }, () => front.requestBytes())));
      for (let count = 0; count < 1_000; count += 1) expect((await connection.response()).status).toBe(200);
      expect(reached.length).toBe(1_000);
    });

    test('that sends garbage after a request gets the answer to the request, and is closed', async () => {
      connection = await front.connect();
      connection.send(Buffer.concat([front.requestBytes(), Buffer.from('garbage\r\n\r\n')]));
      expect((await connection.response()).status).toBe(200);
      await connection.closed();
    });

    test('of HTTP/1.0 is served and closed', async () => {
      connection = await front.connect();
      connection.send(Buffer.from(front.requestBytes().toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'), 'latin1'));
      expect((await connection.response()).status).toBe(200);
      await connection.closed();
    });
  });

  describe('methods', () => {
    test.each(['TRACE', 'PATCH', 'LINK', 'PROPFIND', 'STEAL'])('%s is 405', async (method) => {
      connection = await front.connect();
      connection.send(`${method} /${BUCKET}/k HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      const { status, body } = await connection.response();
      expect([status, elementText(body, 'Code')]).toEqual([405, 'MethodNotAllowed']);
      expect(body.toString()).not.toContain('Host: localhost');
    });

    test('CONNECT is 405 and closes', async () => {
      connection = await front.connect();
      connection.send('CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n');
      expect((await connection.response()).status).toBe(405);
      await connection.closed();
    });

    test('an Upgrade is not made: the request counts', async () => {
      connection = await front.connect();
      const headers = { connection: 'upgrade, http2-settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
      connection.send(front.requestBytes({ headers }));
      expect((await connection.response()).status).toBe(200);
    });
  });

  describe('what a proxy may drop', () => {
    test('Connection: x-amz-acl takes no signed header away', async () => {
      connection = await front.connect();
      connection.send(front.requestBytes({ headers: { connection: 'x-amz-date' } }));
      expect((await connection.response()).status).toBe(200);
    });

    test('a target in absolute form is served where its host is that of the Host header', async () => {
      connection = await front.connect();
      const path = `/${BUCKET}/k`;
      const { headers } = signByHeader(
        { method: 'GET', path, headers: { host: front.host } },
        sha256(''),
        front.context(ALICE),
      );
      connection.send(requestBytes(`GET http://${front.host}${path}`, headers));
      expect((await connection.response()).status).toBe(200);
      connection.send(requestBytes(`GET http://elsewhere${path}`, headers));
      expect((await connection.response()).status).toBe(400);
    });
  });
});

test('a connection that is handed over beyond those that a process may have is closed', async () => {
  await using full = await Front.start({ limits: { connectionsMax: 1 }, isHandedConnections: true });
  using first = await full.connect();
  using second = await full.connect();
  await second.closed();
  first.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect((await first.response()).status).toBe(501);
});
