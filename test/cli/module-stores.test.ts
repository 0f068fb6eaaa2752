import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startServeProcess } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const SECRET = new URL('../../src/domain/secret.ts', import.meta.url).href;
const KEYS = { accessKeyId: 'FROMHTTP', secretAccessKey: 'over-the-wire' };

/** A keystore that asks another server, as users of Pithos 0.7 wrote them. */
const HTTP_KEYSTORE = `
import { Secret } from '${SECRET}';
export default function openKeystore({ url }) {
  return {
    description: 'keys at ' + url,
    async getKey(accessKeyId, { signal }) {
      const response = await fetch(url + '/' + encodeURIComponent(accessKeyId), { signal });
      if (response.status === 404) return undefined;
      const { tenant, secret } = await response.json();
      return { accessKeyId, secret: new Secret(secret), tenant, displayName: tenant, master: false, memberOf: [] };
    },
    async findTenant() { return undefined; },
    async checkWritable() {},
    async [Symbol.asyncDispose]() {},
  };
}
`;

test('a keystore of a module of somebody else is asked for keys', async () => {
  await using parent = await makeTempDir();
  await using keys = await startKeys();
  const file = join(parent.path, 'pithos.yaml');
  await mkdir(join(parent.path, 'stores'));
  await writeFile(join(parent.path, 'stores', 'http-keys.mjs'), HTTP_KEYSTORE);
  await writeFile(file, `keystore: { use: ./stores/http-keys.mjs, url: "${keys.url}" }\n`);
  await using server = await startServeProcess({
    directory: join(parent.path, 'data'),
    args: ['--log-format', 'json', '-f', file],
    env: { PITHOS_ACCESS_KEY_ID: '', PITHOS_SECRET_ACCESS_KEY: '' },
  });
  expect(server.output()).toContain(`keys at ${keys.url}`);
  const { endpoint } = server;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    credentials: KEYS,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  await client.send(new CreateBucketCommand({ Bucket: 'from-a-module' }));
  const { Buckets, Owner } = await client.send(new ListBucketsCommand({}));
  expect(Buckets?.map(({ Name }) => Name)).toEqual(['from-a-module']);
  expect(Owner?.ID).toBe('tenant-of-http');
  const stranger = { accessKeyId: 'NOBODY', secretAccessKey: 'x' };
  const refused = new S3Client({ endpoint, region: 'us-east-1', credentials: stranger, forcePathStyle: true });
  await expect(refused.send(new ListBucketsCommand({}))).rejects.toMatchObject({ name: 'InvalidAccessKeyId' });
});

test.each([
  ['is not there', undefined, 'The module ./store.mjs cannot be loaded'],
  ['exports no function', 'export const a = 1;', 'has no function as its default export'],
  ['throws', 'export default () => { throw new Error("no luck"); };', 'did not open its store: no luck'],
  [
    'makes something else',
    'export default () => ({ getKey() {} });',
    'is no keystore: it has no checkWritable, findTenant',
  ],
])('a module that %s is told in one line', async (_, source, message) => {
  await using parent = await makeTempDir();
  const file = join(parent.path, 'pithos.yaml');
  if (source !== undefined) await writeFile(join(parent.path, 'store.mjs'), source);
  await writeFile(file, 'keystore: { use: ./store.mjs }\n');
  const ended = await runPithos(['serve', join(parent.path, 'data'), '-f', file, '--port', '0', '--admin-port', 'off']);
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
});

async function startKeys(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(({ url }, response) => {
    if (url !== `/${KEYS.accessKeyId}`) response.writeHead(404).end();
    else response.end(JSON.stringify({ tenant: 'tenant-of-http', secret: KEYS.secretAccessKey }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
