import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { S3Request } from '../../src/operations/request.ts';
import { elementText, type RawConnection } from '../support/raw-http.ts';
import {
  awsChunked,
  STREAMING_SIGNED,
  STREAMING_SIGNED_TRAILER,
  STREAMING_UNSIGNED_TRAILER,
  sha256,
  signByHeader,
  UNSIGNED,
} from '../support/sign.ts';
import { ALICE, BUCKET, Front, type FrontOptions, tinyOperation } from '../support/start-front.ts';
import { startWholeFront } from '../support/whole-front.ts';

const PATH = `/${BUCKET}/key`;
/** One piece of a large body, in bytes. */
const PIECE_BYTES = 64 * 1024;
/** Of chunks that end with the pieces in which they arrive, within them, and far behind them, in bytes. */
const CHUNK_SIZES = [70_001, PIECE_BYTES, 1024 ** 2, 5, 16 * 1024, 300_000, PIECE_BYTES - 90, PIECE_BYTES, 700_000];

let front: Front;
let connection: RawConnection;

afterEach(async () => {
  connection[Symbol.dispose]();
  await front[Symbol.asyncDispose]();
});

describe('a body that does not come whole', () => {
  test('is IncompleteBody where the client stops sending', async () => {
    await start();
    connection.send(front.requestBytes({ method: 'PUT', headers: { 'content-length': '100' }, body: 'hello' }));
    connection.half();
    const { status, body } = await connection.response();
    expect([status, elementText(body, 'Code')]).toEqual([400, 'IncompleteBody']);
    await connection.closed();
  });

  test('ends the operation where the client goes away', async () => {
    const { promise: failed, resolve } = Promise.withResolvers<unknown>();
    await start(
      {},
      async ({ body }) => {
        for await (const _ of body.body);
      },
      resolve,
    );
    connection.send(front.requestBytes({ method: 'PUT', headers: { 'content-length': '100' }, body: 'hello' }));
    connection[Symbol.dispose]();
    expect(await failed).toMatchObject({ code: 'IncompleteBody' });
  });

  test('is BadRequest where its chunked coding breaks', async () => {
    await start();
    connection.send(unsignedHead({ 'transfer-encoding': 'chunked' }));
    connection.send('5\r\nhello\r\nzz\r\n');
    expect(elementText((await connection.response()).body, 'Code')).toBe('BadRequest');
    await connection.closed();
  });

  test('is IncompleteBody where aws-chunked framing lacks its end', async () => {
    await start();
    const sent = signByHeader(
      { method: 'PUT', path: PATH, headers: { host: front.host, 'x-amz-decoded-content-length': '5' } },
      STREAMING_UNSIGNED_TRAILER,
      front.context(),
    );
    connection.send(headOf({ ...sent.headers, 'content-length': '10' }));
    connection.send('5\r\nhello\r\n');
    expect(elementText((await connection.response()).body, 'Code')).toBe('IncompleteBody');
  });
});

describe('a slow body', () => {
  test('of which nothing comes is RequestTimeout, and the connection closes', async () => {
    await start({ limits: { bodyWindowMs: 100 } });
    connection.send(front.requestBytes({ method: 'PUT', headers: { 'content-length': '100' }, body: '' }));
    const { status, body } = await connection.response();
    expect([status, elementText(body, 'Code')]).toEqual([400, 'RequestTimeout']);
    await connection.closed();
  });

  test('of single bytes now and then is RequestTimeout too', async () => {
    await start({ limits: { bodyWindowMs: 200, bodyWindowBytesMin: 100 } });
    connection.send(front.requestBytes({ method: 'PUT', headers: { 'content-length': '100000' } }));
    const slow = connection;
    const dribble = setInterval(() => slow.send('x'), 10);
    try {
      expect(elementText((await connection.response()).body, 'Code')).toBe('RequestTimeout');
    } finally {
      clearInterval(dribble);
    }
  });

  test('that comes fast enough is read to its end, however long it takes', async () => {
    await start({ limits: { bodyWindowMs: 300, bodyWindowBytesMin: 1 } });
    connection.send(unsignedHead({ 'content-length': '80' }));
    let left = 80;
    const slow = connection;
    const dribble = setInterval(() => {
      slow.send('x');
      left -= 1;
      if (left === 0) clearInterval(dribble);
    }, 10);
    expect((await connection.response()).status).toBe(200);
  });

  test('does not count the time that the server itself takes', async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    await start({ limits: { bodyWindowMs: 30 } }, async ({ body }) => {
      for await (const _ of body.body) await go;
    });
    connection.send(unsignedHead({ 'content-length': '10' }));
    connection.send('12345');
    connection.send('67890');
    await new Promise((done) => setTimeout(done, 120));
    resolve();
    expect((await connection.response()).status).toBe(200);
  });
});

