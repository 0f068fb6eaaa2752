import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientPath } from './client.ts';
import { writeTree } from './files.ts';
import type { ClientName } from './install.ts';
import { type Pithos, startPithos } from './pithos.ts';

const EXAMPLES = new URL('../../examples/', import.meta.url).pathname;

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

test('examples/aws-cli.sh stores, lists, locks, shares and cleans up', async () => {
  const printed = await run('bash', [join(EXAMPLES, 'aws-cli.sh')], ['aws', 'curl']);
  expect(printed.match(/Hello, Pithos\./g)).toHaveLength(2);
  expect(printed).toContain('remove_bucket');
});

test('examples/rclone.sh copies a folder and checks the copy', async () => {
  await writeTree(join(pithos.folder, 'tree'), 40);
  const printed = await run('bash', [join(EXAMPLES, 'rclone.sh'), 'tree'], ['rclone']);
  expect(printed).toContain('Total objects: 40');
});

test('examples/sdk.ts stores an object and a stream, lists, reads and shares them', async () => {
  const printed = await run(process.execPath, [join(EXAMPLES, 'sdk.ts')], []);
  expect(printed).toContain('hello.txt: 14 bytes');
  expect(printed).toMatch(/lines\.txt: 1\d{7} bytes/);
  expect(printed.match(/Hello, Pithos\./g)).toHaveLength(2);
});

/** Runs an example as a user does, who has the clients on the path. */
async function run(file: string, args: readonly string[], clients: readonly ClientName[]): Promise<string> {
  const programs = join(pithos.folder, `programs-${clients.join('-')}`);
  await mkdir(programs);
  for (const name of clients) await symlink(clientPath(name), join(programs, name));
  const env = { ...pithos.env, PATH: [programs, pithos.env['PATH']].join(delimiter) };
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd: pithos.folder, env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${args[0]} failed:\n${stdout}\n${stderr}`, { cause: error }));
    });
  });
}
