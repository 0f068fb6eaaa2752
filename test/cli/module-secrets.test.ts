import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

test('no password that a module of somebody else was told is printed, by its error or by config print', async () => {
  await using parent = await makeTempDir();
  const file = join(parent.path, 'pithos.yaml');
  const module =
    "export default ({ url, password }) => { throw new Error(url + ' refused ' + password + '\\u001b[2J'); };";
  await writeFile(join(parent.path, 'store.mjs'), module);
  await writeFile(
    file,
    'keystore: { use: ./store.mjs, url: "pg://me:hunter2@db", password: "open sesame", pool: { token: t0ken } }\n',
  );
  const served = await runPithos([
    'serve',
    join(parent.path, 'data'),
    '-f',
    file,
    '--port',
    '0',
    '--admin-port',
    'off',
  ]);
  expect(served).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      'The module ./store.mjs did not open its store: pg://***@db refused ***\\u001b[2J\n',
    ),
  });
  const printed = await runPithos(['config', 'print', '-f', file]);
  expect(printed.stdout).toContain('pg://***@db');
  expect(printed.stdout).not.toMatch(/hunter2|open sesame|t0ken/);
});
