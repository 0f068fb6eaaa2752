import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RequestHeaders } from './parameters.ts';
import { TrustedProxies } from './trusted-proxies.ts';

const PROXIES = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);

describe('the client’s address', () => {
  test.each<[string, string, Record<string, string>, string]>([
    ['without a proxy', '198.51.100.1', {}, '198.51.100.1'],
    ['by somebody who is not trusted', '198.51.100.1', { 'x-forwarded-for': '10.0.0.1' }, '198.51.100.1'],
    ['by a trusted proxy', '10.0.0.1', { 'x-forwarded-for': '198.51.100.1' }, '198.51.100.1'],
    ['by a proxy trusted by its address', '192.0.2.7', { 'x-forwarded-for': '198.51.100.1' }, '198.51.100.1'],
    ['by its neighbour', '192.0.2.8', { 'x-forwarded-for': '198.51.100.1' }, '192.0.2.8'],
    ['by IPv6', '2001:db8::1', { 'x-forwarded-for': '2001:DB9::2' }, '2001:DB9::2'],
    ['on a socket of both families', '::ffff:10.0.0.1', { 'x-forwarded-for': '::ffff:198.51.100.1' }, '198.51.100.1'],
    ['on a socket of both families, direct', '::ffff:198.51.100.1', {}, '198.51.100.1'],
    ['by IPv6 with a zone', '2001:db8::1%eth0', { 'x-forwarded-for': 'fe80::2%25eth1' }, 'fe80::2'],
    ['behind two proxies', '10.0.0.1', { 'x-forwarded-for': '198.51.100.1, 10.0.0.2' }, '198.51.100.1'],
    ['made up before it', '10.0.0.1', { 'x-forwarded-for': '203.0.113.9, 198.51.100.1' }, '198.51.100.1'],
    ['with ports', '10.0.0.1', { 'x-forwarded-for': '198.51.100.1:4711' }, '198.51.100.1'],
    ['with ports, by IPv6', '10.0.0.1', { 'x-forwarded-for': '[2001:db9::2]:4711' }, '2001:db9::2'],
    ['of proxies only', '10.0.0.1', { 'x-forwarded-for': '10.0.0.3, 10.0.0.2' }, '10.0.0.3'],
    ['hidden', '10.0.0.1', { 'x-forwarded-for': 'unknown' }, '10.0.0.1'],
    ['hidden by the second of two', '10.0.0.1', { 'x-forwarded-for': 'unknown, 10.0.0.2' }, '10.0.0.2'],
    ['unsaid', '10.0.0.1', {}, '10.0.0.1'],
    ['by Forwarded', '10.0.0.1', { forwarded: 'for=198.51.100.1;proto=https' }, '198.51.100.1'],
    ['by Forwarded, quoted', '10.0.0.1', { forwarded: 'For="[2001:db9::2]:4711"' }, '2001:db9::2'],
    ['by Forwarded, of two', '10.0.0.1', { forwarded: 'for=198.51.100.1 , for=10.0.0.2' }, '198.51.100.1'],
    ['by Forwarded, broken', '10.0.0.1', { forwarded: 'for=198.51.100.1, for="' }, '10.0.0.1'],
    [
      'by Forwarded of the client, beside what the proxy says',
      '10.0.0.1',
      { 'x-forwarded-for': '198.51.100.1', forwarded: 'for=203.0.113.9' },
      '198.51.100.1',
    ],
  ])('%s', (_, remoteAddress, headers, sourceIp) => {
    expect(look(remoteAddress, headers).sourceIp).toBe(sourceIp);
  });

  test('is never one that only the client vouches for, whatever it sends', () => {
    const address = fc.ipV4();
    fc.assert(
      fc.property(fc.array(address, { maxLength: 30 }), (madeUp) => {
        const told = [...madeUp, '198.51.100.1'].join(', ');
        expect(look('10.0.0.1', { 'x-forwarded-for': told }).sourceIp).toBe('198.51.100.1');
        expect(look('198.51.100.1', { 'x-forwarded-for': told, forwarded: `for=${madeUp[0] ?? ''}` }).sourceIp).toBe(
          '198.51.100.1',
        );
      }),
    );
  });

  test('is one, or what the socket says, whatever stands in the headers', () => {
    const garbage = fc.string({ unit: fc.constantFrom(...'0123456789abcdef.:[]%",;= for-proto') });
    fc.assert(
      fc.property(garbage, garbage, (first, second) => {
        for (const headers of [
          { 'x-forwarded-for': `${first},${second}` },
          { forwarded: `for=${first};host=${second}` },
        ]) {
          const { sourceIp } = look('10.0.0.1', headers);
          expect(isIP(sourceIp), sourceIp).not.toBe(0);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('is found within a bounded number of proxies', () => {
    const told = Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`).join(',');
    expect(look('10.0.0.1', { 'x-forwarded-for': told }).sourceIp).toBe('10.0.3.216');
  });
});

describe('how the client asked', () => {
  test.each<[string, string, Record<string, string>, unknown]>([
    [
      'nobody who is not trusted',
      '198.51.100.1',
      { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a' },
      ['http', [], undefined],
    ],
    ['the scheme', '10.0.0.1', { 'x-forwarded-proto': 'HTTPS' }, ['https', [], undefined]],
    ['no scheme that is none', '10.0.0.1', { 'x-forwarded-proto': 'ftp' }, ['http', [], undefined]],
    [
      'the host',
      '10.0.0.1',
      { 'x-forwarded-host': 'S3.Example.com:8443' },
      ['http', ['s3.example.com:8443'], undefined],
    ],
    ['no host that is none', '10.0.0.1', { 'x-forwarded-host': 'a/b' }, ['http', [], undefined]],
    ['the port', '10.0.0.1', { 'x-forwarded-port': '8443' }, ['http', [], '8443']],
    [
      'all by Forwarded',
      '10.0.0.1',
      { forwarded: 'for=198.51.100.1;proto=https;host="s3.example.com:8443"' },
      ['https', ['s3.example.com:8443'], undefined],
    ],
    [
      'what the outermost trusted proxy says',
      '10.0.0.1',
      {
        'x-forwarded-for': '198.51.100.1, 10.0.0.2',
        'x-forwarded-proto': 'https, http',
        'x-forwarded-host': 'outer, inner',
      },
      ['https', ['outer', 'inner'], undefined],
    ],
    [
      'nothing that the client put before it',
      '10.0.0.1',
      {
        'x-forwarded-for': '203.0.113.9, 198.51.100.1',
        'x-forwarded-proto': 'https, http',
        'x-forwarded-host': 'bad, good',
      },
      ['http', ['good'], undefined],
    ],
  ])('is %s', (_, remoteAddress, headers, expected) => {
    const { scheme, hosts, port } = look(remoteAddress, headers);
    expect([scheme, hosts, port]).toEqual(expected);
  });
});

test.each(['proxy.example.com', '10.0.0.0/33', '10.0.0', '::/129', '', '10.0.0.1/', '10.0.0.1-10.0.0.9'])(
  '%j is no proxy to trust',
  (range) => {
    expect(() => new TrustedProxies([range])).toThrow(TypeError);
  },
);

function look(remoteAddress: string, headers: Readonly<Record<string, string>>) {
  return PROXIES.look(new RequestHeaders(Object.entries(headers).flat()), { remoteAddress, scheme: 'http' });
}
