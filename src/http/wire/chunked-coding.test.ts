import { describe, expect, test } from 'vitest';
import { codeOf } from '../../../test/support/code-of.ts';
import { ChunkedCoding } from './chunked-coding.ts';

const END = '0\r\n\r\n';
/** Lengths of the pieces that a body comes in, over and over. */
const CUTS = [[Number.POSITIVE_INFINITY], [1], [2, 3], [7, 1, 64]];

describe('a body in chunks', () => {
  test.each([
    ['none', END, ''],
    ['one', `5\r\nhello\r\n${END}`, 'hello'],
    ['several', `5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n${END}`, 'hello world'],
    ['of one byte', `1\r\na\r\n1\r\nb\r\n${END}`, 'ab'],
    ['of line ends', `4\r\n\r\n\r\n\r\n2\r\n\r\n\r\n${END}`, '\r\n\r\n\r\n'],
    ['that looks like its end', `5\r\n${END}\r\n${END}`, END],
    ['of bytes past ASCII', `3\r\n\u0000\u00ff\u0080\r\n${END}`, '\u0000\u00ff\u0080'],
    ['sized in lower case', `1a\r\n${'x'.repeat(26)}\r\n${END}`, 'x'.repeat(26)],
    ['sized in upper case', `1A\r\n${'x'.repeat(26)}\r\n${END}`, 'x'.repeat(26)],
    ['sized with zeros before', `0000000000005\r\nhello\r\n${END}`, 'hello'],
    ['that ends with many zeros', '5\r\nhello\r\n0000000000000\r\n\r\n', 'hello'],
    ['larger than a piece', `10000\r\n${'x'.repeat(65_536)}\r\n${END}`, 'x'.repeat(65_536)],
    ['with an extension', `5;a\r\nhello\r\n0;b\r\n\r\n`, 'hello'],
    ['with an extension that has a value', `5;a=b\r\nhello\r\n${END}`, 'hello'],
    ['with a quoted extension', `5;a="b; \\" \\\\\t\u00e4"\r\nhello\r\n${END}`, 'hello'],
    ['with several extensions', `5;a;b=c;d="";e\r\nhello\r\n${END}`, 'hello'],
    ['with a line of 256 bytes', `5;${'a'.repeat(252)}\r\nhello\r\n${END}`, 'hello'],
    ['with a trailer', '5\r\nhello\r\n0\r\nx-amz-checksum-crc32: NhCmhg==\r\n\r\n', 'hello'],
    ['with an empty trailer', '5\r\nhello\r\n0\r\nX:\r\n\r\n', 'hello'],
    ['with several trailers', '5\r\nhello\r\n0\r\nA: b\r\nC: \t\u00e4 \r\nA: b\r\n\r\n', 'hello'],
    ['with trailers of 16 KiB', `5\r\nhello\r\n0\r\n${`A: ${'b'.repeat(1019)}\r\n`.repeat(15)}\r\n`, 'hello'],
  ])('comes out as it went in, however it is cut: %s', (_, coded, body) => {
    for (const cut of CUTS) expect(decode(coded, cut)).toEqual({ body, isAtEnd: true, rest: '' });
  });

  test.each([
    ['an empty line', `5\r\n${'hello'}\r\n${END}\r\n`, '\r\n'],
    ['a request', `${END}GET / HTTP/1.1\r\nHost: a\r\n\r\n`, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['another end', `${END}${END}`, END],
    ['one byte', `${END}x`, 'x'],
    ['what follows a trailer', `0\r\nA: b\r\n\r\nC: d\r\n\r\n`, 'C: d\r\n\r\n'],
  ])('leaves what comes after its end, however it is cut: %s', (_, coded, rest) => {
    for (const cut of CUTS) expect(decode(coded, cut)).toMatchObject({ isAtEnd: true, rest });
  });

  test.each([
    '',
    '5',
    '5\r',
    '5\r\n',
    '5\r\nhell',
    '5\r\nhello',
    '5\r\nhello\r',
    '5\r\nhello\r\n',
    '0',
    '0\r\n',
    '0\r\n\r',
  ])('is not at its end after %j, and all of it that came is there', (coded) => {
    const body = coded.startsWith('5\r\n') ? coded.slice(3, 8) : '';
    for (const cut of CUTS) expect(decode(coded, cut)).toEqual({ body, isAtEnd: false, rest: '' });
  });

  test.each([
    ['no size', '\r\nhello'],
    ['a size that is none', 'g\r\nhello'],
    ['a size with a sign', '+5\r\nhello'],
    ['a negative size', '-5\r\nhello'],
    ['a size in 0x', '0x5\r\nhello'],
    ['a space before its size', ' 5\r\nhello'],
    ['a space after its size', '5 \r\nhello'],
    ['a tab after its size', '5\t\r\nhello'],
    ['a fraction', '5.0\r\nhello'],
    ['an underscore in its size', '1_0\r\nhello'],
    ['a size of 14 digits', '00000000000005\r\nhello'],
    ['a size past all numbers', 'ffffffffffffffffffff\r\nhello'],
    ['a line past 256 bytes', `5;${'a'.repeat(253)}\r\nhello`],
    ['a line past 256 bytes without its end', `5;${'a'.repeat(255)}`],
    ['an end of its size line by LF alone', '5\nhello'],
    ['an end of its size line by CR alone', `5\rhello\r\n`],
    ['a CR too many', '5\r\r\nhello'],
    ['a control character in an extension', '5;a=\0\r\nhello'],
    ['DEL in an extension', '5;a="\u007f"\r\nhello'],
    ['an extension without a name', '5;\r\nhello'],
    ['an extension without a value', '5;a=\r\nhello'],
    ['an extension of two words', '5;a b\r\nhello'],
    ['a quote without its end', '5;a="b\r\nhello'],
    ['something after a quote', '5;a="b"c\r\nhello'],
    ['a chunk longer than its size', '4\r\nhello\r\n'],
    ['a chunk shorter than its size', '6\r\nhello\r\n0\r\n'],
    ['an end of its data by LF alone', '5\r\nhello\n'],
    ['no end of its data', `5\r\nhello${END}`],
    ['much after its data', `5\r\nhello${'x'.repeat(257)}`],
    ['an end of its end by LF alone', '0\r\n\n'],
    ['a trailer without a colon', '0\r\nA\r\n'],
    ['a trailer without a name', '0\r\n: b\r\n'],
    ['a space before the colon of a trailer', '0\r\nA : b\r\n'],
    ['a folded trailer', '0\r\nA: b\r\n c\r\n'],
    ['an end of a trailer by LF alone', '0\r\nA: b\n'],
    ['a bare CR in a trailer', '0\r\nA: b\rc\r\n'],
    ['NUL in a trailer', '0\r\nA: \0\r\n'],
    ['trailers past 16 KiB', `0\r\n${`A: ${'b'.repeat(1019)}\r\n`.repeat(16)}\r\n`],
    ['a trailer past 16 KiB without its end', `0\r\nA: ${'b'.repeat(16_384)}`],
  ])('is BadRequest with %s, however it is cut', (_, coded) => {
    for (const cut of CUTS) expect(codeOf(() => decode(coded, cut))).toBe('BadRequest');
  });

  test.each(['5 ;a', '5\t;a', '5; a', '5;a =b', '5;a= b', '5;a ', '5;a ;b'])(
    'took white space around an extension, which node:http refuses: %j',
    (line) => {
      expect(codeOf(() => decode(`${line}\r\nhello\r\n${END}`, [1]))).toBe('BadRequest');
    },
  );

  test.each([
    'Content-Length: 5',
    'content-length:',
    'Transfer-Encoding: chunked',
    'TRANSFER-ENCODING: gzip',
    'Connection: close',
  ])('took from a trailer, without a word, what a head alone may say: %j', (trailer) => {
    expect(codeOf(() => decode(`0\r\n${trailer}\r\n\r\n`, [1]))).toBe('BadRequest');
  });

  test('takes the largest size there is as a number', () => {
    const { body, isAtEnd } = decode('fffffffffffff\r\nhello', [1]);
    expect([body, isAtEnd]).toEqual(['hello', false]);
  });
});

describe('a decoder', () => {
  test('says where in what it was handed the pieces stand', () => {
    const places: number[][] = [];
    new ChunkedCoding().decode(Buffer.from(`5\r\nhello\r\n${END}`), (...place) => places.push(place));
    expect(places).toEqual([[3, 8]]);
  });

  test('waits on when it is handed nothing', () => {
    const coding = new ChunkedCoding();
    const take = () => expect.unreachable();
    expect(coding.decode(Buffer.alloc(0), take)).toBeUndefined();
    expect(coding.decode(Buffer.from('0\r\n'), take)).toBeUndefined();
    expect(coding.decode(Buffer.alloc(0), take)).toBeUndefined();
    expect(coding.isAtEnd).toBe(false);
  });

  test('leaves all that it is handed after the end', () => {
    const coding = new ChunkedCoding();
    const take = () => expect.unreachable();
    expect(coding.decode(Buffer.from(END), take)).toBeUndefined();
    expect(coding.isAtEnd).toBe(true);
    expect(coding.decode(Buffer.alloc(0), take)).toBeUndefined();
    expect(coding.decode(Buffer.from('next'), take)?.toString()).toBe('next');
  });

  test('never hands out an empty piece', () => {
    const lengths: number[] = [];
    const coding = new ChunkedCoding();
    for (const byte of Buffer.from(`2\r\nab\r\n1\r\nc\r\n${END}`)) {
      coding.decode(Buffer.of(byte), (start, end) => lengths.push(end - start));
    }
    expect(lengths).toEqual([1, 1, 1]);
  });

  test('hands out the chunks that come before one that is malformed', () => {
    const places: number[][] = [];
    const decoding = () =>
      new ChunkedCoding().decode(Buffer.from('5\r\nhello\r\nfive\r\n'), (...place) => places.push(place));
    expect(codeOf(decoding)).toBe('BadRequest');
    expect(places).toEqual([[3, 8]]);
  });
});

interface Decoded {
  readonly body: string;
  readonly isAtEnd: boolean;
  /** What was left, with what had not been handed over by then. */
  readonly rest: string;
}

/** Decodes what comes in pieces of lengths `cut`, over and over; all text is one character a byte. */
function decode(coded: string, cut: readonly number[]): Decoded {
  const coding = new ChunkedCoding();
  const bytes = Buffer.from(coded, 'latin1');
  const pieces: Buffer[] = [];
  let position = 0;
  let rest: Buffer | undefined;
  for (let count = 0; position < bytes.length && rest === undefined; count++) {
    const handed = bytes.subarray(position, position + (cut[count % cut.length] ?? 1));
    rest = coding.decode(handed, (start, end) => pieces.push(handed.subarray(start, end)));
    position += handed.length;
  }
  const body = Buffer.concat(pieces).toString('latin1');
  const left = Buffer.concat([rest ?? Buffer.alloc(0), bytes.subarray(position)]);
  return { body, isAtEnd: coding.isAtEnd, rest: left.toString('latin1') };
}
