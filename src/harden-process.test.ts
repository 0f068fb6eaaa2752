import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const MODULE = new URL('./harden-process.ts', import.meta.url).href;
const MAIN = new URL('./main.ts', import.meta.url).pathname;
const SECRET = 'a-secret-of-the-environment';

/** Runs a script in a process of its own, after the module where `isHardened`; what it printed, on both streams. */
async function run(script: string, { isHardened = true, env = {} } = {}): Promise<string> {
  const source = `${isHardened ? `await import(${JSON.stringify(MODULE)});` : ''}${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => output.push(bytes));
  await once(child, 'close');
  return Buffer.concat(output).toString();
}

test('the program is hardened before it loads anything else but what Node 20 lacks', () => {
  const imports = readFileSync(MAIN, 'utf8').match(/^import .*$/gm);
  expect(imports?.slice(0, 2)).toEqual(["import './node-20.ts';", "import './harden-process.ts';"]);
});

test('no name from outside changes a prototype', async () => {
  const script = "const o = {}; o['__proto__'] = { isAdmin: true }; console.log(o.isAdmin, Object.keys(o).length);";
  expect(await run(script)).toBe('undefined 1\n');
  expect(await run(script, { isHardened: false })).toBe('true 0\n');
});

test('a signal opens no debugger', async () => {
  const script = "process.kill(process.pid, 'SIGUSR1'); await new Promise((end) => setTimeout(end, 500));";
  expect(await run(script)).toBe('');
  expect(await run(script, { isHardened: false })).toContain('Debugger listening');
});

test('a diagnostic report holds nothing of the environment', async () => {
  const script = 'console.log(JSON.stringify(process.report.getReport()));';
  const env = { PITHOS_SECRET_ACCESS_KEY: SECRET };
  expect(await run(script, { env })).not.toContain(SECRET);
  expect(await run(script, { env, isHardened: false })).toContain(SECRET);
});
