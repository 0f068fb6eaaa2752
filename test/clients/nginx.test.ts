import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClient, tryClient } from './client.ts';
import { digestFile, MIB, writeRandomFile } from './files.ts';
import { type Nginx, type NginxSettings, startNginx } from './nginx.ts';
import { type Pithos, startPithos } from './pithos.ts';

/** A host that only clients know, and whoever they tell it. */
const PUBLIC_HOST = 's3.example.com';
const FORWARDED = `proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;`;

/** Each way that a proxy stands before the server, and what makes signatures hold there. */
const WAYS = [
  { name: 'over TLS on another port, the host left alone', scheme: 'https', sets: 'proxy_set_header Host $http_host;' },
  {
    name: 'over TLS, the host changed and told by a trusted proxy',
    scheme: 'https',
    sets: `proxy_set_header Host internal; ${FORWARDED}`,
    env: { PITHOS_OPTIONS_TRUSTED_PROXIES: '127.0.0.1' },
  },
  {
    name: 'in clear, the host changed and told by a trusted proxy',
    scheme: 'http',
    sets: `proxy_set_header Host internal; ${FORWARDED}`,
    env: { PITHOS_OPTIONS_TRUSTED_PROXIES: '127.0.0.0/8' },
  },
] as const;

let folders = 0;

describe.each(WAYS)('behind nginx $name', (way) => {
  let pithos: Pithos;
  let proxy: Nginx;

  beforeAll(async () => {
    pithos = await startPithos('env' in way ? { env: way.env } : {});
    proxy = await proxyFor(pithos, { scheme: way.scheme, sets: way.sets });
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await pithos?.[Symbol.asyncDispose]();
  });

  test('header and presigned signatures hold, in parts and by range', async () => {
    await roundTrip(pithos, { endpoint: `${way.scheme}://localhost:${proxy.port}`, certificate: proxy.certificate });
  });

  test('a bucket is found by the name of the host', async () => {
    const client = clientOf(pithos, `${way.scheme}://localhost:${proxy.port}`, proxy.certificate);
    await writeFile(join(pithos.folder, 'small.txt'), 'by host');
    await runClient('aws', ['s3', 'mb', 's3://by-host'], client);
    await runClient('aws', ['s3', 'cp', 'small.txt', 's3://by-host/a b.txt'], client);
    const settings = join(pithos.folder, 'virtual');
    await writeFile(settings, '[default]\ns3 =\n  signature_version = s3v4\n  addressing_style = virtual\n');
    const env = { ...client.env, AWS_CONFIG_FILE: settings };
    const url = (await runClient('aws', ['s3', 'presign', 's3://by-host/a b.txt'], { ...client, env })).trim();
    expect(new URL(url).hostname).toBe('by-host.localhost');
    expect(await runClient('curl', ['-sS', '--cacert', proxy.certificate, url], client)).toBe('by host');
  });
});

describe('behind nginx that changes host and path', () => {
  test('a signature for a host that nobody told the server of is refused, and the answer says what to set', async () => {
    await using plain = await startPithos();
    await using other = await proxyFor(plain, { scheme: 'https', sets: 'proxy_set_header Host internal;' });
    const client = clientOf(plain, `https://localhost:${other.port}`, other.certificate);
    const refused = await tryClient('aws', ['s3', 'ls'], client);
    expect(refused.stderr).toContain('SignatureDoesNotMatch');
    expect(refused.stderr).toContain('options.public-url');
  });

  test('signatures hold for a host of options.public-url that the proxy replaces', async () => {
    const url = `https://${PUBLIC_HOST}`;
    await using pithos = await startPithos({ env: { PITHOS_OPTIONS_PUBLIC_URL: url } });
    await using proxy = await proxyFor(pithos, { scheme: 'https', sets: 'proxy_set_header Host internal;' });
    await curlRoundTrip(pithos, { url, proxy });
  });

  test('signatures hold for a path of options.public-url that the proxy takes away', async () => {
    const url = `https://${PUBLIC_HOST}/storage`;
    await using pithos = await startPithos({ env: { PITHOS_OPTIONS_PUBLIC_URL: url } });
    await using proxy = await proxyFor(pithos, { scheme: 'https', sets: '', path: '/storage/', upstreamPath: '/' });
    await curlRoundTrip(pithos, { url, proxy });
  });
});

