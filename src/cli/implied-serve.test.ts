import { expect, test } from 'vitest';
import { withImpliedServe } from './implied-serve.ts';

const COMMANDS = ['serve', 'fsck', 'help'];
/** There where tests run. */
const DIRECTORY = 'src';

test.each<[line: string, command: string]>([
  ['', 'serve'],
  ['./data', 'serve ./data'],
  ['./data --port 0', 'serve ./data --port 0'],
  ['/srv/data', 'serve /srv/data'],
  ['.', 'serve .'],
  ['..', 'serve ..'],
  [DIRECTORY, `serve ${DIRECTORY}`],
  ['--port 0 ./data', 'serve --port 0 ./data'],
  ['--config pithos.yaml', 'serve --config pithos.yaml'],
  ['serve ./data', 'serve ./data'],
  ['fsck ./data', 'fsck ./data'],
  ['help fsck', 'help fsck'],
  ['fskc', 'fskc'],
  ['data.that.is.not.there', 'data.that.is.not.there'],
  ['-h', '-h'],
  ['--help', '--help'],
  ['--version', '--version'],
  ['-V', '-V'],
])('%j means %j', (line, command) => {
  expect(withImpliedServe(line.split(' ').filter(Boolean), COMMANDS).join(' ')).toBe(command);
});
