import { describe, expect, test } from 'vitest';
import { codeOf } from '../../../test/support/code-of.ts';
import { mayBeginHead, parseRequestHead, parseRequestLine, type RequestHead } from './request-head.ts';

const GET = 'GET /b/k HTTP/1.1';
const HOST = 'Host: localhost:9000';
const TOKEN_PUNCTUATION = "!#$%&'*+-.^_`|~";

describe('a request line', () => {
  test.each([
    ['GET / HTTP/1.1', 'GET', '/', 1],
    ['GET / HTTP/1.0', 'GET', '/', 0],
    ['get / HTTP/1.1', 'get', '/', 1],
    [`${TOKEN_PUNCTUATION} / HTTP/1.1`, TOKEN_PUNCTUATION, '/', 1],
    [`${'M'.repeat(32)} / HTTP/1.1`, 'M'.repeat(32), '/', 1],
    ['connect / HTTP/1.1', 'connect', '/', 1],
    ['PUT /b/a%20b?x=1&y HTTP/1.1', 'PUT', '/b/a%20b?x=1&y', 1],
    ['PUT /b/;"<>\\^`{|}[]#@ HTTP/1.1', 'PUT', '/b/;"<>\\^`{|}[]#@', 1],
    ['PUT /b/\u00c3\u00a4\u0080\u00ff HTTP/1.1', 'PUT', '/b/\u00c3\u00a4\u0080\u00ff', 1],
    ['OPTIONS * HTTP/1.1', 'OPTIONS', '*', 1],
    ['GET http://h/k HTTP/1.1', 'GET', 'http://h/k', 1],
    ['GET ? HTTP/1.1', 'GET', '?', 1],
    ['GET HTTP/1.1 HTTP/1.1', 'GET', 'HTTP/1.1', 1],
  ])('%j is %s of %s in HTTP/1.%i', (line, method, target, minor) => {
    expect(parseRequestLine(line)).toEqual({ method, target, minor });
  });

  test.each([
    '',
    ' ',
    'GET',
    'GET /',
    'GET / ',
    'GET  HTTP/1.1',
    ' GET / HTTP/1.1',
    'GET  / HTTP/1.1',
    'GET /  HTTP/1.1',
    'GET / HTTP/1.1 ',
    'GET\t/ HTTP/1.1',
    'GET /\tHTTP/1.1',
    'GET /a b HTTP/1.1',
    'GET /\0 HTTP/1.1',
    'GET /\u007f HTTP/1.1',
    'GET /\u0100 HTTP/1.1',
    'GET / HTTP/1.2',
    'GET / HTTP/0.9',
    'GET / HTTP/2.0',
    'PRI * HTTP/2.0',
    'GET / HTTP/1.10',
    'GET / HTTP/11',
    'GET / http/1.1',
    'GET / HTTPS/1.1',
    'GET / ICE/1.0',
    'G(T / HTTP/1.1',
    'G\u00c4T / HTTP/1.1',
    `${'M'.repeat(33)} / HTTP/1.1`,
    'GET / HTTP/1.1\n',
    'GET / HTTP/1.1\r',
  ])('%j is BadRequest', (line) => {
    expect(codeOf(() => parseRequestLine(line))).toBe('BadRequest');
  });

  test.each(['CONNECT localhost:9000 HTTP/1.1', 'CONNECT / HTTP/1.0'])('%j is MethodNotAllowed', (line) => {
    expect(codeOf(() => parseRequestLine(line))).toBe('MethodNotAllowed');
  });
});

test.each([
  ['A', true],
  ['z', true],
  ['0', true],
  ['~', true],
  [' ', false],
  ['\0', false],
  ['\u0016', false],
  ['\r', false],
  ['\n', false],
  ['{', false],
  ['\u007f', false],
  ['\u0080', false],
])('whether a head may begin with %j: %s', (character, may) => {
  expect(mayBeginHead(character.charCodeAt(0))).toBe(may);
});