/** Starts nginx before a server, with the directives `sets` in its location. */
function proxyFor(
  pithos: Pithos,
  options: { scheme: NginxSettings['scheme']; sets: string; path?: string; upstreamPath?: string },
): Promise<Nginx> {
  const { scheme, sets, path = '/', upstreamPath = '' } = options;
  folders += 1;
  const folder = join(pithos.folder, `nginx-${folders}`);
  return startNginx({ folder, scheme, path, location: `${sets} proxy_pass ${pithos.endpoint}${upstreamPath};` });
}

function clientOf(pithos: Pithos, endpoint: string, certificate: string) {
  return { cwd: pithos.folder, env: { ...pithos.env, AWS_ENDPOINT_URL: endpoint, AWS_CA_BUNDLE: certificate } };
}

async function roundTrip(pithos: Pithos, at: { endpoint: string; certificate: string }): Promise<void> {
  const client = clientOf(pithos, at.endpoint, at.certificate);
  const aws = (...args: string[]) => runClient('aws', args, client);
  const large = join(pithos.folder, 'large.bin');
  await writeRandomFile(large, 20 * MIB);
  await aws('s3', 'mb', 's3://proxied');
  await aws('s3', 'cp', '--no-progress', 'large.bin', 's3://proxied/a/l +ü.bin');
  await aws('s3', 'cp', '--no-progress', 's3://proxied/a/l +ü.bin', 'large.back');
  expect(await digestFile(join(pithos.folder, 'large.back'))).toBe(await digestFile(large));
  const url = (await aws('s3', 'presign', 's3://proxied/a/l +ü.bin')).trim();
  expect(url.startsWith(at.endpoint)).toBe(true);
  const curl = ['-sS', '--cacert', at.certificate, '-o', 'by-url.bin', '-w', '%{http_code}'];
  expect(await runClient('curl', [...curl, url], client)).toBe('200');
  expect(await digestFile(join(pithos.folder, 'by-url.bin'))).toBe(await digestFile(large));
  expect(await runClient('curl', [...curl, url.replace('proxied', 'proxied2')], client)).toBe('403');
}

/** By curl, which can be told where a host is: headers are signed for the public URL, and so is a URL. */
async function curlRoundTrip(pithos: Pithos, { url, proxy }: { url: string; proxy: Nginx }): Promise<void> {
  const client = clientOf(pithos, url, proxy.certificate);
  const reach = ['-sS', '--fail-with-body', '--cacert', proxy.certificate];
  const to = ['--connect-to', `${PUBLIC_HOST}:443:127.0.0.1:${proxy.port}`];
  const signed = ['--aws-sigv4', 'aws:amz:us-east-1:s3', '-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'];
  const user = ['--user', `${pithos.accessKeyId}:${pithos.secretAccessKey}`];
  const curl = (...args: string[]) => runClient('curl', [...reach, ...to, ...signed, ...user, ...args], client);
  await writeFile(join(pithos.folder, 'small.txt'), 'by public url');
  await curl('-X', 'PUT', `${url}/public-url`);
  await curl('-T', 'small.txt', `${url}/public-url/a/k%20%C3%BC.txt`);
  expect(await curl(`${url}/public-url/a/k%20%C3%BC.txt`)).toBe('by public url');
  const presigned = (await runClient('aws', ['s3', 'presign', 's3://public-url/a/k ü.txt'], client)).trim();
  expect(presigned.startsWith(`${url}/public-url/`)).toBe(true);
  expect(await runClient('curl', [...reach, ...to, presigned], client)).toBe('by public url');
}
