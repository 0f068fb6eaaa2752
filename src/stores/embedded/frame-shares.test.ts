import { expect, test } from 'vitest';
import { FrameShares } from './frame-shares.ts';

test.each([
  [0, 4],
  [1, 4],
  [8, 4],
  [9, 3],
  [16, 2],
  [17, 1],
  [1000, 1],
])('of %i open streams each moves %i frames at one time', (streamsCount, frames) => {
  const shares = new FrameShares(32);
  for (let count = 0; count < streamsCount; count += 1) shares.open();
  expect(shares.upTo(4)).toBe(frames);
});

test('a stream that has ended counts no more, however often it is disposed of', () => {
  const shares = new FrameShares(8);
  const [first, second] = [shares.open(), shares.open(), shares.open(), shares.open()];
  expect(shares.upTo(4)).toBe(2);
  for (const stream of [first, first, second, second]) stream[Symbol.dispose]();
  expect(shares.upTo(4)).toBe(4);
});