describe('a header line', () => {
  test.each([
    ['A:b', 'A', 'b'],
    ['A: b', 'A', 'b'],
    ['A: \t b\t ', 'A', 'b'],
    ['A: b \t c', 'A', 'b \t c'],
    ['A:', 'A', ''],
    ['A: \t ', 'A', ''],
    ['A: :b:', 'A', ':b:'],
    ['a-B_c: "x, y"', 'a-B_c', '"x, y"'],
    [`${TOKEN_PUNCTUATION}: x`, TOKEN_PUNCTUATION, 'x'],
    ['0: x', '0', 'x'],
    ['__proto__: x', '__proto__', 'x'],
    ['A: \u00c3\u00a4', 'A', '\u00c3\u00a4'],
    ['A: \u0080\u00ff', 'A', '\u0080\u00ff'],
    ['A: \u00a0b\u0085', 'A', '\u00a0b\u0085'],
  ])('%j is %j with value %j', (line, name, value) => {
    expect(parse(GET, HOST, line).rawHeaders.slice(2)).toEqual([name, value]);
  });

  test.each([
    ['no colon', 'A'],
    ['no name', ': b'],
    ['nothing on it, before the end', ''],
    ['a space before the colon', 'A : b'],
    ['a tab before the colon', 'A\t: b'],
    ['a space before the name', ' A: b'],
    ['a fold by a space', 'A: b\r\n c'],
    ['a fold by a tab', 'A: b\r\n\tc: d'],
    ['a fold of nothing but spaces', 'A: b\r\n  '],
    ['a space in its name', 'A b: c'],
    ['a bracket in its name', 'A(b): c'],
    ['a quote in its name', '"A": c'],
    ['a byte past ASCII in its name', 'A\u00e4: c'],
    ['a control character in its name', 'A\u0001: c'],
    ['NUL in its value', 'A: b\0c'],
    ['NUL at its end', 'A: b\0'],
    ['a control character in its value', 'A: b\u0001c'],
    ['a vertical tab before its value', 'A:\u000bb'],
    ['a form feed before its value', 'A:\u000cb'],
    ['an escape in its value', 'A: \u001b[0m'],
    ['DEL in its value', 'A: b\u007f'],
    ['a bare LF in its value', 'A: b\nContent-Length: 3'],
    ['a bare CR in its value', 'A: b\rContent-Length: 3'],
    ['a bare CR before its end', 'A: b\r'],
    ['a bare LF before its end', 'A: b\n'],
    ['a bare LF after its end', 'A: b\r\n\nC: d'],
  ])('with %s is BadRequest', (_, line) => {
    expect(codeOf(() => parse(GET, HOST, line))).toBe('BadRequest');
    expect(codeOf(() => parse(GET, line, HOST))).toBe('BadRequest');
  });

  test.each(['GET / HTTP/1.1\nHost: a\r\n', 'GET / HTTP/1.1\rHost: a\r\n', 'GET / HTTP/1.1\r\nHost: a\n', ''])(
    'is BadRequest where a line of the head does not end with CR and LF: %j',
    (text) => {
      expect(codeOf(() => parseRequestHead(text))).toBe('BadRequest');
    },
  );

  test('keeps its place, its case and its repetitions', () => {
    const { rawHeaders } = parse(GET, 'b: 1', HOST, 'B: 2', 'a: 3', 'b: 1');
    expect(rawHeaders).toEqual(['b', '1', 'Host', 'localhost:9000', 'B', '2', 'a', '3', 'b', '1']);
  });

  test('keeps every byte of a value that is no control, one character each', () => {
    const bytes = Array.from({ length: 256 }, (_, code) => code).filter(
      (code) => code === 0x09 || (code >= 0x20 && code !== 0x7f),
    );
    const value = `<${String.fromCharCode(...bytes)}>`;
    expect(parse(GET, HOST, `A: ${value}`).rawHeaders.at(-1)).toBe(value);
  });
});