describe('Expect: 100-continue', () => {
  const expectation = { expect: '100-continue' };

  test('is told to continue once its operation reads the body', async () => {
    await start();
    connection.send(unsignedHead({ 'content-length': '5', ...expectation }));
    expect(await connection.head()).toBe('HTTP/1.1 100 Continue');
    connection.send('hello');
    expect((await connection.response()).status).toBe(200);
  });

  test('of a request that waits for another is told to continue before its own answer, not within it', async () => {
    // So long that it is still on its way when the next request is handled.
    const bytes = Buffer.alloc(200 * PIECE_BYTES, 'x');
    const render = () => ({ status: 200, headers: [], body: { kind: 'bytes', bytes } }) as const;
    const run = async (_: unknown, body: S3Request) => readAll({ body });
    const put = tinyOperation('PutObject', { parse: (request) => request, run, render });
    front = await Front.start({ operations: { PutObject: put } });
    connection = await front.connect();
    const first = front.requestBytes({ method: 'PUT', body: 'first' });
    connection.send(
      Buffer.concat([first, unsignedHead({ 'content-length': '5', ...expectation }), Buffer.from('hello')]),
    );
    expect((await connection.response()).body.equals(bytes)).toBe(true);
    expect(await connection.head()).toBe('HTTP/1.1 100 Continue');
    const second = await connection.response();
    expect([second.status, second.body.equals(bytes)]).toEqual([200, true]);
  });

  test.each([
    [
      'a wrong signature',
      (head: Buffer) => Buffer.from(head.toString('latin1').replace(/Signature=..../, 'Signature=0000'), 'latin1'),
      403,
    ],
    [
      'an unknown operation',
      (head: Buffer) => Buffer.from(head.toString('latin1').replace('PUT ', 'PATCH '), 'latin1'),
      403,
    ],
  ])('is refused without it for %s, and the connection closes', async (_, change, status) => {
    await start();
    connection.send(change(unsignedHead({ 'content-length': '5', ...expectation })));
    const head = await connection.head();
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain('Connection: close');
    connection.half();
    await connection.closed();
  });

  test('is refused without it by an operation that does not want the body', async () => {
    await start({}, async () => undefined);
    connection.send(unsignedHead({ 'content-length': '5', ...expectation }));
    expect(await connection.head()).toContain('HTTP/1.1 200 OK');
  });

  test.each(['200', '', 'nonsense'])('any other expectation (%j) is ignored, as S3 does', async (expect_) => {
    await start();
    connection.send(front.requestBytes({ method: 'PUT', headers: { expect: expect_ }, body: 'hello' }));
    expect((await connection.response()).status).toBe(200);
  });
});

describe('a body that is refused unread', () => {
  test('is read on, so that the client sees why, and the connection serves the next request', async () => {
    await start({}, async () => undefined);
    connection.send(unsignedHead({ 'content-length': String(16 * PIECE_BYTES) }));
    const first = connection.response();
    for (let index = 0; index < 16; index += 1) connection.send(Buffer.alloc(PIECE_BYTES));
    expect((await first).status).toBe(200);
    connection.send(front.requestBytes({ method: 'PUT', body: 'again' }));
    expect((await connection.response()).status).toBe(200);
  });

  test('of unknown length is the last of its connection', async () => {
    await start({}, async () => undefined);
    connection.send(unsignedHead({ 'transfer-encoding': 'chunked' }));
    const { status, headers } = await connection.response();
    expect([status, headers.get('connection')]).toEqual([200, 'close']);
    connection.send('0\r\n\r\n');
    await connection.closed();
  });

  test('that is larger than what is read on is cut off', async () => {
    await start({ limits: { drainBytesMax: PIECE_BYTES } }, async () => undefined);
    connection.send(unsignedHead({ 'content-length': String(1000 * PIECE_BYTES) }));
    const { status, headers } = await connection.response();
    expect([status, headers.get('connection')]).toEqual([200, 'close']);
    for (let index = 0; index < 100; index += 1) connection.send(Buffer.alloc(PIECE_BYTES));
    await connection.closed();
  });

  test('and then does not come is not waited for', async () => {
    await start({ limits: { drainTimeoutMs: 50 } }, async () => undefined);
    connection.send(unsignedHead({ 'content-length': '1000' }));
    expect((await connection.response()).status).toBe(200);
    await connection.closed();
  });
});

