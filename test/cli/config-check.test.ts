import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

test('config check shows what a server would use', async () => {
  await using parent = await makeTempDir();
  const file = join(parent.path, 'pithos.yaml');
  await writeFile(
    file,
    'service: { port: 8080, workers: 3 }\nkeystore: { keys: { A: { tenant: t, secret: hushhush } } }\nregions: { eu: }\nbucketstore: { default-region: eu, path: /fast }\n',
  );
  const ended = await runPithos(['config', 'check', join(parent.path, 'data'), '-f', file]);
  expect(ended).toEqual({
    code: 0,
    stderr: '',
    stdout: `${file} is valid.
  S3: 127.0.0.1 port 8080, 3 worker processes
  health, metrics: 127.0.0.1 port 9001
  durability: strict
  keystore: 1 configured keys
  bucketstore: in /fast, new buckets in eu
  region eu: metastore in ${join(parent.path, 'data')}
    STANDARD: blobs in ${join(parent.path, 'data')}
`,
  });
});

test('config check tells every mistake with its line and column', async () => {
  await using parent = await makeTempDir();
  const file = join(parent.path, 'pithos.yaml');
  await writeFile(file, 'service:\n  prt: 80\n  host: [a]\n');
  const ended = await runPithos(['config', 'check', '-f', file]);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toBe(
    `${file}:3:9: service.host: must be a host name or an IP address\n${file}:2:3: service.prt: is not known: did you mean port?\n`,
  );
});

test('what is no command or flag is told with what may be meant', async () => {
  expect(await runPithos(['serv'])).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean serve?') });
  expect(await runPithos(['serve', '--prot', '1'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--port'),
  });
  const { version } = await import('../../package.json', { with: { type: 'json' } }).then((module) => module.default);
  expect(await runPithos(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});
