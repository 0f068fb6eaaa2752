import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeOf } from '../../test/support/code-of.ts';
import { parseTarget, parseVirtualHosts, type RequestTarget } from './target.ts';

const HOSTS = parseVirtualHosts(['s3.example.com', 'S3.Example.org:9000']);

describe('a path-style target', () => {
  test.each([
    ['/', undefined, undefined],
    ['/b', 'b', undefined],
    ['/b/', 'b', undefined],
    ['/b/k', 'b', 'k'],
    ['/b//k', 'b', '/k'],
    ['/b//', 'b', '/'],
    ['/b/./k', 'b', './k'],
    ['/b/../k', 'b', '../k'],
    ['/b/..', 'b', '..'],
    ['/b/%2e%2e/k', 'b', '../k'],
    ['/b/%252e%252e/k', 'b', '%2e%2e/k'],
    ['/b/a%2Fb', 'b', 'a/b'],
    ['/b/a\\..\\b', 'b', 'a\\..\\b'],
    ['/b/a%5Cb', 'b', 'a\\b'],
    ['/b/k.', 'b', 'k.'],
    ['/b/k:stream', 'b', 'k:stream'],
    ['/b/a+b', 'b', 'a+b'],
    ['/b/a%20b', 'b', 'a b'],
    ['/b/%C3%A4', 'b', 'ä'],
    ['/b/\u00c3\u00a4', 'b', 'ä'],
    ['/b/%F0%9F%92%A9', 'b', '💩'],
    ['/b/k;v=1', 'b', 'k;v=1'],
    ['/b/__proto__', 'b', '__proto__'],
    ['//k', '', 'k'],
    ['/../b/k', '..', 'b/k'],
  ])('%s names bucket %j and key %j', (url, bucket, key) => {
    const target = parse(url);
    expect([target.style, target.bucket, target.key]).toEqual(['path', bucket, key]);
  });

  test.each([
    '/b/%',
    '/b/%4',
    '/b/%zz',
    '/b/%ff',
    '/b/%c3',
    '/b/%ed%a0%80',
    '/b/%c0%ae',
    '/b/\u00ff',
    '/b/a%00b',
    '/b/k#f',
    '/b?x#f',
    '/b?x=%',
    '/b?%ff=1',
    '*',
    'b/k',
    '',
    'ftp://h/b',
  ])('%j is InvalidURI', (url) => {
    expect(codeOf(() => parse(url))).toBe('InvalidURI');
  });

  test.each(['/b%2Fk', '/b%2fk/x', '/%2F', '/%2f/b/k'])(
    '%j is InvalidBucketName: it would be signed as a key is',
    (url) => {
      expect(codeOf(() => parse(url))).toBe('InvalidBucketName');
      const other = parseTarget({ url, host: 'b.s3.example.com' }, HOSTS);
      expect(other.bucket).toBe('b');
    },
  );

  test.each(['/', '/b', '/b/', '/b/k', '/b//', '//', '//k'])('%j is what an error document is about', (url) => {
    expect(parse(url).resource).toBe(url);
  });

  test('keeps every key as it was, however it is spelled', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }).filter(isKey), (key) => {
        expect(parse(`/b/${encodeURIComponent(key)}`).key).toBe(key);
      }),
    );
  });
});

