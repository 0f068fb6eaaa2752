import { createHmac } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from '../../src/start-server.ts';
import { RawConnection, requestBytes } from '../support/raw-http.ts';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { presign, sha256, signByHeader, timestampOf } from '../support/sign.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';

/**
 * The classes in which a server tells its secrets: in logs, in errors, in what it serves of itself without credentials,
 * and by having the same ones everywhere.
 */

const REGION = 'us-east-1';
const SESSION_TOKEN = 'session-token-that-nobody-may-see';
/** A variable of the server's environment that is none of its business. */
const STRAY_VARIABLE = 'a-secret-of-another-program';

let home: TempDir;
let server: ServeProcess;
let adminPort: number;
/** Everything that was told to a client. */
const answers: string[] = [];
/** Secret parts of the requests that were sent. */
const secrets = new Set<string>();

beforeAll(async () => {
  home = await makeTempDir();
  server = await startServeProcess({
    directory: join(home.path, 'data'),
    env: { PITHOS_SERVICE_ADMIN_PORT: '0', ANOTHER_SECRET: STRAY_VARIABLE },
    args: ['--log-level', 'debug'],
  });
  adminPort = Number(/"adminEndpoint":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(server.output())?.[1]);
  const { secretAccessKey } = server.keys;
  secrets.add(secretAccessKey).add(SESSION_TOKEN).add(STRAY_VARIABLE);
  secrets.add(Buffer.from(secretAccessKey).toString('base64'));
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of [timestampOf(Date.now()).slice(0, 8), REGION, 's3', 'aws4_request']) {
    key = createHmac('sha256', key).update(part).digest();
    secrets.add(key.toString('hex')).add(key.toString('base64'));
  }
  await sendEverything();
});

afterAll(async () => {
  await server.stop();
  await home[Symbol.asyncDispose]();
});

test('no log line holds a secret, a signature, a presigned URL or a session token, whatever was sent', async () => {
  expect(server.output()).toContain('"operation":"PutObject"');
  expect(await server.stop()).toBe(0);
  const output = server.output();
  for (const secret of secrets) expect(output).not.toContain(secret);
  expect(output).not.toMatch(/Signature=|X-Amz-Signature|X-Amz-Credential|AWS4-HMAC|"authorization"/i);
});

test('no answer holds a secret that the client did not send, nor an expected signature', () => {
  const { secretAccessKey } = server.keys;
  expect(answers.length).toBeGreaterThan(20);
  for (const answer of answers) {
    for (const secret of [secretAccessKey, STRAY_VARIABLE]) expect(answer).not.toContain(secret);
    expect(answer).not.toMatch(/<(?:SignatureCalculated|ExpectedSignature)>/);
  }
});

test('what a server says of itself without credentials holds nothing of its configuration', () => {
  const own = answers.filter((answer) => answer.includes('# self #'));
  expect(own.length).toBeGreaterThan(20);
  for (const answer of own) {
    expect(answer).not.toContain(home.path);
    expect(answer).not.toContain(server.keys.accessKeyId);
    expect(answer).not.toMatch(/PITHOS_|ANOTHER_SECRET|node_modules|\/src\/|at .*\.ts:\d|v24\.\d/);
  }
  expect(own.join('\n')).toContain('pithos_requests_total');
});

describe('credentials', () => {
  test('of two servers differ, and none is one that everybody knows', async () => {
    await using one = await startServer();
    await using other = await startServer();
    const pairs = [one, other].map(({ accessKeyId, secretAccessKey }) => [accessKeyId, secretAccessKey]);
    expect(new Set(pairs.flat()).size).toBe(4);
    for (const [accessKeyId = '', secret = ''] of pairs) {
      expect(accessKeyId).toMatch(/^[A-Z0-9]{20}$/);
      expect(secret).toMatch(/^\S{40}$/);
      expect(secret).not.toContain(accessKeyId);
    }
  });

  test('are nowhere in the sources: no key material is shipped', async () => {
    const root = new URL('../../src/', import.meta.url).pathname;
    for (const file of await readdir(root, { recursive: true })) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file === REFUSED_KEYS) continue;
      const text = await readFile(join(root, file), 'utf8');
      expect(text, file).not.toMatch(
        /-----BEGIN [A-Z]|AKIA[A-Z0-9]{16}|minioadmin|(?:secret|password)\w*\s*[:=]\s*'(?!PITHOS_)[^'$]{8,}'/i,
      );
    }
  });
});

