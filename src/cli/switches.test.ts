import { expect, test } from 'vitest';
import { translateSwitches } from './switches.ts';

test.each<[line: string, command: string | undefined]>([
  ['-f pithos.yaml', 'serve --config pithos.yaml'],
  ['-f pithos.yaml -a api-run', 'serve --config pithos.yaml'],
  ['-f pithos.yaml -a install-schema', 'install-schema --config pithos.yaml'],
  ['-a install-schema -q --path=pithos.yaml', 'install-schema --config pithos.yaml --quiet'],
  ['--action install-schema', 'install-schema'],
  ['-q -f a', 'serve --config a --quiet'],
  ['--no-quiet', 'serve'],
  ['', undefined],
  ['serve -f a', undefined],
  ['-h', undefined],
  ['--version', undefined],
  ['-f', undefined],
  ['-a api-run --port 1', undefined],
])('the switches %j mean %j', (line, command) => {
  expect(translateSwitches(line.split(' ').filter(Boolean))?.join(' ')).toBe(command);
});

test('an action that there is not is a mistake', () => {
  expect(() => translateSwitches(['-a', 'fly'])).toThrow(
    'There is no action fly: there is api-run and install-schema.',
  );
});
