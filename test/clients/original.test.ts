import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runClient } from './client.ts';
import { startPithos } from './pithos.ts';

/**
 * The walk of the README of Pithos 0.7, word for word, with the s3cmd configuration beside it: signature version 2, and
 * Pithos as a proxy. Its ports and keys are those of the test.
 * Source: https://github.com/exoscale/pithos/blob/master/README.md and doc/s3cmd.cfg there
 */
test('the walk of the README of Pithos 0.7 works with its s3cmd.cfg', async () => {
  await using pithos = await startPithos({
    env: { PITHOS_OPTIONS_SIGNATURE_V2: 'true', PITHOS_OPTIONS_SERVICE_URI: 's3.example.com' },
  });
  const [host = '', port = ''] = pithos.host.split(':');
  await mkdir(join(pithos.folder, 'doc'));
  await writeFile(
    join(pithos.folder, 'doc/s3cmd.cfg'),
    `[default]
host_base = s3.example.com
host_bucket = %(bucket)s.s3.example.com
access_key = ${pithos.accessKeyId}
secret_key = ${pithos.secretAccessKey}
signature_v2 = True
# Remove those lines when not running locally:
use_https = False
proxy_host = ${host}
proxy_port = ${port}
`,
  );
  const options = { cwd: pithos.folder, env: pithos.env };
  const s3cmd = (...args: string[]): Promise<string> => runClient('s3cmd', args, options);
  expect(await s3cmd('--config', 'doc/s3cmd.cfg', 'mb', 's3://my-bucket')).toBe("Bucket 's3://my-bucket/' created\n");
  expect(await s3cmd('--config', 'doc/s3cmd.cfg', 'ls', 's3://')).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d {2}s3:\/\/my-bucket\n$/,
  );
  expect(await s3cmd('-c', 'doc/s3cmd.cfg', 'mb', 'S3://second')).toContain("Bucket 's3://second/' created");
  await writeFile(join(pithos.folder, 'hello.txt'), 'hello\n');
  await s3cmd('-c', 'doc/s3cmd.cfg', 'put', 'hello.txt', 's3://my-bucket/a b/hello.txt');
  expect(await s3cmd('-c', 'doc/s3cmd.cfg', 'la')).toContain('DIR  s3://my-bucket/a b/');
  expect(await s3cmd('-c', 'doc/s3cmd.cfg', 'get', '--quiet', 's3://my-bucket/a b/hello.txt', '-')).toBe('hello\n');
});
