import { expect, test } from 'vitest';
import { parseDurationMs, parseSizeBytes } from './units.ts';

test.each<[text: string, bytes: number | undefined]>([
  ['0', 0],
  ['512', 512],
  ['512k', 512 * 1024],
  ['2 GB', 2 * 1024 ** 3],
  ['1tb', 1024 ** 4],
  ['', undefined],
  ['k', undefined],
  ['1.5g', undefined],
  ['-1', undefined],
  ['1x', undefined],
  ['999999999999t', undefined],
])('the size %j is %j bytes', (text, bytes) => {
  expect(parseSizeBytes(text)).toBe(bytes);
});

test.each<[text: string, ms: number | undefined]>([
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
  ['0s', 0],
  ['30', undefined],
  ['s', undefined],
  ['-1s', undefined],
  ['1M', undefined],
  ['999999999999d', undefined],
])('the duration %j is %j ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});
