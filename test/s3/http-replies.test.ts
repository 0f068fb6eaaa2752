import { afterEach, describe, expect, test } from 'vitest';
import type { Reply } from '../../src/operations/reply.ts';
import { lendPiece } from '../../src/stores/lent-pieces.ts';
import { StoreError } from '../../src/stores/store.ts';
import { elementText, type RawConnection } from '../support/raw-http.ts';
import { Front, type FrontOptions, tinyOperation } from '../support/start-front.ts';

/** One piece of a large body, in bytes. */
const PIECE_BYTES = 256 * 1024;
/** What may wait for a client that takes nothing, in bytes. */
const UNSENT_BYTES_MAX = 512 * 1024;

let front: Front;
let connection: RawConnection;

afterEach(async () => {
  connection[Symbol.dispose]();
  await front[Symbol.asyncDispose]();
});

describe('every answer', () => {
  test('carries the request id of its line in the log, and a host id', async () => {
    await start(() => plain());
    const { headers } = await get();
    expect(headers.get('x-amz-request-id')).toMatch(/^[0-9A-F]{16}$/);
    expect(headers.get('x-amz-id-2')).toBeTruthy();
    expect(headers.get('server')).toBe('Pithos');
    expect(front.logLines[0]).toMatchObject({ requestId: headers.get('x-amz-request-id'), operation: 'GetObject' });
  });

  test('sends the bytes of header values as they are, be they UTF-8 or Latin-1', async () => {
    const utf8 = Buffer.from('Zürich 💩').toString('latin1');
    const latin1 = 'Z\u00fcrich';
    await start(() =>
      plain({
        headers: [
          ['x-amz-meta-a', utf8],
          ['x-amz-meta-b', latin1],
        ],
      }),
    );
    const { headers } = await get();
    expect([headers.get('x-amz-meta-a'), headers.get('x-amz-meta-b')]).toEqual([utf8, latin1]);
  });

  test.each(['a\r\nx-injected: 1', 'a\nb', 'a\u0000b'])('never splits its head at %j: that is a 500', async (value) => {
    await start(() => plain({ headers: [['x-amz-meta-name', value]] }));
    const { status, headers, body } = await get();
    expect([status, elementText(body, 'Code'), headers.get('x-injected')]).toEqual([500, 'InternalError', undefined]);
    expect((await get()).status).toBe(500);
  });

  test.each([
    [{ kind: 'none' } as const, '0', ''],
    [{ kind: 'xml', text: '<a>ä</a>' } as const, '9', '<a>ä</a>'],
    [{ kind: 'bytes', bytes: Buffer.from('hello') } as const, '5', 'hello'],
    [{ kind: 'bytes', bytes: Buffer.alloc(0) } as const, '0', ''],
  ])('of %j has its length and its body', async (body, length, text) => {
    await start(() => plain({ body }));
    const response = await get();
    expect([response.headers.get('content-length'), response.body.toString()]).toEqual([length, text]);
    expect(response.headers.get('content-type')).toBe(body.kind === 'xml' ? 'application/xml' : undefined);
  });

  test.each([204, 304])('of status %d has no body and no length', async (status) => {
    await start(() => plain({ status }));
    const { headers } = await get();
    expect(headers.get('content-length')).toBeUndefined();
    expect((await get()).status).toBe(status);
  });
});

describe('HEAD', () => {
  test('has the length of what is not sent', async () => {
    await start(() => plain({ body: { kind: 'head', sizeBytes: 12_345 } }));
    const { headers } = await head();
    expect(headers.get('content-length')).toBe('12345');
    expect((await head()).status).toBe(200);
  });

  test('has no body where it fails, and its connection goes on', async () => {
    await start(() => {
      throw new StoreError('unavailable', 'down');
    });
    expect((await head()).status).toBe(503);
    expect((await head()).status).toBe(503);
  });
});

