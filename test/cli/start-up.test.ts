import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Loads what a command needs, and prints which modules of Node that has loaded. */
const LOAD = `
for (const url of process.argv.slice(1)) await import(url);
console.log(process.moduleLoadList.join('\\n'));
`;

test.each([
  ['a server', 'the HTTP client', 'undici/undici', ['../../src/cli/program.ts', '../../src/serve.ts']],
  ['a worker of a server', 'the HTTP', 'NativeModule http', ['../../src/worker.ts']],
  ['a server in code', 'the HTTP', 'NativeModule http', ['../../src/start-server.ts']],
])('%s starts without %s that Node brings', (_name, _what, absent, files) => {
  const urls = files.map((file) => new URL(file, import.meta.url).href);
  const options = ['--input-type', 'module', '--eval', LOAD, '--', ...urls];
  const loaded = execFileSync(process.execPath, options, { encoding: 'utf8' });
  expect(loaded).toContain('NativeModule net');
  expect(loaded).not.toContain(absent);
});

/** The same, with the configuration that flags and the environment's key make, and prints every module. */
const LOAD_AND_CONFIGURE = `
import { registerHooks } from 'node:module';
registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
const [load, ...urls] = process.argv.slice(1);
for (const url of urls) await import(url);
const { loadConfiguration } = await import(load);
await loadConfiguration({
  systemFile: '/nowhere.yaml',
  flags: [{ flag: '--port', path: 'service.port', text: '0' }, { flag: 'DIR', path: 'options.data-directory', text: '.' }],
  environment: { PITHOS_ACCESS_KEY_ID: 'KEYIDKEYIDKEYID', PITHOS_SECRET_ACCESS_KEY: 'secret', PITHOS_SERVICE_WORKERS: '2' },
});
`;

test.each([
  ['a server', ['../../src/cli/program.ts', '../../src/cli/serve.ts', '../../src/serve.ts']],
  ['a worker of a server', ['../../src/worker.ts']],
])('%s that is told no more than plain settings starts without zod, yaml and prom-client', (_, files) => {
  const urls = ['../../src/config/load.ts', ...files].map((file) => new URL(file, import.meta.url).href);
  const options = ['--input-type', 'module', '--eval', LOAD_AND_CONFIGURE, '--', ...urls];
  const loaded = execFileSync(process.execPath, options, { encoding: 'utf8' });
  expect(loaded).toContain('/src/config/read-plain.ts');
  expect(loaded).not.toMatch(/node_modules\/(zod|yaml|prom-client)\//);
});

test('a server with worker processes loads what answers requests in those alone', () => {
  const urls = ['load.ts', '../cli/serve.ts', '../serve.ts'].map(
    (file) => new URL(`../../src/config/${file}`, import.meta.url).href,
  );
  const options = ['--input-type', 'module', '--eval', LOAD_AND_CONFIGURE, '--', ...urls];
  const loaded = execFileSync(process.execPath, options, { encoding: 'utf8' });
  expect(loaded).toContain('/src/worker-pool.ts');
  expect(loaded).not.toContain('/src/http/');
});
