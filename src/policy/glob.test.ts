import { expect, test } from 'vitest';
import { randomNumbers } from '../../test/history/workload.ts';
import { canBeginWith, codePoints, matchAtOnce, matchGlob, matchStepwise } from './glob.ts';
import { globOf } from './template.ts';

test.each([
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['**', 'abc', true],
  ['?', '', false],
  ['?', 'é', true],
  ['?', '😀', true],
  ['??', '😀', false],
  ['a*', 'a/b/c', true],
  ['*a', 'ba', true],
  ['*a', 'ab', false],
  ['a*b*c', 'a1b2b3c', true],
  ['a*b*c', 'a1c2b', false],
  ['*?*', '', false],
  ['a?c', 'a/c', true],
  ['[a]', 'a', false],
  ['a.c', 'abc', false],
])('the pattern %j matches %j: %s', (pattern, text, matches) => {
  expect(matchGlob(globOf(pattern), text)).toBe(matches);
});

test.each([
  ['bucket/*', 'bucket/', true],
  ['*', 'bucket/', true],
  ['buck*x', 'bucket/', true],
  ['bucket', 'bucket/', false],
  ['bucket?', 'bucket/', true],
  ['bucket-2/*', 'bucket/', false],
  ['*/a', 'bucket/', true],
  ['', 'b', false],
])('the pattern %j can match what begins with %j: %s', (pattern, prefix, can) => {
  expect(canBeginWith(globOf(pattern), prefix)).toBe(can);
});

test('long patterns are matched as short ones are', () => {
  const random = randomNumbers(1);
  const text = (signs: string, length: number) =>
    Array.from({ length: Math.floor(random() * length) }, () => signs[Math.floor(random() * signs.length)]).join('');
  const counts = { matching: 0, not: 0 };
  for (let count = 0; count < 5_000; count++) {
    const [glob, points] = [globOf(text('ab?**', 8)), codePoints(text('ab', 8))];
    const matches = matchStepwise(glob, points);
    expect(matchAtOnce(glob, points), JSON.stringify({ glob, points })).toBe(matches);
    counts[matches ? 'matching' : 'not']++;
  }
  expect(Math.min(counts.matching, counts.not)).toBeGreaterThan(500);
});

test.each([
  ['many stars', '*a'.repeat(5_000)],
  ['one long text after a star', `*${'a'.repeat(10_000)}`],
  ['stars alone', '*'.repeat(20_000)],
  ['halves of a long text', `*${'a'.repeat(4_000)}?b*${'a'.repeat(4_000)}`],
])('no pattern keeps a server busy: %s', (_what, pattern) => {
  const glob = globOf(`${pattern}b`);
  const begunAt = performance.now();
  expect(matchGlob(glob, 'a'.repeat(8_000))).toBe(false);
  expect(canBeginWith(glob, 'b'.repeat(80))).toBe(true);
  // Step by step it takes ten times as long, and more.
  expect(performance.now() - begunAt).toBeLessThan(200);
});