describe('a streamed body', () => {
  test('is sent whole, of one piece or of many', async () => {
    await start(() => streamed(3 * PIECE_BYTES, [PIECE_BYTES, 1, PIECE_BYTES - 1, PIECE_BYTES]));
    expect((await get()).body).toEqual(Buffer.alloc(3 * PIECE_BYTES, 'x'));
  });

  test('of no bytes is no body', async () => {
    await start(() => streamed(0, []));
    expect((await get()).headers.get('content-length')).toBe('0');
    expect((await get()).status).toBe(200);
  });

  test('that fails before its first byte is an error like any other', async () => {
    await start(() => streamed(10, [], new StoreError('corrupt', 'Chunk 0 does not match its checksum.')));
    const { status, body } = await get();
    expect([status, elementText(body, 'Code')]).toEqual([500, 'InternalError']);
    expect(await front.metricsText()).toContain('pithos_checksum_mismatches_total{source="store"} 1');
  });

  test.each([
    ['fails', streamed(20, [10], new StoreError('corrupt', 'Chunk 1 does not match its checksum.'))],
    ['is too short', streamed(20, [10])],
    ['is too long', streamed(20, [10, 11])],
  ])('that %s is cut, so that nobody takes the part for the whole', async (_, reply) => {
    await start(() => reply);
    connection.send(front.requestBytes());
    expect((await connection.closed()).toString()).not.toContain('x'.repeat(11));
    expect(front.logLines).toContainEqual(expect.objectContaining({ level: 'error', msg: 'answer cut short' }));
  });

  test('waits for a client that does not read, holding two pieces or so, and goes on when it does', async () => {
    let produced = 0;
    await start(() =>
      streamed(
        400 * PIECE_BYTES,
        pieces(400, () => (produced += 1)),
      ),
    );
    connection.pause();
    connection.send(front.requestBytes());
    const before = await settled(() => produced);
    expect(before).toBeLessThan(100);
    connection.resume();
    expect((await connection.response()).body.length).toBe(400 * PIECE_BYTES);
  });

  test('returns each lent piece once it has left the process, and none that has not', async () => {
    let [lent, returned] = [0, 0];
    async function* stream() {
      for (; lent < 400; lent++) yield lendPiece(Buffer.alloc(PIECE_BYTES, 'x'), () => (returned += 1));
    }
    await start(() => plain({ body: { kind: 'stream', sizeBytes: 400 * PIECE_BYTES, stream: stream() } }));
    connection.pause();
    connection.send(front.requestBytes());
    // A piece counts as lent when the next is asked for: the last one, which the client has not taken, does not yet.
    expect(await settled(() => lent)).toBeLessThan(100);
    expect(returned).toBeLessThanOrEqual(lent);
    expect((lent - returned) * PIECE_BYTES).toBeLessThanOrEqual(UNSENT_BYTES_MAX);
    connection.resume();
    expect((await connection.response()).body.equals(Buffer.alloc(400 * PIECE_BYTES, 'x'))).toBe(true);
    await expect.poll(() => returned).toBe(400);
  });

  test('is given up for a client that takes nothing for too long', async () => {
    const { promise: returned, resolve } = Promise.withResolvers<void>();
    await start(() => streamed(400 * PIECE_BYTES, pieces(400), undefined, resolve), { limits: { sendTimeoutMs: 100 } });
    connection.pause();
    connection.send(front.requestBytes());
    await returned;
  });

  test('is given up for a client that takes all but the end', async () => {
    let asked = 0;
    function* counted() {
      for (asked = 0; asked < count; asked++) yield PIECE_BYTES;
    }
    let count = 400;
    await start(() => streamed(count * PIECE_BYTES, counted()), { limits: { sendTimeoutMs: 1_000 } });
    connection.pause();
    connection.send(front.requestBytes());
    // As many as the connection has room for, and those that wait.
    count = await settled(() => asked);
    using other = await front.connect();
    other.pause();
    other.send(front.requestBytes());
    const given = expect.objectContaining({ status: 499, msg: 'request' });
    await expect.poll(() => front.logLines, { timeout: 10_000 }).toEqual(expect.arrayContaining([given, given]));
    expect(asked).toBe(count);
    expect(front.logLines).not.toContainEqual(expect.objectContaining({ status: 200, msg: 'request' }));
  });

  test('ends with its client: the stream is returned, and the log says 499', async () => {
    const { promise: returned, resolve } = Promise.withResolvers<void>();
    await start(() => streamed(400 * PIECE_BYTES, pieces(400), undefined, resolve));
    connection.pause();
    connection.send(front.requestBytes());
    connection[Symbol.dispose]();
    await returned;
    await expect.poll(() => front.logLines).toContainEqual(expect.objectContaining({ status: 499, msg: 'request' }));
    expect(front.logLines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

async function start(answer: () => Reply, options: FrontOptions = {}): Promise<void> {
  const parts = { run: async () => answer(), render: (reply: Reply) => reply };
  const operations = { GetObject: tinyOperation('GetObject', parts), HeadObject: tinyOperation('HeadObject', parts) };
  front = await Front.start({ ...options, operations });
  connection = await front.connect();
}

async function get() {
  connection.send(front.requestBytes());
  return connection.response();
}

async function head() {
  connection.send(front.requestBytes({ method: 'HEAD' }));
  return connection.response('HEAD');
}

function plain(parts: Partial<Reply> = {}): Reply {
  return { status: 200, headers: [], body: { kind: 'none' }, ...parts };
}

/** A body that says it has `sizeBytes`, in pieces of these sizes; then it throws `failure`. */
function streamed(
  sizeBytes: number,
  sizes: Iterable<number>,
  failure?: Error,
  onReturn: () => void = () => undefined,
): Reply {
  async function* stream() {
    try {
      for (const size of sizes) yield Buffer.alloc(size, 'x');
      if (failure !== undefined) throw failure;
    } finally {
      onReturn();
    }
  }
  return plain({ body: { kind: 'stream', sizeBytes, stream: stream() } });
}

function* pieces(count: number, onPiece: () => unknown = () => undefined): Generator<number> {
  for (let index = 0; index < count; index += 1) {
    onPiece();
    yield PIECE_BYTES;
  }
}

/** What `read` gives once it no longer changes. */
async function settled(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = read();
    if (now > 0 && now === last) return now;
    last = now;
  }
}
