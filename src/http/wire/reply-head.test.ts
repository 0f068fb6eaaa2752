import { describe, expect, test } from 'vitest';
import { replyHead } from './reply-head.ts';

describe('the head of an answer', () => {
  test.each([
    [200, [], 'HTTP/1.1 200 OK\r\n\r\n'],
    [206, ['Content-Length', '0'], 'HTTP/1.1 206 Partial Content\r\nContent-Length: 0\r\n\r\n'],
    [404, ['a', 'b', 'C', 'd', 'a', 'b'], 'HTTP/1.1 404 Not Found\r\na: b\r\nC: d\r\na: b\r\n\r\n'],
    [200, ['a', ''], 'HTTP/1.1 200 OK\r\na: \r\n\r\n'],
    [200, ['a', 'b:\t"c" \u00e4\u00ff'], 'HTTP/1.1 200 OK\r\na: b:\t"c" \u00e4\u00ff\r\n\r\n'],
    [200, ["!#$%&'*+-.^_`|~9", 'x'], "HTTP/1.1 200 OK\r\n!#$%&'*+-.^_`|~9: x\r\n\r\n"],
    [299, [], 'HTTP/1.1 299 \r\n\r\n'],
  ])('of status %i with %j is %j', (status, headers, text) => {
    expect(replyHead({ status, headers })).toBe(text);
  });

  test.each([
    ['CR and LF', 'b\r\nSet-Cookie: c'],
    ['LF', 'b\nc'],
    ['CR', 'b\rc'],
    ['CR and LF at its end', 'b\r\n'],
    ['LF at its end', 'b\n'],
    ['an empty line', 'b\r\n\r\nHTTP/1.1 200 OK'],
    ['NUL', 'b\0'],
    ['a control character', 'b\u001b'],
    ['DEL', 'b\u007f'],
    ['a character of two bytes whose second is LF', 'b\u010ac'],
    ['a character of two bytes whose second is CR', 'b\u560dc'],
    ['a character past a byte', '\u0100'],
    ['half of a surrogate pair', '\ud83d'],
  ])('is never split by a value with %s', (_, value) => {
    expect(() => replyHead({ status: 200, headers: ['a', value] })).toThrow(TypeError);
    expect(() => replyHead({ status: 200, headers: ['a', 'b', 'c', value] })).toThrow(TypeError);
  });

  test.each(['', ' ', 'a b', 'a:', 'a ', ' a', 'a\r\nb', 'a\n', '\n', 'a\0', '\u00e4', 'a(b)', '"a"'])(
    'has no header of name %j',
    (name) => {
      expect(() => replyHead({ status: 200, headers: [name, 'b'] })).toThrow(TypeError);
    },
  );
});
