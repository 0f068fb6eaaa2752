import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Loads what a command needs, and prints which modules of Node that has loaded. */
const LOAD = `
for (const url of process.argv.slice(1)) await import(url);
console.log(process.moduleLoadList.join('\\n'));
`;

test.each([
  ['a server', ['../../src/cli/program.ts', '../../src/serve.ts']],
  ['a worker of a server', ['../../src/worker.ts']],
  ['a server in code', ['../../src/start-server.ts']],
])('%s starts without the HTTP client that Node brings', (_, files) => {
  const urls = files.map((file) => new URL(file, import.meta.url).href);
  const options = ['--input-type', 'module', '--eval', LOAD, '--', ...urls];
  const loaded = execFileSync(process.execPath, options, { encoding: 'utf8' });
  expect(loaded).toContain('NativeModule http');
  expect(loaded).not.toContain('undici/undici');
});