/** The keys that everybody knows, listed to be refused. */
const REFUSED_KEYS = 'config/remarks.ts';

/** Requests of every kind that carries something secret, sound and broken; and all that answers without credentials. */
async function sendEverything(): Promise<void> {
  const { keys, host, port } = server;
  const atMs = Date.now();
  const context = { keys, atMs, region: REGION };
  const authority = `${host}:${port}`;
  const plain = { host: authority, 'content-length': '0' };
  const byHeader = (method: string, path: string, extra: Record<string, string> = {}, with_ = context) =>
    signByHeader({ method, path, headers: { ...plain, ...extra } }, sha256(''), with_).headers;
  const send = async (line: string, headers: Record<string, string>) => {
    for (const text of [headers['authorization'] ?? '', line]) {
      const signature = /Signature=([0-9a-f]{64})/.exec(text)?.[1];
      if (signature !== undefined) secrets.add(signature);
    }
    await ask(port, line, headers);
  };
  const wrong = { ...context, keys: { ...keys, secretAccessKey: 'a guess' } };
  const nobody = { ...context, keys: { accessKeyId: 'NOBODY', secretAccessKey: keys.secretAccessKey } };

  await send('PUT /secrets-bucket', byHeader('PUT', '/secrets-bucket'));
  await send('PUT /secrets-bucket/key', byHeader('PUT', '/secrets-bucket/key'));
  for (const signer of [context, wrong, nobody]) {
    await send('GET /secrets-bucket/key', byHeader('GET', '/secrets-bucket/key', {}, signer));
    const request = { method: 'GET', path: '/secrets-bucket/key', headers: { host: authority } };
    await send(`GET ${presign(request, { ...signer, expiresSeconds: 60 })}`, plain);
    await send(`GET ${presign(request, { ...signer, atMs: atMs - 3_600_000, expiresSeconds: 60 })}`, plain);
    await send(`GET ${presign(request, { ...signer, expiresSeconds: -1 })}`, plain);
  }
  const token = { 'x-amz-security-token': SESSION_TOKEN };
  await send('GET /secrets-bucket/key', byHeader('GET', '/secrets-bucket/key', token));
  await send(`GET /secrets-bucket/key?X-Amz-Security-Token=${SESSION_TOKEN}`, plain);
  for (const authorization of [
    `AWS ${keys.accessKeyId}:${keys.secretAccessKey}`,
    `Bearer ${keys.secretAccessKey}`,
    `Basic ${Buffer.from(`${keys.accessKeyId}:${keys.secretAccessKey}`).toString('base64')}`,
    `AWS4-HMAC-SHA256 ${keys.secretAccessKey}`,
    '',
  ]) {
    await ask(port, 'GET /secrets-bucket/key', { ...plain, authorization });
  }
  await askOfItself(port, plain);
}

async function askOfItself(port: number, headers: Record<string, string>): Promise<void> {
  const paths = [
    '/',
    '/metrics',
    '/health',
    '/health/live',
    '/health/ready',
    '/config',
    '/env',
    '/debug/pprof',
    '/admin',
  ];
  for (const each of [port, adminPort]) {
    for (const path of [
      ...paths,
      '/minio/bootstrap/v1/verify',
      '/.env',
      '/%00',
      '/..%2f..%2fetc%2fpasswd',
      '/health/../env',
    ]) {
      for (const method of ['GET', 'POST']) await ask(each, `${method} ${path}`, headers, '# self # ');
    }
  }
}

async function ask(port: number, line: string, headers: Record<string, string>, mark = ''): Promise<void> {
  using connection = await RawConnection.open(port);
  connection.send(requestBytes(line, headers));
  const { status, headers: answered, body } = await connection.response();
  answers.push(`${mark}${status} ${JSON.stringify([...answered])} ${body}`);
}
