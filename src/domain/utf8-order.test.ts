import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareUtf8 } from './utf8-order.ts';

describe('compareUtf8', () => {
  test.each([
    ['', '', 0],
    ['', 'a', -1],
    ['a', 'b', -1],
    ['a', 'aa', -1],
    ['a\0', 'a', 1],
    ['Z', 'a', -1],
    ['\u007f', '\u0080', -1],
    ['\u07ff', '\u0800', -1],
    ['\ud7ff', '\ue000', -1],
    ['\ud7ff', '\u{10000}', -1],
    ['\uffff', '\u{10000}', -1],
    ['\ue000', '\u{10ffff}', -1],
    ['\u{10000}', '\u{10ffff}', -1],
    ['\u{1f600}', '\u{1f601}', -1],
    ['x\u{1f600}', 'x\u{1f600}y', -1],
  ])('puts %j and %j in the order of their bytes', (a, b, sign) => {
    expect(Math.sign(compareUtf8(a, b))).toBe(sign);
    expect(Math.sign(compareUtf8(b, a))).toBe(sign === 0 ? 0 : -sign);
  });

  test('agrees with Buffer.compare on any two strings', () => {
    const text = fc.string({ unit: 'binary', maxLength: 6 });
    fc.assert(
      fc.property(text, text, text, (start, a, b) => {
        expect(Math.sign(compareUtf8(start + a, start + b))).toBe(
          Buffer.compare(Buffer.from(start + a), Buffer.from(start + b)),
        );
      }),
    );
  });
});
