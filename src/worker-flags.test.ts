import { expect, test } from 'vitest';
import { workerFlags } from './worker-flags.ts';

test('workers bound what V8 takes for what is new', () => {
  const flags = workerFlags({ execArgv: ['--no-warnings'], env: {} });
  expect(flags).toEqual(['--no-warnings', '--max-semi-space-size=16']);
});

test.each([
  { execArgv: ['--max-semi-space-size=64'], env: {} },
  { execArgv: [], env: { NODE_OPTIONS: '--trace-warnings --max_semi_space_size=64' } },
])('a bound that the user has set stays: %j', (set) => {
  expect(workerFlags(set)).toEqual(set.execArgv);
});
