import { expect, test } from 'vitest';
import { headerBytes, headerText } from './header-text.ts';

test.each([
  ['plain', 'plain'],
  ['é', '\u00c3\u00a9'],
  ['🏭', '\u00f0\u009f\u008f\u00ad'],
  ['', ''],
])('the text %j is the bytes %j, and those are it again', (text, bytes) => {
  expect(headerBytes(text)).toBe(bytes);
  expect(headerText(bytes)).toBe(text);
});

test.each(['caf\u00e9', '\u00c3', '\u00ed\u00a0\u0080'])('the bytes %j are no UTF-8 and stand for Latin-1', (bytes) => {
  expect(headerText(bytes)).toBe(bytes);
});
