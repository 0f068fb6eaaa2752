import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testContactPoints } from '../../../test/support/cassandra.ts';
import { makeTempDir, type TempDir } from '../../../test/support/temp-dir.ts';
import { CertificateAuthority, type KeyPair, TlsProxy } from '../../../test/support/tls-proxy.ts';
import { inspectCluster } from './cluster.ts';
import type { TlsOptions } from './cluster-tls.ts';

/** Whose certificate the node has, and what it asks of its clients. */
const NODES = {
  'by address': { alternatives: 'IP:127.0.0.1', asksClients: false },
  'by name': { alternatives: 'DNS:localhost', asksClients: false },
  elsewhere: { alternatives: 'DNS:elsewhere.example,IP:127.9.9.9', asksClients: false },
  'of known clients': { alternatives: 'IP:127.0.0.1', asksClients: true },
} as const;
const SET_CA = 'Set ca of tls to the certificate that signed those of the nodes.';
const MUST_NAME = 'The certificate of a node must name its address, or one of the contact points.';

let directory: TempDir;
let authority: CertificateAuthority;
let client: KeyPair;
let other: KeyPair;
const proxies = new Map<string, TlsProxy>();

beforeAll(async () => {
  directory = await makeTempDir();
  authority = await CertificateAuthority.create(directory.path);
  client = await authority.sign('client', 'DNS:client');
  other = await authority.sign('other', 'DNS:other');
  const [target = ''] = testContactPoints();
  for (const [name, { alternatives, asksClients }] of Object.entries(NODES)) {
    const pair = await authority.sign(name.replaceAll(' ', '-'), alternatives);
    proxies.set(name, await TlsProxy.start(target, pair, asksClients ? authority.cert : undefined));
  }
});

afterAll(async () => {
  for (const proxy of proxies.values()) await proxy[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function outcome(host: string, node: keyof typeof NODES, tls: TlsOptions): Promise<string> {
  const contactPoints = [`${host}:${proxies.get(node)?.port}`];
  const options = { contactPoints, requestTimeoutMs: 5_000, nowMs: () => Date.now(), tls };
  return await inspectCluster(options).then(() => 'connected', String);
}

test.each<[host: string, node: keyof typeof NODES]>([
  ['127.0.0.1', 'by address'],
  ['localhost', 'by address'],
  ['localhost', 'by name'],
])('%s may be a node that is certified %s', async (host, node) => {
  expect(await outcome(host, node, { ca: authority.cert, verify: true })).toBe('connected');
});

test('a node that asks clients for a certificate gets it', async () => {
  expect(await outcome('127.0.0.1', 'of known clients', { ca: authority.cert, ...client, verify: true })).toBe(
    'connected',
  );
});

test('without verify any certificate goes', async () => {
  expect(await outcome('127.0.0.1', 'elsewhere', { verify: false })).toBe('connected');
});

test.each<[what: string, host: string, node: keyof typeof NODES, tls: () => TlsOptions, advice: string]>([
  ['of an unknown authority', '127.0.0.1', 'by address', () => ({ verify: true }), SET_CA],
  ['of another host', '127.0.0.1', 'by name', () => ({ ca: authority.cert, verify: true }), MUST_NAME],
  ['of another node', 'localhost', 'elsewhere', () => ({ ca: authority.cert, verify: true }), MUST_NAME],
  [
    'that is missing here',
    '127.0.0.1',
    'of known clients',
    () => ({ ca: authority.cert, verify: true }),
    'tlsv13 alert certificate required. The nodes want a certificate that they know: set cert and key of tls.',
  ],
])('a certificate %s is refused, with what to do', async (_, host, node, tls, advice) => {
  const message = await outcome(host, node, tls());
  expect(message).toMatch(/^StoreError: Cassandra at .* cannot be reached: /);
  expect(message.endsWith(advice)).toBe(true);
});

test('files that are no certificates, or not each other’s, are told at once', async () => {
  const file = join(directory.path, 'notes.txt');
  await writeFile(file, 'not a certificate');
  expect(await outcome('127.0.0.1', 'by address', { ca: file, verify: true })).toBe(
    'StoreError: The file that ca of tls names has no certificate in PEM.',
  );
  expect(await outcome('127.0.0.1', 'by address', { cert: client.cert, key: other.key, verify: true })).toMatch(
    /^StoreError: OpenSSL refused the files of tls: .*mismatch\. Check ca, cert and key\.$/,
  );
});