describe('the host', () => {
  test.each([
    ['HTTP/1.1 with one', ['GET / HTTP/1.1', 'Host: a']],
    ['HTTP/1.1 with one in another case', ['GET / HTTP/1.1', 'hOST: a']],
    ['HTTP/1.1 with an empty one', ['GET / HTTP/1.1', 'Host:']],
    ['HTTP/1.0 with one', ['GET / HTTP/1.0', 'Host: a']],
    ['HTTP/1.0 with none', ['GET / HTTP/1.0']],
  ])('is right in %s', (_, lines) => {
    expect(parse(...lines).body).toEqual({ kind: 'none' });
  });

  test.each([
    ['HTTP/1.1 with none', ['GET / HTTP/1.1']],
    ['HTTP/1.1 with a header of another name alone', ['GET / HTTP/1.1', 'Hosts: a', 'Hos: a', 'Xost: a']],
    ['HTTP/1.1 with two', ['GET / HTTP/1.1', 'Host: a', 'Host: b']],
    ['HTTP/1.1 with the same twice', ['GET / HTTP/1.1', 'Host: a', 'host: a']],
    ['HTTP/1.0 with two', ['GET / HTTP/1.0', 'Host: a', 'Host: a']],
  ])('is BadRequest in %s', (_, lines) => {
    expect(codeOf(() => parse(...lines))).toBe('BadRequest');
  });
});

describe('a connection', () => {
  test.each<[minor: 0 | 1, headers: string[], goesOn: boolean]>([
    [1, [], true],
    [1, ['Connection: keep-alive'], true],
    [1, ['Connection: close'], false],
    [1, ['connection: CLOSE'], false],
    [1, ['Connection: x, close'], false],
    [1, ['Connection:x,\tClose\t,y'], false],
    [1, ['Connection: ,,close,'], false],
    [1, ['Connection: x', 'Connection: close'], false],
    [1, ['Connection: close', 'Connection: keep-alive'], false],
    [1, ['Connection: close x'], true],
    [1, ['Connection: closed'], true],
    [1, ['Connection: "close"'], true],
    [1, ['Connection:'], true],
    [1, ['Proxy-Connection: close'], true],
    [1, ['Connection: upgrade', 'Upgrade: h2c'], true],
    [0, [], false],
    [0, ['Connection: close'], false],
    [0, ['Connection: keep-alive'], true],
    [0, ['Connection: Keep-Alive'], true],
    [0, ['Connection: x, keep-alive'], true],
    [0, ['Connection: x', 'Connection: keep-alive'], true],
    [0, ['Connection: keep-alives'], false],
    [0, ['Keep-Alive: timeout=5'], false],
  ])('of HTTP/1.%i with %j goes on: %s', (minor, headers, goesOn) => {
    expect(parse(`GET / HTTP/1.${minor}`, HOST, ...headers).isPersistent).toBe(goesOn);
  });

  test.each([['Connection: keep-alive, close'], ['Connection: close', 'Connection: keep-alive']])(
    'of HTTP/1.0 that is to close went on because it was to be kept alive too: %j, %j',
    (...headers) => {
      expect(parse('GET / HTTP/1.0', ...headers).isPersistent).toBe(false);
    },
  );
});

