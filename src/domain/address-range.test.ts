import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAddressRange } from './address-range.ts';

test.each([
  ['10.0.0.0/8', { family: 'ipv4', address: '10.0.0.0', prefixBits: 8 }],
  ['192.0.2.255', { family: 'ipv4', address: '192.0.2.255', prefixBits: 32 }],
  ['0.0.0.0/0', { family: 'ipv4', address: '0.0.0.0', prefixBits: 0 }],
  ['2001:DB8::/32', { family: 'ipv6', address: '2001:DB8::', prefixBits: 32 }],
  ['::1', { family: 'ipv6', address: '::1', prefixBits: 128 }],
])('%s is a range of addresses', (text, range) => {
  expect(parseAddressRange(text)).toEqual(range);
});

test.each([
  '10.0.0.0/33',
  '::/129',
  '256.0.0.1',
  '01.2.3.4',
  '1.2.3.04',
  '1.2.3',
  '1.2.3.4.',
  '1.2.3.4.5',
  ':',
  ':::',
  '10',
  'a.b.c.d',
  '/8',
  '',
])('%j is none', (text) => {
  expect(parseAddressRange(text)).toBeUndefined();
});

test('what Node takes for an address is one', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      expect(parseAddressRange(text)?.family).toBe(`ipv${isIP(text)}`);
    }),
  );
});

test('what is one, Node takes for an address', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.:af/'), maxLength: 20 }), (text) => {
      const range = parseAddressRange(text);
      if (range !== undefined) expect(`ipv${isIP(range.address)}`).toBe(range.family);
    }),
    { numRuns: 10_000 },
  );
});
