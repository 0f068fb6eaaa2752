import { hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { md5Of } from '../src/domain/md5/stream-md5.ts';

/**
 * What a put of a short object cannot do without, and a server that does nothing else: it receives the body, computes its
 * SHA-256, which the client signed, and its MD5, which is its ETag, writes it to a file, syncs that once for all that wait,
 * and answers. Nobody is authenticated, nothing is listed, and no crash is survived. A mark for `bench/compare.ts --bare`.
 *
 *   node bench/bare.ts --port PORT --directory DIRECTORY
 */
const { values } = parseArgs({ options: { port: { type: 'string' }, directory: { type: 'string' } } });

/** Written before anybody connects, and then round and round, so that no write makes the file grow, in bytes. */
const FILE_BYTES = 256 * 1024 * 1024;
const FILLER = Buffer.alloc(4 * 1024 * 1024, 1);
const HEAD_END = '\r\n\r\n';
const REQUEST = /^(?<method>[A-Z]+) (?<path>\S+) .*\r\ncontent-length: (?<length>\d+)(?:\r\n|$)/is;
const SHA256 = /\r\nx-amz-content-sha256: ([0-9a-f]{64})(?:\r\n|$)/is;

interface Place {
  readonly start: number;
  readonly lengthBytes: number;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly resolve: (place: Place) => void;
}

const file = await open(join(values.directory ?? '.', 'bodies'), 'w+');
for (let end = 0; end < FILE_BYTES; end += FILLER.length) await file.write(FILLER);
await file.datasync();
const places = new Map<string, Place>();
let waiting: Waiting[] = [];
let writtenBytes = 0;
let isWriting = false;

createServer({ noDelay: true }, (socket) => {
  let unread: Buffer = Buffer.alloc(0);
  let answered = Promise.resolve();
  socket
    .on('error', () => undefined)
    .on('data', (bytes: Buffer) => {
      unread = unread.length === 0 ? bytes : Buffer.concat([unread, bytes]);
      const end = unread.indexOf(HEAD_END);
      if (end === -1) return;
      const head = unread.toString('latin1', 0, end);
      const { method = '', path = '', length = '0' } = REQUEST.exec(head)?.groups ?? {};
      const bodyStart = end + HEAD_END.length;
      const bodyEnd = bodyStart + Number(length);
      if (unread.length < bodyEnd) return;
      const body = unread.subarray(bodyStart, bodyEnd);
      unread = unread.subarray(bodyEnd);
      answered = answered.then(() => answer(socket, { method, path, sha256: SHA256.exec(head)?.[1], body }));
    });
}).listen(Number(values.port), '127.0.0.1');

interface BareRequest {
  readonly method: string;
  readonly path: string;
  readonly sha256: string | undefined;
  readonly body: Buffer;
}

async function answer(socket: Socket, { method, path, sha256, body }: BareRequest): Promise<void> {
  if (method === 'GET') {
    const { start, lengthBytes } = places.get(path) ?? { start: 0, lengthBytes: 0 };
    const { buffer } = await file.read(Buffer.allocUnsafe(lengthBytes), 0, lengthBytes, start);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${lengthBytes}\r\n\r\n`);
    socket.write(buffer);
    return;
  }
  if (body.length > 0 && hash('sha256', body, 'hex') !== sha256) {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  const md5 = await md5Of(body);
  if (body.length > 0) places.set(path, await store(body));
  // Left to V8, all of its heap would be collected for each 30 MiB.
  if (body.buffer instanceof ArrayBuffer && body.buffer.byteLength > Buffer.poolSize) body.buffer.transfer(0);
  socket.write(`HTTP/1.1 200 OK\r\nETag: "${md5.toString('hex')}"\r\nContent-Length: 0\r\n\r\n`);
}

/** Resolves when the bytes are on stable storage. */
function store(bytes: Buffer): Promise<Place> {
  return new Promise((resolve) => {
    waiting.push({ bytes, resolve });
    if (!isWriting) void writeOut();
  });
}

async function writeOut(): Promise<void> {
  isWriting = true;
  while (waiting.length > 0) {
    const batch = waiting;
    waiting = [];
    const batchBytes = batch.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (writtenBytes + batchBytes > FILE_BYTES) writtenBytes = 0;
    let start = writtenBytes;
    writtenBytes += batchBytes;
    await file.writev(
      batch.map(({ bytes }) => bytes),
      start,
    );
    await file.datasync();
    for (const { bytes, resolve } of batch) {
      resolve({ start, lengthBytes: bytes.length });
      start += bytes.length;
    }
  }
  isWriting = false;
}
