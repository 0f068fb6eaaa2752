import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../bench/free-port.ts';
import { waitUntil } from '../fault/wait-until.ts';
import { withoutUserSettings } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
/** A device of Linux that takes nothing, as a full disk. */
const FULL = '/dev/full';

test.each(['json', 'pretty'])(
  'a server whose log (%s) cannot be written answers as ever, says so once, and stops as asked',
  async (format) => {
    await using dir = await makeTempDir();
    const port = await freePort();
    const args = ['serve', join(dir.path, 'data'), '--port', String(port), '--admin-port', 'off', '--workers', '1'];
    await using server = run([...args, '--log-format', format, '--log-file', FULL]);
    const answered = async () => {
      const { status } = await fetch(`http://127.0.0.1:${port}/`);
      return status === 403;
    };
    await waitUntil('it answers', () => answered().catch(() => false), { timeoutMs: 30_000 });
    for (let count = 0; count < 20; count++) expect(await answered()).toBe(true);
    server.process.kill('SIGTERM');
    await once(server.process, 'exit');
    const told = server.complaints().split('\n');
    expect(told.filter((line) => line.includes(`The log cannot be written to ${FULL}: ENOSPC`))).toHaveLength(1);
    expect(told.filter((line) => line.includes('The log cannot be written to standard output: ENOSPC'))).toHaveLength(
      1,
    );
    expect(server.process.exitCode).toBe(format === 'json' ? 0 : 1);
  },
);

test('a command whose output cannot be written says so and fails; one whose reader has gone does not', async () => {
  await using full = run(['config', 'schema']);
  await once(full.process, 'exit');
  expect(full.process.exitCode).toBe(1);
  expect(full.complaints()).toMatch(/^pithos: standard output cannot be written to: ENOSPC.*\n$/);
  const pipeline = '"$0" "$1" config schema | true';
  const gone = spawn('bash', ['-o', 'pipefail', '-c', pipeline, process.execPath, MAIN]);
  let complaints = '';
  gone.stderr.on('data', (text) => {
    complaints += text;
  });
  await once(gone, 'exit');
  expect([gone.exitCode, complaints]).toEqual([0, '']);
});

function run(args: readonly string[]) {
  const env = withoutUserSettings(process.env);
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', openSync(FULL, 'w'), 'pipe'] });
  let complaints = '';
  child.stderr?.on('data', (text) => {
    complaints += text;
  });
  return {
    process: child,
    complaints: () => complaints,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || !child.kill('SIGKILL')) return;
      await once(child, 'exit');
    },
  };
}
