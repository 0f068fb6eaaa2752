import { expect, test } from 'vitest';
import { contentRange, parseRange, resolveRange } from './range.ts';

/** Of an object of 10 bytes: the Content-Range of the answer, 416, or `whole`. */
const CASES: readonly (readonly [header: string | undefined, answer: string])[] = [
  [undefined, 'whole'],
  ['bytes=0-0', 'bytes 0-0/10'],
  ['bytes=0-9', 'bytes 0-9/10'],
  ['bytes=3-5', 'bytes 3-5/10'],
  ['bytes=3-', 'bytes 3-9/10'],
  ['bytes=3-100', 'bytes 3-9/10'],
  ['bytes=9-', 'bytes 9-9/10'],
  ['bytes=-1', 'bytes 9-9/10'],
  ['bytes=-10', 'bytes 0-9/10'],
  ['bytes=-100', 'bytes 0-9/10'],
  ['bytes=0-99999999999999999999999999', 'bytes 0-9/10'],
  ['BYTES=1-2', 'bytes 1-2/10'],
  ['bytes=10-', '416'],
  ['bytes=10-20', '416'],
  ['bytes=99999999999999999999999999-', '416'],
  ['bytes=-0', '416'],
  ['bytes=5-3', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=', 'whole'],
  ['bytes', 'whole'],
  ['bytes=a-b', 'whole'],
  ['bytes=1e1-', 'whole'],
  ['bytes=+1-2', 'whole'],
  ['bytes=٣-٤', 'whole'],
  ['bytes=0-1,3-4', 'whole'],
  ['items=0-1', 'whole'],
  ['0-1', 'whole'],
];

test.each(CASES)('Range %s of 10 bytes is answered %s', (header, answer) => {
  expect(answerTo(header, 10)).toBe(answer);
});

test.each(['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=-0'])('Range %s of no bytes cannot be satisfied', (header) => {
  expect(answerTo(header, 0)).toBe('416');
});

function answerTo(header: string | undefined, sizeBytes: number): string {
  const range = parseRange(header);
  if (range === undefined) return 'whole';
  const resolved = resolveRange(range, sizeBytes);
  return resolved === undefined ? '416' : contentRange(resolved, sizeBytes);
}