describe('aws-chunked', () => {
  test.each([
    ['signed with a trailer', STREAMING_SIGNED_TRAILER],
    ['unsigned with a trailer', STREAMING_UNSIGNED_TRAILER],
  ])('%s goes through in every cut of the connection, under both ways of framing', async (_, mode) => {
    let read = '';
    await start({}, async ({ body }) => {
      read = '';
      for await (const piece of body.body) read += Buffer.from(piece).toString();
      read += [...body.body.trailers].join();
    });
    const decoded = {
      'x-amz-decoded-content-length': '8',
      'x-amz-trailer': 'x-amz-checksum-crc32',
      'content-encoding': 'aws-chunked',
    };
    const request = { method: 'PUT', path: PATH, headers: { host: front.host, ...decoded } };
    const { headers, seed } = signByHeader(request, mode, front.context());
    const chunks = [Buffer.from('hello'), Buffer.from('you')];
    const signed = mode === STREAMING_SIGNED_TRAILER ? { seed } : {};
    const bytes = awsChunked({ chunks, trailers: [['x-amz-checksum-crc32', 'AAAAAA==']], ...signed }, front.context());

    connection.send(headOf({ ...headers, 'content-length': String(bytes.length) }));
    for (const byte of bytes) connection.send(Buffer.of(byte));
    expect((await connection.response()).status).toBe(200);
    expect(read).toBe('helloyoux-amz-checksum-crc32,AAAAAA==');

    connection.send(headOf({ ...headers, 'transfer-encoding': 'chunked' }));
    for (const byte of bytes)
      connection.send(Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]));
    connection.send('0\r\n\r\n');
    expect((await connection.response()).status).toBe(200);
    expect(read).toBe('helloyoux-amz-checksum-crc32,AAAAAA==');
  });
});

test.each([
  ['plain', UNSIGNED],
  ['in signed chunks', STREAMING_SIGNED],
  ['in unsigned chunks', STREAMING_UNSIGNED_TRAILER],
])('a large body %s is stored as it came: what is freed on its way was copied before', async (_, mode) => {
  await using whole = await startWholeFront('embedded');
  ({ front } = whole);
  connection = await front.connect();
  const path = `/${await whole.newBucket()}/large`;
  const content = randomBytes(CHUNK_SIZES.reduce((sum, size) => sum + size));
  const isChunked = mode !== UNSIGNED;
  const framed = isChunked
    ? { 'x-amz-decoded-content-length': String(content.length), 'content-encoding': 'aws-chunked' }
    : {};
  const request = { method: 'PUT', path, headers: { host: front.host, ...framed } };
  const { headers, seed } = signByHeader(request, mode, front.context());
  const bytes = isChunked
    ? awsChunked(
        { chunks: cut(content), ...(mode === STREAMING_SIGNED ? { seed } : { trailers: [] }) },
        front.context(),
      )
    : content;
  // More than once, and read twice: what was freed is used again.
  for (let round = 0; round < 3; round++) {
    connection.send(headOf({ ...headers, 'content-length': String(bytes.length) }, path));
    connection.send(bytes);
    expect((await connection.response()).status).toBe(200);
    const { body } = await whole.ok({ path });
    expect(sha256(body)).toBe(sha256(content));
  }
});

test('a body of 20 to 64 KiB is stored, copied and read as it came, each time it is', async () => {
  await using whole = await startWholeFront('embedded');
  ({ front } = whole);
  connection = await front.connect();
  const bucket = `/${await whole.newBucket()}`;
  for (let sizeBytes = 20_000; sizeBytes <= 64 * 1024; sizeBytes += 5_000) {
    const content = randomBytes(sizeBytes);
    await whole.ok({ method: 'PUT', path: `${bucket}/key`, body: content });
    for (const target of ['copy', 'key']) {
      const headers = { 'x-amz-copy-source': `${bucket}/key`, 'x-amz-metadata-directive': 'REPLACE' };
      await whole.ok({ method: 'PUT', path: `${bucket}/${target}`, headers });
    }
    for (const path of [`${bucket}/key`, `${bucket}/copy`, `${bucket}/key`]) {
      expect(sha256((await whole.ok({ path })).body)).toBe(sha256(content));
    }
    const { body } = await whole.ok({ path: `${bucket}/key`, headers: { range: 'bytes=1-19999' } });
    expect(sha256(body)).toBe(sha256(content.subarray(1, 20_000)));
  }
});

function cut(content: Buffer): Buffer[] {
  let start = 0;
  return CHUNK_SIZES.map((size) => {
    start += size;
    return content.subarray(start - size, start);
  });
}

type Run = (options: { readonly body: S3Request }) => Promise<unknown>;

/** A front whose PutObject does this; it reads its body to the end unless said. */
async function start(
  options: FrontOptions = {},
  run: Run = readAll,
  onError: (error: unknown) => void = () => undefined,
) {
  const put = tinyOperation('PutObject', {
    parse: (request) => request,
    run: (_, body) =>
      run({ body }).catch((error: unknown) => {
        onError(error);
        throw error;
      }),
  });
  front = await Front.start({ ...options, operations: { PutObject: put } });
  connection = await front.connect();
}

async function readAll({ body }: { readonly body: S3Request }): Promise<void> {
  for await (const _ of body.body);
}

/** The head of a PutObject whose body is not signed. */
function unsignedHead(headers: Readonly<Record<string, string>>): Buffer {
  const request = { method: 'PUT', path: PATH, headers: { host: front.host, ...headers } };
  return headOf(signByHeader(request, UNSIGNED, { keys: ALICE, atMs: front.clock.now }).headers);
}

function headOf(headers: Readonly<Record<string, string>>, path = PATH): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`PUT ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}
