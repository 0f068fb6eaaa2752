import { expect, test } from 'vitest';
import { freeOnReturn, returnPiece } from '../../stores/lent-pieces.ts';
import { DEFAULT_HTTP_LIMITS } from '../limits.ts';
import { IncomingBody } from './incoming-body.ts';
import type { BodyFraming } from './request-head.ts';

/** What one read takes in, long enough to be freed, in bytes. */
const READ_BYTES = 32 * 1024;
const FREED_BYTES = typeof ArrayBuffer.prototype.transfer === 'function' ? 0 : READ_BYTES;

test('what a short body was read into is freed once the body is whole, with the head before it', async () => {
  const body = bodyOf({ kind: 'length', bytes: 2 * READ_BYTES - 8 });
  const [first, second] = [readOf(1), readOf(2)];
  expect(body.receive(freeOnReturn(first.subarray(8), first))).toBeUndefined();
  expect(body.receive(second)).toBeUndefined();
  const whole = await body.next();
  expect([whole?.length, whole?.[0], whole?.at(-1)]).toEqual([2 * READ_BYTES - 8, 1, 2]);
  expect([first.length, second.length]).toEqual([FREED_BYTES, FREED_BYTES]);
});

test('what holds the begin of the next request too is left alone', async () => {
  const body = bodyOf({ kind: 'length', bytes: 2 * READ_BYTES - 4 });
  const last = readOf(2);
  body.receive(readOf(1));
  const rest = body.receive(last);
  expect((await body.next())?.length).toBe(2 * READ_BYTES - 4);
  expect([rest?.length, rest?.[0], last.length]).toEqual([4, 2, READ_BYTES]);
});

test('what chunks were read into is freed once all of them are returned', async () => {
  const body = bodyOf({ kind: 'chunked' });
  const read = readOf(0x61);
  read.write('8\r\n', 0);
  read.write('\r\n8000\r\n', 11);
  body.receive(read);
  const [first, second] = [await body.next(), await body.next()];
  expect([first?.length, second?.length]).toEqual([8, READ_BYTES - 19]);
  if (second !== undefined) returnPiece(second);
  expect([read.length, first?.[0]]).toEqual([READ_BYTES, 0x61]);
  if (first !== undefined) returnPiece(first);
  expect(read.length).toBe(FREED_BYTES);
});

test('chunks that the next request follows leave what they were read into alone', async () => {
  const body = bodyOf({ kind: 'chunked' });
  const read = readOf(0x61);
  read.write('8\r\n', 0);
  read.write('\r\n0\r\n\r\n', 11);
  const rest = body.receive(read);
  const piece = await body.next();
  if (piece !== undefined) returnPiece(piece);
  expect([rest?.length, rest?.[0], read.length]).toEqual([READ_BYTES - 18, 0x61, READ_BYTES]);
});

function bodyOf(framing: BodyFraming): IncomingBody {
  return new IncomingBody({
    framing,
    limits: DEFAULT_HTTP_LIMITS,
    sendContinue: undefined,
    setFlowing: () => undefined,
  });
}

/** A buffer for itself, as a socket hands it over. */
function readOf(byte: number): Buffer<ArrayBuffer> {
  return Buffer.from(new ArrayBuffer(READ_BYTES)).fill(byte);
}