describe('the length of a body', () => {
  test.each([
    ['Content-Length: 0', { kind: 'none' }],
    ['Content-Length: 00', { kind: 'none' }],
    ['Content-Length: 1', { kind: 'length', bytes: 1 }],
    ['content-length:12', { kind: 'length', bytes: 12 }],
    ['CONTENT-LENGTH: \t12\t ', { kind: 'length', bytes: 12 }],
    ['Content-Length: 0012', { kind: 'length', bytes: 12 }],
    ['Content-Length: 9007199254740991', { kind: 'length', bytes: Number.MAX_SAFE_INTEGER }],
    ['Content_Length: 5', { kind: 'none' }],
    ['X-Content-Length: 5', { kind: 'none' }],
  ])('%j is %j', (header, body) => {
    expect(parse('PUT / HTTP/1.1', HOST, header).body).toEqual(body);
    expect(parse('GET / HTTP/1.0', header).body).toEqual(body);
  });

  test.each([
    'Content-Length:',
    'Content-Length: +1',
    'Content-Length: -1',
    'Content-Length: 1.0',
    'Content-Length: 1e3',
    'Content-Length: 0x10',
    'Content-Length: 1_000',
    'Content-Length: 1 0',
    'Content-Length: 1,1',
    'Content-Length: 1;',
    'Content-Length: "1"',
    'Content-Length: \u00b2',
    'Content-Length: \u00a01',
    'Content-Length: NaN',
    'Content-Length: Infinity',
    'Content-Length: 10000000000000000',
    'Content-Length: 00000000000000001',
    'Content-Length: 18446744073709551616',
    'Content-Length: 1\r\nContent-Length: 1',
    'Content-Length: 1\r\nX: y\r\ncontent-length: 2',
    'Content-Length: 0\r\nContent-Length: 1',
  ])('%j is BadRequest', (header) => {
    expect(codeOf(() => parse('PUT / HTTP/1.1', HOST, header))).toBe('BadRequest');
  });
});

describe('the coding of a body', () => {
  test.each(['Transfer-Encoding: chunked', 'transfer-encoding:CHUNKED  ', 'TRANSFER-ENCODING: Chunked'])(
    '%j ends it by chunks',
    (header) => {
      expect(parse('PUT / HTTP/1.1', HOST, header).body).toEqual({ kind: 'chunked' });
    },
  );

  test.each([
    'Transfer-Encoding:',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: chunked,',
    'Transfer-Encoding: ,chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: chunked\u00a0',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  ])('%j is NotImplemented', (header) => {
    expect(codeOf(() => parse('PUT / HTTP/1.1', HOST, header))).toBe('NotImplemented');
  });

  test.each([
    ['HTTP/1.1 with a length before it', ['PUT / HTTP/1.1', HOST, 'Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['HTTP/1.1 with a length after it', ['PUT / HTTP/1.1', HOST, 'Transfer-Encoding: chunked', 'Content-Length: 5']],
    ['HTTP/1.1 with a length of 0', ['PUT / HTTP/1.1', HOST, 'Transfer-Encoding: chunked', 'Content-Length: 0']],
    ['HTTP/1.1 with a tab after it', ['PUT / HTTP/1.1', 'Transfer-Encoding: chunked\t', HOST]],
    ['HTTP/1.1 with a tab before it', ['PUT / HTTP/1.1', HOST, 'transfer-encoding:\tchunked']],
    ['HTTP/1.0', ['PUT / HTTP/1.0', HOST, 'Transfer-Encoding: chunked']],
    ['HTTP/1.0 with a length', ['PUT / HTTP/1.0', 'Content-Length: 5', 'Transfer-Encoding: chunked']],
  ])('is BadRequest in %s', (_, lines) => {
    expect(codeOf(() => parse(...lines))).toBe('BadRequest');
  });
});

test.each<[minor: 0 | 1, headers: string[], waits: boolean]>([
  [1, [], false],
  [1, ['Expect: 100-continue'], true],
  [1, ['eXPECT:100-CONTINUE '], true],
  [1, ['Expect: x', 'Expect: 100-Continue'], true],
  [1, ['Expect: 100-Continue', 'Expect: x'], true],
  [1, ['Expect: 100-continue, x'], false],
  [1, ['Expect: 200-ok'], false],
  [1, ['Expect:'], false],
  [0, ['Expect: 100-continue'], false],
])('a client of HTTP/1.%i with %j waits to be told to go on: %s', (minor, headers, waits) => {
  expect(parse(`PUT / HTTP/1.${minor}`, HOST, 'Content-Length: 1', ...headers).awaitsContinue).toBe(waits);
});

function parse(...lines: readonly string[]): RequestHead {
  return parseRequestHead(`${lines.join('\r\n')}\r\n`);
}
