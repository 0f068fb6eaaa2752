import { expect, test } from 'vitest';
import { parseTenantId } from '../../domain/names.ts';
import { ROW_BYTES_MAX, RowReader, RowWriter } from './row-codec.ts';

test('a row reads as it was written', () => {
  const integers = [0, 1, 127, 128, 16_383, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const texts = ['', 'a', '\0', 'naïve', '😀', '__proto__', 'x'.repeat(5000)];
  const row = new RowWriter();
  for (const integer of integers) row.integer(integer);
  for (const text of texts) row.text(text);
  row
    .byte(255)
    .hex('00ff7f80')
    .bytes(Uint8Array.of(1, 2, 3))
    .bytes(new Uint8Array());

  const reader = new RowReader(row.finish());
  expect(integers.map(() => reader.integer())).toEqual(integers);
  expect(texts.map(() => reader.text())).toEqual(texts);
  expect(reader.byte()).toBe(255);
  expect(reader.hex(8)).toBe('00ff7f80');
  expect([...reader.bytes()]).toEqual([1, 2, 3]);
  expect(reader.bytes()).toHaveLength(0);
});

test('a row in which any one bit is wrong is corrupt', () => {
  const row = new RowWriter().text('key').integer(42).finish();
  for (let bit = 0; bit < row.length * 8; bit++) {
    const wrong = Buffer.from(row);
    wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => new RowReader(wrong)).toThrow(expect.objectContaining({ name: 'StoreError', kind: 'corrupt' }));
  }
});

test.each([0, 1, 4, 5])('a row cut to %i bytes is corrupt', (lengthBytes) => {
  const row = new RowWriter().text('some text').finish();
  expect(() => new RowReader(row.subarray(0, lengthBytes))).toThrow('checksum');
});

test('reading past the end of a row is corrupt', () => {
  const reader = new RowReader(new RowWriter().byte(200).finish());
  reader.byte();
  expect(() => reader.byte()).toThrow('ends too early');
  const text = new RowReader(new RowWriter().integer(50).byte(1).finish());
  expect(() => text.text()).toThrow('ends too early');
});

test.each([-1, 1.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN])('%d is no integer for a row', (value) => {
  expect(() => new RowWriter().integer(value)).toThrow(RangeError);
});

test('a row has a largest size', () => {
  expect(() => new RowWriter().text('x'.repeat(ROW_BYTES_MAX))).toThrow(RangeError);
});

test('a count that the row is too short for is corrupt, and nothing is made of that size', () => {
  const row = (content: RowWriter) => new RowReader(content.finish());
  expect(row(new RowWriter().integer(2).byte(1).byte(1)).count()).toBe(2);
  const tooMany = row(new RowWriter().integer(3).byte(1).byte(1));
  expect(() => tooMany.count()).toThrow(expect.objectContaining({ name: 'StoreError', kind: 'corrupt' }));
});

test.each([8, 200])('an integer of %i bytes and more is corrupt', (countBytes) => {
  const content = new RowWriter();
  for (let count = 0; count < countBytes; count++) content.byte(0xff);
  const reader = new RowReader(content.byte(1).finish());
  expect(() => reader.integer()).toThrow(expect.objectContaining({ name: 'StoreError', kind: 'corrupt' }));
});

test('a text that is no name where one must be is corrupt', () => {
  const reader = new RowReader(new RowWriter().text('').finish());
  expect(() => reader.parsed(parseTenantId)).toThrow(expect.objectContaining({ name: 'StoreError', kind: 'corrupt' }));
});
