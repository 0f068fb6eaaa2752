import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GatheredLines } from './gathered-lines.ts';

test('the lines of one turn are written together, in their order, once the turn has ended', async () => {
  const { lines, writes } = gather();
  lines.write('a\n');
  lines.write('b\n');
  expect(writes).toEqual([]);
  await nextTurn();
  expect(writes).toEqual(['a\nb\n']);
  lines.write('c\n');
  await nextTurn();
  expect(writes).toEqual(['a\nb\n', 'c\n']);
});

test('what is gathered can be written at once, and is not written again', async () => {
  const { lines, writes } = gather();
  lines.write('a\n');
  lines.flush();
  lines.flush();
  await nextTurn();
  expect(writes).toEqual(['a\n']);
});

test('many lines are not held back until the turn ends', () => {
  const { lines, writes } = gather();
  for (let count = 0; count < 100; count++) lines.write(`${'x'.repeat(1023)}\n`);
  expect(writes.map(({ length }) => length)).toEqual([64 * 1024]);
});

function gather() {
  const writes: string[] = [];
  return { writes, lines: new GatheredLines((text) => writes.push(text)) };
}
