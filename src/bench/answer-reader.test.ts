import { expect, test } from 'vitest';
import { AnswerReader } from './answer-reader.ts';

const BODY = Buffer.from('hello, body\r\n\r\n0\r\n');
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' +
  `5\r\n${BODY.subarray(0, 5)}\r\n${(BODY.length - 5).toString(16)};x=y\r\n${BODY.subarray(5)}\r\n0\r\ntrailer: 1\r\n\r\n`;
const WITH_LENGTH = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** Reads the text in pieces of so many bytes; how many pieces were taken before it was whole. */
function read(text: string, pieceBytes: number, expected?: Uint8Array) {
  const reader = new AnswerReader(expected);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    // What was given may be overwritten once it was taken.
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    const isWhole = reader.take(piece);
    piece.fill(0);
    expect(isWhole).toBe(at + pieceBytes >= bytes.length);
  }
  return reader.answer();
}

test.each([1, 2, 3, 7, 64, 10_000])('an answer is read whole from pieces of %d bytes', (pieceBytes) => {
  for (const text of [WITH_LENGTH, CHUNKED]) {
    expect(read(text, pieceBytes)).toMatchObject({ status: 200, body: BODY });
    expect(read(text, pieceBytes, BODY).body).toHaveLength(0);
  }
  expect(read('HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n', pieceBytes).status).toBe(204);
});

test('a body that differs by one bit, is cut short or goes on is an error', () => {
  const other = Buffer.from(BODY);
  other[3] = (other[3] ?? 0) ^ 1;
  for (const text of [WITH_LENGTH, CHUNKED]) {
    expect(() => read(text, 4, other)).toThrow('differs within');
    expect(() => read(text, 4, Buffer.concat([BODY, BODY]))).toThrow(`${BODY.length} bytes and not`);
    expect(() => read(text, 4, BODY.subarray(0, 4))).toThrow('differs within');
  }
  expect(() => read('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 100, BODY)).toThrow('0 bytes and not');
});

test('the body of a refusal is kept, whatever was expected', () => {
  const text = 'HTTP/1.1 503 Slow Down\r\nContent-Length: 4\r\n\r\nslow';
  expect(read(text, 5, BODY)).toMatchObject({ status: 503, body: Buffer.from('slow') });
});

test('what is no HTTP, and what comes after the answer, is an error', () => {
  expect(() => new AnswerReader(undefined).take(Buffer.from('SSH-2.0-x\r\n\r\n'))).toThrow('no answer of HTTP/1.1');
  expect(() => new AnswerReader(undefined).take(Buffer.from(`${WITH_LENGTH}x`))).toThrow('More came');
  expect(() => new AnswerReader(undefined).take(Buffer.alloc(70_000, 'x'))).toThrow('head is longer');
});
