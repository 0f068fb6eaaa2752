import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { type Agent, request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { readTlsPair, TlsPairError } from '../../src/tls-pair.ts';
import { startServeProcess } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

/** A pair signed by itself, under its own name. */
function makePair(directory: string, name: string): { cert: string; key: string } {
  const pair = { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', pair.key, '-out', pair.cert, ...subject], {
    stdio: 'ignore',
  });
  return pair;
}

/** Whom a new connection meets, and the status of `/health/live` there. */
async function ask(port: number): Promise<{ name: unknown; status: number | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ name: unknown; status: number | undefined }>();
  const agent: Agent | false = false;
  request({ host: '127.0.0.1', port, path: '/health/live', rejectUnauthorized: false, agent }, (response) => {
    const name =
      'getPeerCertificate' in response.socket && typeof response.socket.getPeerCertificate === 'function'
        ? response.socket.getPeerCertificate().subject.CN
        : undefined;
    response.resume().on('end', () => resolve({ name, status: response.statusCode }));
  })
    .on('error', reject)
    .end();
  return await promise;
}

test('S3 is answered over TLS, new files are used without a restart, and a broken pair is not', async () => {
  await using directory = await makeTempDir();
  const first = makePair(directory.path, 'first');
  const second = makePair(directory.path, 'second');
  const cert = join(directory.path, 'tls.crt');
  const key = join(directory.path, 'tls.key');
  const use = async (pair: { cert: string; key: string }) => {
    await copyFile(pair.cert, cert);
    await copyFile(pair.key, key);
  };
  await use(first);
  await using server = await startServeProcess({
    directory: join(directory.path, 'data'),
    args: ['--log-format', 'json', '--tls-cert', cert, '--tls-key', key],
  });
  expect(server.output()).toContain(`"endpoint":"https://127.0.0.1:${server.port}"`);
  expect(await ask(server.port)).toEqual({ name: 'first', status: 200 });

  await writeFile(cert, 'none');
  await expect.poll(() => server.output(), { timeout: 15_000 }).toContain('the old one stays');
  expect(await ask(server.port)).toEqual({ name: 'first', status: 200 });

  await use(second);
  // Each of the two workers looks for itself.
  const isUsed = () => server.output().split('a new certificate is used').length - 1;
  await expect.poll(isUsed, { timeout: 15_000 }).toBe(2);
  expect(await ask(server.port)).toEqual({ name: 'second', status: 200 });
}, 60_000);

test.each([
  ['says nothing', ''],
  ['has begun its handshake', '\u0016\u0003\u0001\u0002\u0000\u0001'],
])(
  'a client that %s and ends its side has its connection closed, and holds up no server that stops',
  async (_, bytes) => {
    await using directory = await makeTempDir();
    const { cert, key } = makePair(directory.path, 'only');
    await using server = await startServeProcess({
      directory: join(directory.path, 'data'),
      args: ['--tls-cert', cert, '--tls-key', key],
    });
    const socket = connect(server.port, '127.0.0.1');
    socket.resume().end(bytes, 'latin1');
    await once(socket, 'close');
  },
  15_000,
);

test('a pair that cannot be used is told before anything starts', async () => {
  await using directory = await makeTempDir();
  const first = makePair(directory.path, 'first');
  const second = makePair(directory.path, 'second');
  const serve = (cert: string, key: string) =>
    runPithos([
      'serve',
      join(directory.path, 'data'),
      '--port',
      '0',
      '--admin-port',
      'off',
      '--tls-cert',
      cert,
      '--tls-key',
      key,
    ]);
  const ended = await serve(first.cert, second.key);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain(`The key in ${second.key} is not that of the certificate in ${first.cert}.`);
  expect((await serve('/nowhere', first.key)).stderr).toContain('/nowhere cannot be read');
  expect((await runPithos(['config', 'check', '--set', 'service.tls.cert=/a'])).stderr).toContain(
    'needs a key beside it',
  );
});

test('what is wrong with a pair is told by the names of its files, never by what is in them', async () => {
  await using directory = await makeTempDir();
  const path = (name: string) => join(directory.path, name);
  const first = makePair(directory.path, 'first');
  const second = makePair(directory.path, 'second');
  const key = await readFile(first.key, 'utf8');
  await writeFile(path('half.key'), key.slice(0, key.length / 2));
  await writeFile(path('no-pem.key'), key.replaceAll('-----', ''));
  await mkdir(path('directory'));
  execFileSync('openssl', ['pkey', '-aes256', '-passout', 'pass:hush', '-in', first.key, '-out', path('locked.key')]);
  const secretLines = key.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
  expect(secretLines.length).toBeGreaterThan(1);
  for (const pair of [
    { cert: first.cert, key: second.key },
    { cert: first.cert, key: path('half.key') },
    { cert: first.cert, key: path('no-pem.key') },
    { cert: first.cert, key: path('locked.key') },
    { cert: first.cert, key: first.cert },
    { cert: first.key, key: first.key },
    { cert: first.cert, key: path('directory') },
    { cert: path('nothing'), key: first.key },
  ]) {
    const error = await readTlsPair(pair).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TlsPairError);
    const told = inspect(error, { depth: 10 });
    for (const line of [...secretLines, 'hush']) expect(told).not.toContain(line);
  }
});
