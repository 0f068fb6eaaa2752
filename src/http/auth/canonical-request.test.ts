import { describe, expect, test } from 'vitest';
import { authenticate, authenticateRaw, context, EMPTY, failureOf, HOST } from '../../../test/support/authenticate.ts';
import { signByHeader, UNSIGNED } from '../../../test/support/sign.ts';

describe('what is signed is what was sent', () => {
  test.each([
    ['/b/a b+c', '/b/a%20b%2Bc', '/b/a%20b%2Bc'],
    ['a plus that was not encoded', '/b/a+b', '/b/a%2Bb'],
    ['unreserved characters', '/b/a-b_c.d~e', '/b/a-b_c.d~e'],
    ['characters that JavaScript leaves alone', "/b/!'()*", '/b/%21%27%28%29%2A'],
    ['characters that need no escape, escaped', '/b/%41%7e', '/b/A~'],
    ['lower-case escapes', '/b/%c3%a4', '/b/%C3%A4'],
    ['double slashes and dots', '/b//a/../%2e/', '/b//a/.././'],
    ['an escaped slash', '/b/a%2Fb', '/b/a/b'],
    ['an escaped percent', '/b/%2541', '/b/%2541'],
    ['bytes of UTF-8 as they are', '/b/\u00c3\u00a4', '/b/%C3%A4'],
  ])('of the path: %s', async (_, path, canonicalPath) => {
    const { headers } = signByHeader({ method: 'GET', path, canonicalPath, headers: { host: HOST } }, EMPTY, context());
    expect((await authenticate(`GET ${path}`, headers)).identity.kind).toBe('user');
  });

  test.each<[string, [string, string][]]>([
    [
      'a=1&b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'b=2&a=1',
      [
        ['b', '2'],
        ['a', '1'],
      ],
    ],
    [
      'a=2&a=1&a',
      [
        ['a', '2'],
        ['a', '1'],
        ['a', ''],
      ],
    ],
    ['acl', [['acl', '']]],
    [
      'a-b=1&a=2&a.=3',
      [
        ['a-b', '1'],
        ['a', '2'],
        ['a.', '3'],
      ],
    ],
    ['prefix=a+b', [['prefix', 'a b']]],
    ['prefix=a%20b', [['prefix', 'a b']]],
    ['prefix=a%2Bb', [['prefix', 'a+b']]],
    ['prefix=%e4%b8%ad/x', [['prefix', '中/x']]],
    ['a;b=c;d', [['a;b', 'c;d']]],
    ["a=!'()*", [['a', "!'()*"]]],
  ])('of the query: %s', async (raw, query) => {
    const { headers } = signByHeader({ method: 'GET', path: '/b', query, headers: { host: HOST } }, EMPTY, context());
    expect((await authenticate(`GET /b?${raw}`, headers)).identity.kind).toBe('user');
  });

  test.each([
    ['runs of spaces count as one', [['x-amz-meta-a', 'a    b   c']], 'a b c'],
    ['space around counts as none', [['x-amz-meta-a', '  a  ']], 'a'],
    [
      'repeated headers are joined',
      [
        ['x-amz-meta-a', '1'],
        ['X-Amz-Meta-A', '2'],
      ],
      '1,2',
    ],
    ['bytes beyond ASCII count as they are', [['x-amz-meta-a', '\u00c3\u00a4']], '\u00c3\u00a4'],
    ['an empty header counts', [['x-amz-meta-a', '']], ''],
  ])('of the headers: %s', async (_, sent, signed) => {
    const request = { method: 'GET', path: '/b', headers: { host: HOST, 'x-amz-meta-a': signed } };
    const { headers } = signByHeader(request, EMPTY, context());
    const { 'x-amz-meta-a': __, ...others } = headers;
    const raw = [...Object.entries(others).flat(), ...sent.flat()];
    expect((await authenticateRaw('GET /b', raw)).identity.kind).toBe('user');
  });

  test.each([
    ['the method', (line: string) => line.replace('GET', 'PUT'), {}],
    ['the path', (line: string) => line.replace('/b/k', '/b/l'), {}],
    ['a slash of the path', (line: string) => line.replace('/b/k', '/b//k'), {}],
    ['a parameter', (line: string) => line.replace('a=1', 'a=2'), {}],
    ['one more parameter', (line: string) => `${line}&c=3`, {}],
    ['one parameter less', (line: string) => line.replace('&b=2', ''), {}],
    ['the host', (line: string) => line, { host: 'elsewhere' }],
    ['a header', (line: string) => line, { 'x-amz-meta-a': '2' }],
    ['the payload hash', (line: string) => line, { 'x-amz-content-sha256': UNSIGNED }],
  ])('and nothing else: %s', async (_, change, changed) => {
    const query = [
      ['a', '1'],
      ['b', '2'],
    ] as const;
    const signed = { host: HOST, 'x-amz-meta-a': '1' };
    const { headers } = signByHeader({ method: 'GET', path: '/b/k', query, headers: signed }, EMPTY, context());
    const error = await failureOf(authenticate(change('GET /b/k?a=1&b=2'), { ...headers, ...changed }));
    expect(error.code).toBe('SignatureDoesNotMatch');
  });
});