describe('a query', () => {
  test.each<[string, [string, string][]]>([
    ['/b?', []],
    ['/b?a', [['a', '']]],
    ['/b?a=', [['a', '']]],
    [
      '/b?a=1&a=2',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    ['/b?a=b=c', [['a', 'b=c']]],
    ['/b?a=x+y%2B', [['a', 'x y+']]],
    [
      '/b?a=%26&&b',
      [
        ['a', '&'],
        ['b', ''],
      ],
    ],
    ['/b?a;b=1', [['a;b', '1']]],
    ['/b?a=?', [['a', '?']]],
    [
      '/b?__proto__=1&constructor',
      [
        ['__proto__', '1'],
        ['constructor', ''],
      ],
    ],
    ['/b?%C3%A4=\u00c3\u00a4', [['ä', 'ä']]],
  ])('%s is %j', (url, pairs) => {
    expect(parse(url).query.pairs).toEqual(pairs);
  });

  test('gives the first of repeated parameters, and nothing that was not sent', () => {
    const { query } = parse('/b?a=1&a=2');
    expect([query.get('a'), query.get('toString'), query.has('__proto__')]).toEqual(['1', undefined, false]);
  });
});

describe('the host', () => {
  test.each([
    ['b.s3.example.com', 'b', 'x/y'],
    ['B.S3.EXAMPLE.COM', 'b', 'x/y'],
    ['b.s3.example.com:8080', 'b', 'x/y'],
    ['my.dotted.b.s3.example.com', 'my.dotted.b', 'x/y'],
    ['b.s3.example.org:9000', 'b', 'x/y'],
    ['b.localhost:9000', 'b', 'x/y'],
    ['b.s3.example.org', 'x', 'y'],
    ['b.s3.example.org:9001', 'x', 'y'],
    ['s3.example.com', 'x', 'y'],
    ['s3.example.com:80', 'x', 'y'],
    ['localhost', 'x', 'y'],
    ['.s3.example.com', 'x', 'y'],
    ['bs3.example.com', 'x', 'y'],
    ['127.0.0.1:9000', 'x', 'y'],
    ['[::1]:9000', 'x', 'y'],
    ['other.example.net', 'x', 'y'],
    ['', 'x', 'y'],
  ])('%s and /x/y name bucket %s and key %s', (host, bucket, key) => {
    const target = parseTarget({ url: '/x/y', host }, HOSTS);
    expect([target.bucket, target.key]).toEqual([bucket, key]);
  });

  test('of a bucket turns the whole path into the key', () => {
    const target = parseTarget({ url: '//a/../%2e?acl', host: 'b.localhost' }, HOSTS);
    expect([target.style, target.key, target.resource]).toEqual(['virtual-host', '/a/../.', '/b//a/../.']);
    expect(parseTarget({ url: '/', host: 'b.localhost' }, HOSTS).key).toBeUndefined();
  });

  test.each(['a b', 'a/b', 'a@b', 'h:port', 'h:123456', 'a,b', 'http://h', '[::1', 'h#'])(
    '%j is BadRequest',
    (host) => {
      expect(codeOf(() => parseTarget({ url: '/b', host }, HOSTS))).toBe('BadRequest');
    },
  );

  test.each(['a b', '', 'h:p'])('%j is no name to configure', (name) => {
    expect(() => parseVirtualHosts([name])).toThrow(TypeError);
  });
});

describe('a target in absolute form', () => {
  test.each([
    ['http://localhost:9000/b/k?acl', 'b', 'k'],
    ['HTTP://LOCALHOST:9000/b//k', 'b', '/k'],
    ['http://localhost:9000', undefined, undefined],
    ['http://localhost:9000?acl', undefined, undefined],
    ['https://localhost:9000/b/../k', 'b', '../k'],
  ])('%s names bucket %s and key %s', (url, bucket, key) => {
    const target = parseTarget({ url, host: 'localhost:9000' }, HOSTS);
    expect([target.bucket, target.key]).toEqual([bucket, key]);
  });

  test.each([
    ['http://b.localhost/k', 'b.localhost', 'b.localhost'],
    ['http://b.localhost:80/k', 'b.localhost', 'b.localhost:80'],
    ['http://b.localhost/k', 'b.localhost:80', 'b.localhost'],
    ['http://b.localhost/k', undefined, 'b.localhost'],
  ])('%s counts for the host, beside the Host header %s', (url, header, host) => {
    const target = parseTarget({ url, host: header }, HOSTS);
    expect([target.bucket, target.key, target.host]).toEqual(['b', 'k', host]);
  });

  test('is refused where it names no host', () => {
    expect(codeOf(() => parseTarget({ url: 'http://a b/k', host: undefined }, HOSTS))).toBe('BadRequest');
  });

  test('is refused where it names another host than the Host header', () => {
    expect(codeOf(() => parseTarget({ url: 'http://b.localhost/k', host: 'localhost' }, HOSTS))).toBe('BadRequest');
    expect(codeOf(() => parseTarget({ url: 'http://u@localhost/k', host: 'localhost' }, HOSTS))).toBe('BadRequest');
  });
});

describe('the hosts that trusted proxies name', () => {
  test.each([
    ['b.s3.example.com', '127.0.0.1:9000', 'b', 'x/y', 'b.s3.example.com'],
    ['s3.example.com', 'b.localhost', 'b', 'x/y', 'b.localhost'],
    ['s3.example.com', '127.0.0.1:9000', 'x', 'y', 's3.example.com'],
    ['a.s3.example.com', 'b.s3.example.com', 'b', 'x/y', 'b.s3.example.com'],
  ])('%s before %s', (forwarded, host, bucket, key, counts) => {
    const target = parseTarget({ url: '/x/y', host, forwardedHosts: [forwarded] }, HOSTS);
    expect([target.bucket, target.key, target.host]).toEqual([bucket, key, counts]);
  });
});

function parse(url: string): RequestTarget {
  return parseTarget({ url, host: '127.0.0.1:9000' }, HOSTS);
}

function isKey(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
