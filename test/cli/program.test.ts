import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

test('a mistyped command is told what it may have been, and how a directory is named, and makes none', async () => {
  const names = await readdir('.');
  expect(await runPithos(['fskc'])).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/unknown command 'fskc'[\s\S]*Did you mean fsck\?[\s\S]*pithos \.\/data/),
  });
  expect(await readdir('.')).toEqual(names);
});

test('a path alone is served', async () => {
  await using folder = await makeTempDir();
  const ended = await runPithos([folder.path, '--port', 'x']);
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--port') });
});
