import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Secret } from '../../domain/secret.ts';
import { SigningKey, SigningKeys } from './signing-key.ts';

test('signs as HMAC-SHA256 does', () => {
  const message = fc.string({ unit: 'grapheme-ascii', maxLength: 1024 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), message, (key, text) => {
      expect(new SigningKey(key).sign(text)).toBe(createHmac('sha256', key).update(text).digest('hex'));
    }),
  );
});

test('verifies the one signature and no other', () => {
  const key = new SigningKey(Buffer.alloc(32, 7));
  const signature = key.sign('message');
  expect(key.verify('message', signature)).toBe(true);
  for (const wrong of [
    '',
    signature.slice(1),
    `${signature}0`,
    signature.toUpperCase(),
    `${signature.slice(0, -1)}x`,
  ]) {
    expect(key.verify('message', wrong)).toBe(false);
  }
  expect(key.verify('massage', signature)).toBe(false);
});

test('refuses what is longer than anything it has to sign', () => {
  expect(() => new SigningKey(Buffer.alloc(32)).sign('m'.repeat(1025))).toThrow(RangeError);
  expect(() => new SigningKey(Buffer.alloc(65))).toThrow(RangeError);
});

test('derives the key of the example that AWS publishes, and prints nothing of it', () => {
  const secret = new Secret('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY');
  const key = new SigningKeys().get('AKIAIOSFODNN7EXAMPLE', secret, { date: '20130524', region: 'us-east-1' });
  const stringToSign = [
    'AWS4-HMAC-SHA256',
    '20130524T000000Z',
    '20130524/us-east-1/s3/aws4_request',
    '7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972',
  ].join('\n');
  expect(key.sign(stringToSign)).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
  expect(inspect(key, { showHidden: true, depth: 9 })).toBe('SigningKey {}');
});
